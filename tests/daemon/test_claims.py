"""Leases: one worker at a time, and nothing is lost with a worker that falls silent."""

from datetime import timedelta

from peers import wait_for
from sqlalchemy import update

from daemon.records import arrivals, claims, settling, summary
from daemon.records.ledger import now
from daemon.records.settling import Patience
from daemon.records.tables import Series


def test_only_the_first_of_two_workers_gets_a_series(ledger, claimed):
    assert claimed is not None
    assert claims.claim(ledger, "1.2.3") is None


def test_the_heartbeat_counts_and_says_the_stage(ledger, claimed, series_in):
    with claims.heartbeat(ledger, claimed, 0.3, lambda: "read"):
        wait_for("two beats", lambda: series_in().lease_beat > 1)
    assert series_in().detail == "read"


def test_a_series_whose_process_ended_is_tried_again_alone(ledger, claimed, series_in):
    assert claims.lost(ledger, claimed, "its process ended", max_attempts=3) == "queued"
    assert series_in().detail == "attempt 1: its process ended"
    assert claims.claim(ledger, "1.2.3") is None
    assert claims.claim(ledger, "1.2.3", alone=True).attempts == 2


def test_a_series_that_ends_every_process_is_parked_with_its_reason(ledger, claimed, series_in):
    claims.lost(ledger, claimed, "its process ended", max_attempts=2)
    again = claims.claim(ledger, "1.2.3", alone=True)
    why = "killed by signal 11 (segmentation fault) in stage read"
    assert claims.lost(ledger, again, why, max_attempts=2) == "parked"
    assert (series_in().reason, series_in().detail) == ("attempts-exhausted", f"attempt 2: {why}")


def test_nobody_is_parked_for_what_ended_a_shared_process(ledger, claimed, series_in):
    assert claims.lost(ledger, claimed, "its process ended", max_attempts=1) == "queued"


def test_a_broken_attempt_is_put_back_then_parked(ledger, claimed, series_in):
    assert claims.release(ledger, claimed, "ValueError at x.py:1", max_attempts=2) == "queued"
    again = claims.claim(ledger, "1.2.3", alone=True)
    assert claims.release(ledger, again, "ValueError at x.py:1", max_attempts=2) == "parked"
    assert (series_in().reason, series_in().detail) == ("internal-error", "ValueError at x.py:1")


def test_a_worker_whose_lease_passed_on_changes_nothing(ledger, claimed, series_in):
    claims.lost(ledger, claimed, "its process fell silent", max_attempts=3)
    second = claims.claim(ledger, "1.2.3", alone=True)
    claims.release(ledger, claimed, "late", max_attempts=1)
    assert (series_in().state, series_in().lease_owner) == ("screening", second.lease_owner)


def test_a_queued_series_nobody_takes_is_rung_for_again_once_an_interval(ledger, make_arrival):
    arrivals.index(ledger, [make_arrival()])
    [series] = settling.quiet(ledger, Patience({}, 0))
    arrivals.queue(ledger, [series], "cxr")
    assert claims.to_ring(ledger, silent_s=60, most=9) == []
    assert [one.exam for one in claims.to_ring(ledger, silent_s=0, most=9)] == ["cxr"]
    assert claims.to_ring(ledger, silent_s=60, most=9) == []


def test_a_clock_that_is_set_back_delays_no_ring(ledger, make_arrival, series_in):
    arrivals.index(ledger, [make_arrival()])
    [series] = settling.quiet(ledger, Patience({}, 0))
    arrivals.queue(ledger, [series], "cxr")
    with ledger.write() as session:
        session.execute(update(Series).values(rung_at=now() + timedelta(hours=1)))
    assert claims.to_ring(ledger, silent_s=0, most=9) == []
    claims.clock_stepped(ledger)
    assert len(claims.to_ring(ledger, silent_s=0, most=9)) == 1


def test_a_long_queue_is_rung_for_a_few_at_a_time_oldest_first(ledger, make_arrival):
    for number in range(5):
        arrivals.index(ledger, [make_arrival(f"1.2.{number}", f"1.2.{number}.1")])
        [series] = settling.quiet(ledger, Patience({}, 0))
        arrivals.queue(ledger, [series], "cxr")
    rung = claims.to_ring(ledger, silent_s=0, most=2)
    assert {one.SeriesInstanceUID for one in rung} == {"1.2.0", "1.2.1"}


def test_what_was_put_off_was_no_attempt_and_is_rung_for_at_the_next_sweep(
    ledger, claimed, series_in
):
    claims.put_off(ledger, claimed, "the disk was full")
    series = series_in()
    assert (series.state, series.attempts, series.detail) == ("queued", 0, "the disk was full")
    [rung] = claims.to_ring(ledger, 0, 10)
    assert rung.SeriesInstanceUID == series.SeriesInstanceUID


def test_a_ring_that_the_broker_did_not_take_is_due_at_the_next_sweep(ledger, make_arrival):
    arrivals.index(ledger, [make_arrival()])
    [series] = settling.quiet(ledger, Patience({}, 0))
    arrivals.queue(ledger, [series], "cxr")
    assert claims.to_ring(ledger, silent_s=60, most=9) == []
    claims.not_rung(ledger, ["1.2.3"])
    assert [one.SeriesInstanceUID for one in claims.to_ring(ledger, 60, most=9)] == ["1.2.3"]
    assert claims.to_ring(ledger, silent_s=60, most=9) == []


def test_what_was_parked_is_received_once_more_when_an_admin_asks(ledger, claimed, series_in):
    claims.lost(ledger, claimed, "its process ended", max_attempts=2)
    again = claims.claim(ledger, "1.2.3", alone=True)
    claims.lost(ledger, again, "its process ended", max_attempts=2)
    assert claims.anew(ledger, "1.2.4") == []
    assert claims.anew(ledger, None) == ["1.2.3"]
    assert (series_in().state, series_in().attempts) == ("receiving", 0)
    assert claims.anew(ledger, None) == []


def test_status_says_of_what_waits_how_long_and_why(ledger, claimed, make_arrival):
    arrivals.index(ledger, [make_arrival("1.2.4", "1.2.4.1")])
    oldest = summary.status(ledger)["oldest"]
    assert oldest["receiving"]["why"] == "more images may come"
    assert oldest["screening"]["why"] == "attempt 1, stage begin"
    claims.lost(ledger, claimed, "its process ended", max_attempts=2)
    assert summary.status(ledger)["oldest"]["queued"]["why"] == "attempt 1: its process ended"
