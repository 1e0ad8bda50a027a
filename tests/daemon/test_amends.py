"""What people do about results, in the ledger, on both databases."""

import pytest
from bench.pages import fill
from sqlalchemy import text

from daemon.records import amends, deliveries, flow, search
from daemon.records.flow import Period
from daemon.records.ledger import now
from daemon.records.results import MadeObject
from daemon.records.search import Wanted
from daemon.records.tables import Delivery
from daemon.web.flow import A_DAY

FLAGGED = "1.2.20"


@pytest.fixture
def full(settings):
    """Sixty studies: thirty screened, three flagged, and the results of the first given up."""
    ledger = fill(settings, 60)
    yield ledger
    ledger.close()


def states(ledger, study_uid):
    number = study_uid.rpartition(".")[2]
    with ledger.read() as session:
        mine = session.query(Delivery).filter_by(screening_id=int(number) + 1)
        return sorted((one.SOPInstanceUID, one.state) for one in mine)


def test_what_was_given_up_is_one_heap_a_peer_and_reason(full):
    [heap] = amends.heaps(full)
    assert (heap.aet, heap.detail, heap.objects) == ("PACS", "out of resources", 1)
    [one] = amends.stuck(full)
    assert (one.StudyInstanceUID, one.kind) == ("1.2.0", "SR")
    assert amends.send_parked(full, "PACS", "another reason", None) == 0
    assert amends.send_parked(full, "PACS", None, one.delivery_id + 1) == 0
    assert amends.send_parked(full, "PACS", "out of resources", None) == 1
    assert amends.heaps(full) == [] and states(full, "1.2.0")[0][1] == "pending"


def test_a_study_is_sent_once_more_and_no_other(full):
    assert amends.send_study(full, FLAGGED) == 1
    assert states(full, FLAGGED)[0][1] == "pending" and states(full, "1.2.22")[0][1] == "sent"
    assert amends.send_study(full, "1.2.1") == 0


def test_what_is_taken_back_is_followed_by_its_note_alone(full):
    [one] = amends.standing(full, FLAGGED)
    assert one.had == ("PACS",) and len(one.objects) == 1
    note = MadeObject("2.25.999", "1.2.3", "2.25.9", amends.NOTE_KIND, "0" * 64, one.had)
    assert amends.send_study(full, FLAGGED) == 1
    assert amends.retract(full, one, note, "wrong patient")
    assert not amends.retract(full, one, None, "once more")
    assert states(full, FLAGGED) == [("2.25.20", "dropped"), ("2.25.999", "pending")]
    assert amends.standing(full, FLAGGED) == [] and amends.send_study(full, FLAGGED) == 0
    # a better look takes the place of a result; the note of what was taken back still goes
    with full.write() as session:
        deliveries.supersede(session, [one.screening_id])
    assert states(full, FLAGGED)[1] == ("2.25.999", "pending")
    assert FLAGGED not in {each.StudyInstanceUID for each in flagged(full)}
    told = flow.flow(full, Period(now() - 2 * A_DAY, now() + A_DAY))
    assert (told.looked_at, told.flagged, told.retracted, told.not_flagged) == (30, 2, 1, 27)


def test_flagged_studies_are_found_by_an_index_that_holds_no_others(full):
    stands = "s.current = 1 AND s.flagged = 1" if of_sqlite(full) else "s.current AND s.flagged"
    query = (
        "SELECT * FROM series WHERE EXISTS (SELECT * FROM screening AS s WHERE "
        f's."SeriesInstanceUID" = series."SeriesInstanceUID" AND {stands}) ORDER BY first_at'
    )
    assert "screening_flagged" in plan(full, query)


def of_sqlite(ledger):
    return ledger.engine.dialect.name == "sqlite"


def plan(ledger, query):
    """Return how the database would look, were the tables large."""
    with ledger.engine.begin() as connection:
        if not of_sqlite(ledger):
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        how = "QUERY PLAN " if of_sqlite(ledger) else ""
        return " ".join(map(str, connection.execute(text(f"EXPLAIN {how}{query}"))))


def flagged(ledger):
    return search.studies(ledger, Wanted(flagged=True))
