"""Leases: one worker at a time, and nothing is lost with a worker that falls silent."""

import time
from datetime import timedelta

from sqlalchemy import update

from daemon.records import arrivals, claims
from daemon.records.ledger import now
from daemon.records.tables import Series


def lapse(ledger):
    with ledger.write() as session:
        session.execute(update(Series).values(lease_until=now() - timedelta(seconds=1)))


def test_only_the_first_of_two_workers_gets_a_series(ledger, claimed):
    assert claimed is not None
    assert claims.claim(ledger, "1.2.3", 60) is None


def test_the_heartbeat_extends_the_lease(ledger, claimed, series_in):
    before = series_in().lease_until
    with claims.heartbeat(ledger, claimed, lease_s=61):
        pass
    assert series_in().lease_until == before
    with claims.heartbeat(ledger, claimed, lease_s=0.3):
        time.sleep(0.4)
    assert series_in().lease_until != before


def test_a_lapsed_lease_frees_the_series(ledger, claimed, series_in):
    assert claims.free_lapsed(ledger, max_attempts=3) == 0
    lapse(ledger)
    assert claims.free_lapsed(ledger, max_attempts=3) == 1
    assert series_in().state == "queued"
    assert claims.claim(ledger, "1.2.3", 60).attempts == 2


def test_a_series_that_silences_every_worker_is_parked_with_its_reason(ledger, claimed, series_in):
    lapse(ledger)
    claims.free_lapsed(ledger, max_attempts=1)
    assert (series_in().state, series_in().reason) == ("parked", "attempts-exhausted")


def test_a_broken_attempt_is_put_back_then_parked(ledger, claimed, series_in):
    assert claims.release(ledger, claimed, "ValueError at x.py:1", max_attempts=2) == "queued"
    again = claims.claim(ledger, "1.2.3", 60)
    assert claims.release(ledger, again, "ValueError at x.py:1", max_attempts=2) == "parked"
    assert (series_in().reason, series_in().detail) == ("internal-error", "ValueError at x.py:1")


def test_a_worker_whose_lease_passed_on_changes_nothing(ledger, claimed, series_in):
    lapse(ledger)
    claims.free_lapsed(ledger, max_attempts=3)
    second = claims.claim(ledger, "1.2.3", 60)
    claims.release(ledger, claimed, "late", max_attempts=1)
    assert (series_in().state, series_in().lease_owner) == ("screening", second.lease_owner)


def test_a_queued_series_nobody_takes_is_rung_for_again_once_an_interval(ledger, make_arrival):
    arrivals.index(ledger, [make_arrival()])
    [series] = arrivals.quiet(ledger, {}, 0)
    arrivals.queue(ledger, [series], "cxr")
    assert claims.to_ring(ledger, silent_s=60, most=9) == []
    assert [one.exam for one in claims.to_ring(ledger, silent_s=0, most=9)] == ["cxr"]
    assert claims.to_ring(ledger, silent_s=60, most=9) == []


def test_a_long_queue_is_rung_for_a_few_at_a_time_oldest_first(ledger, make_arrival):
    for number in range(5):
        arrivals.index(ledger, [make_arrival(f"1.2.{number}", f"1.2.{number}.1")])
        [series] = arrivals.quiet(ledger, {}, 0)
        arrivals.queue(ledger, [series], "cxr")
    rung = claims.to_ring(ledger, silent_s=0, most=2)
    assert {one.SeriesInstanceUID for one in rung} == {"1.2.0", "1.2.1"}
