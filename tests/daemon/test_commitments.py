"""What we say when asked to commit, and whom we call when, on each database."""

import os
from datetime import timedelta
from io import BytesIO

import pytest
from modality import DX, asked_for, shadow
from pydicom import dcmwrite
from sqlalchemy import select, update

from daemon import commitment
from daemon.intake import Intake
from daemon.jobs import Doorbell
from daemon.records import commitments, peers, retention, summary
from daemon.records.commitments import Named
from daemon.records.tables import Commitment, Instance, Peer, Series
from daemon.spool import Spool

NO_SUCH_INSTANCE, PROCESSING_FAILURE = 0x0112, 0x0110


@pytest.fixture
def spool(settings):
    spool = Spool(settings.spool)
    spool.prepare()
    return spool


def put(spool, ds):
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return spool.put(b"", out.getvalue())


def ask(ledger, *named, transaction="1.2.9", aet="CR1", report_after_s=0):
    return commitments.ask(ledger, aet, transaction, named, report_after_s)


def named(ds):
    [(sop_class, uid)] = asked_for([ds])
    return Named(sop_class, uid)


def failures(verdicts):
    return [one.failure for one in verdicts]


def test_what_was_received_and_is_not_indexed_is_waited_for(settings, ledger, spool):
    ds = shadow()
    put(spool, ds)
    claimed = commitments.claim(ledger, ask(ledger, named(ds)), 60)
    assert commitment.judge(settings, ledger, claimed) is None
    Intake(settings, ledger, Doorbell(settings)).index_arrived()
    assert failures(commitment.judge(settings, ledger, claimed)) == [None]


def test_what_is_never_indexed_is_refused_when_the_wait_is_over(settings, ledger, spool):
    file = put(spool, shadow())
    claimed = commitments.claim(ledger, ask(ledger, Named(DX, "1.2.3")), 60)
    assert commitment.judge(settings, ledger, claimed) is None
    claimed.asked_at -= timedelta(seconds=settings.commitment_wait_s)
    # by now the file has come after the request: nothing of before is on its way
    assert failures(commitment.judge(settings, ledger, claimed)) == [NO_SUCH_INSTANCE]
    os.utime(file, (0, 0))
    assert failures(commitment.judge(settings, ledger, claimed)) == [PROCESSING_FAILURE]


def test_what_is_asked_for_is_not_purged_and_what_is_purged_is_refused(settings, ledger, spool):
    ds = shadow()
    put(spool, ds)
    intake = Intake(settings, ledger, Doorbell(settings))
    intake.index_arrived()
    kept = select(Series).where(retention._unfinished())
    with ledger.read() as session:
        assert session.scalars(kept).all() == []
    claimed = commitments.claim(ledger, ask(ledger, named(ds)), 60)
    with ledger.write() as session:
        assert len(session.scalars(kept).all()) == 1
        session.execute(update(Instance).values(purged_by="purge_screened_days"))
    assert failures(commitment.judge(settings, ledger, claimed)) == [NO_SUCH_INSTANCE]


def test_a_request_is_in_one_hand_at_a_time(ledger):
    number = ask(ledger, Named(DX, "1.2.3"))
    first = commitments.claim(ledger, number, 60)
    assert first is not None and commitments.claim(ledger, number, 60) is None
    assert commitments.to_ring(ledger, 0) == []
    commitments.wait(ledger, first, 0, "not yet")
    assert commitments.to_ring(ledger, 30) == [number]
    # rung for a moment ago
    assert commitments.to_ring(ledger, 30) == []
    assert commitments.claim(ledger, number, 60) is not None


def test_a_hand_that_falls_silent_lets_go(ledger):
    number = ask(ledger, Named(DX, "1.2.3"))
    lost = commitments.claim(ledger, number, -1)
    assert commitments.to_ring(ledger, 0) == [number]
    second = commitments.claim(ledger, number, 60)
    commitments.reported(ledger, lost, [Named(DX, "1.2.3")])
    assert summary.status(ledger)["commitments"]["waiting"] == 1
    commitments.reported(ledger, second, [Named(DX, "1.2.3", NO_SUCH_INSTANCE)])
    assert summary.status(ledger)["commitments"] == {"waiting": 0, "reported": 1, "parked": 0}
    [row] = commitments.objects_of(ledger, second)
    assert row.failure == NO_SUCH_INSTANCE


def test_a_peer_is_called_with_one_report_at_a_time(ledger):
    first = ask(ledger, Named(DX, "1.2.3"))
    ask(ledger, Named(DX, "1.2.4"), transaction="1.2.10")
    other = ask(ledger, Named(DX, "1.2.3"), aet="CR2")
    assert commitments.to_ring(ledger, 0) == [first, other]
    commitments.claim(ledger, first, 60)
    assert commitments.to_ring(ledger, 0) == [other]


def test_the_same_name_for_other_objects_is_refused_and_another_peer_may_use_it(ledger):
    number = ask(ledger, Named(DX, "1.2.3"))
    assert ask(ledger, Named(DX, "1.2.3")) == number
    assert ask(ledger, Named(DX, "1.2.4")) is None
    assert ask(ledger, Named(DX, "1.2.4"), aet="CR2") not in (None, number)


def test_a_peer_that_was_parked_is_called_again_when_an_admin_sets_it(ledger):
    number = ask(ledger, Named(DX, "1.2.3"))
    claimed = commitments.claim(ledger, number, 60)
    commitments.postpone(ledger, claimed, "CR1 does not answer", 0.1, most=1)
    told = summary.status(ledger)
    assert told["commitments"]["parked"] == 1
    assert told["parked_commitments"] == [
        {"aet": "CR1", "detail": "CR1 does not answer", "requests": 1}
    ]
    peer = Peer(aet="CR1", host="h", port=104, sends=True, results="none", role="research")
    peer.sr_class = "1.2"
    peers.add(ledger, peer)
    assert commitments.to_ring(ledger, 0) == [number]


def test_a_request_that_waits_is_told_with_its_reason(ledger):
    number = ask(ledger, Named(DX, "1.2.3"))
    claimed = commitments.claim(ledger, number, 60)
    commitments.postpone(ledger, claimed, "CR1 does not answer", 0.1, most=5)
    with ledger.write() as session:
        session.execute(update(Commitment).values(asked_at=claimed.asked_at - timedelta(hours=1)))
    told = summary.status(ledger)["oldest"]["commitment"]
    assert (told["aet"], told["attempts"], told["why"]) == ("CR1", 1, "CR1 does not answer")
    assert told["waits_s"] >= 3600
