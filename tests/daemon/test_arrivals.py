"""From a received object to a series that is queued or skipped."""

import threading

from daemon.records import arrivals, claims, evidence, settling
from daemon.records.arrivals import Fate
from daemon.records.ledger import changed
from daemon.records.settling import Patience
from daemon.records.tables import SeriesState


def test_a_new_object_opens_its_series(ledger, make_arrival, series_in):
    assert arrivals.index(ledger, [make_arrival()]) == [Fate.NEW]
    series = series_in()
    assert (series.state, series.images, series.modality) == ("receiving", 1, "DX")


def test_the_same_object_again_changes_nothing(ledger, make_arrival, series_in):
    arrivals.index(ledger, [make_arrival()])
    before = series_in().last_at
    assert arrivals.index(ledger, [make_arrival()]) == [Fate.SAME]
    assert (series_in().images, series_in().last_at) == (1, before)


def test_the_same_object_twice_in_one_batch_is_counted_once(ledger, make_arrival, series_in):
    assert arrivals.index(ledger, [make_arrival(), make_arrival()]) == [Fate.NEW, Fate.SAME]
    assert series_in().images == 1


def test_other_bytes_under_a_known_uid_are_a_conflict(ledger, make_arrival):
    arrivals.index(ledger, [make_arrival()])
    assert arrivals.index(ledger, [make_arrival(sha256="b" * 64)]) == [Fate.CONFLICT]
    [[(instance, _)]] = evidence.acknowledged(ledger)
    assert instance.sha256 == "a" * 64


def test_a_series_is_quiet_only_after_its_modality_s_settle_time(ledger, make_arrival):
    arrivals.index(ledger, [make_arrival(), make_arrival("1.2.4", "1.2.4.1", modality="CT")])
    quiet = settling.quiet(ledger, Patience({"DX": 0.0}, 60))
    assert [series.SeriesInstanceUID for series in quiet] == ["1.2.3"]


def test_an_image_that_comes_while_a_series_is_classified_keeps_it_open(
    ledger, make_arrival, series_in
):
    arrivals.index(ledger, [make_arrival()])
    [series] = settling.quiet(ledger, Patience({}, 0))
    arrivals.index(ledger, [make_arrival(instance="1.2.3.2")])
    assert not arrivals.queue(ledger, [series], "cxr")
    assert series_in().state == "receiving"


def test_a_late_image_reopens_an_ended_series(ledger, make_arrival, series_in):
    arrivals.index(ledger, [make_arrival()])
    [series] = settling.quiet(ledger, Patience({}, 0))
    assert arrivals.end(ledger, [series], SeriesState.SKIPPED, "exam-not-screened", "why")
    arrivals.index(ledger, [make_arrival(instance="1.2.3.2")])
    assert (series_in().state, series_in().images) == ("receiving", 2)
    assert (series_in().reason, series_in().detail, series_in().ended_at) == (None, None, None)


def test_a_late_image_leaves_a_claimed_series_with_its_worker(
    ledger, make_arrival, series_in, claimed
):
    arrivals.index(ledger, [make_arrival(instance="1.2.3.2")])
    assert series_in().state == "screening"
    assert claims.claim(ledger, "1.2.3") is None


def test_an_image_that_comes_as_its_series_ends_is_not_overlooked(ledger, make_arrival, claimed):
    """Whichever change is first, the series is received once more."""
    outcomes = []

    def end_it():
        with ledger.write() as session:
            change = claims.finished(claimed, SeriesState.SCREENED, None, None)
            outcomes.append(changed(session.execute(change)))

    worker = threading.Thread(target=end_it)
    with ledger.write() as session:
        arrivals._index(session, [make_arrival(instance="1.2.3.2")])
        worker.start()
        worker.join(timeout=0.3)
    worker.join()
    assert outcomes == [False]
