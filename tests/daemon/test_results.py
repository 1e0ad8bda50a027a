"""Outcomes, objects and deliveries: written once, sent once, parked with the peer's words."""

from dataclasses import replace
from datetime import timedelta

import pytest
from kept_site import outcome as screened
from peers import wait_for
from sqlalchemy import select, update

from daemon.records import arrivals, claims, deliveries, peers, results, settling, summary
from daemon.records.ledger import now
from daemon.records.results import MadeObject
from daemon.records.settling import Patience
from daemon.records.tables import Delivery, Event, Peer, Screening, SeriesState, Stage


def made(uid="2.25.1", kind="SR", receivers=("PACS",)):
    return MadeObject(
        SOPInstanceUID=uid,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.34",
        SeriesInstanceUID="2.25.9",
        kind=kind,
        sha256="c" * 64,
        receivers=receivers,
    )


@pytest.fixture
def outcome():
    return screened(made(), made("2.25.2", "SC"))


def rows(ledger, table):
    with ledger.read() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_outcomes_and_the_series_end_are_one_change(ledger, claimed, outcome, series_in):
    assert results.keep(ledger, claimed, [outcome])
    assert series_in().state == "screened"
    assert [delivery.state for delivery in rows(ledger, Delivery)] == ["pending", "pending"]


def test_nothing_is_kept_when_an_image_came_meanwhile(
    ledger, claimed, outcome, series_in, make_arrival
):
    arrivals.index(ledger, [make_arrival(instance="1.2.3.2")])
    assert not results.keep(ledger, claimed, [outcome])
    assert series_in().state == "receiving"
    assert rows(ledger, Screening) == []


def screened_again(ledger, outcome, make_arrival):
    """Let a late image reopen the series, and keep what is found then."""
    arrivals.index(ledger, [make_arrival(instance="1.2.3.2")])
    [series] = settling.quiet(ledger, Patience({}, 0))
    arrivals.queue(ledger, [series], "cxr")
    assert results.keep(ledger, claims.claim(ledger, "1.2.3"), [outcome])


def test_the_same_result_again_sends_nothing_new(ledger, claimed, outcome, make_arrival):
    results.keep(ledger, claimed, [outcome])
    screened_again(ledger, outcome, make_arrival)
    assert len(rows(ledger, Screening)) == 1
    assert len(rows(ledger, Delivery)) == 2


def test_another_result_takes_the_place_of_the_first(ledger, claimed, outcome, make_arrival):
    results.keep(ledger, claimed, [outcome])
    revised = replace(outcome, key="k2", objects=(made("2.25.3"),))
    screened_again(ledger, revised, make_arrival)
    assert [row.current for row in rows(ledger, Screening)] == [False, True]


def test_a_series_is_failed_before_it_is_skipped(ledger, claimed, outcome, series_in):
    skipped = replace(outcome, state=SeriesState.SKIPPED, reason="age-missing", objects=())
    failed = replace(
        outcome, model="other", state=SeriesState.FAILED, reason="pixels-constant", objects=()
    )
    results.keep(ledger, claimed, [skipped, failed])
    assert (series_in().state, series_in().reason) == ("failed", "pixels-constant")


def test_one_ring_sends_all_objects_of_a_screening_in_one_journey(ledger, claimed, outcome):
    results.keep(ledger, claimed, [outcome])
    [ring] = deliveries.pending_of(ledger, "1.2.3")
    assert {one.SOPInstanceUID for one in deliveries.claim(ledger, ring)} == {
        "2.25.1",
        "2.25.2",
    }
    assert deliveries.claim(ledger, ring) == []


def test_a_peer_is_sent_one_thing_at_a_time_and_another_peer_is_not_kept_waiting(
    ledger, claimed, outcome
):
    first = replace(outcome, objects=(made("2.25.1"),))
    second = replace(outcome, model="other", objects=(made("2.25.2", receivers=("PACS", "B")),))
    results.keep(ledger, claimed, [first, second])
    one, two, three = rows(ledger, Delivery)
    assert len(deliveries.claim(ledger, one.id)) == 1
    assert deliveries.claim(ledger, two.id) == []
    assert deliveries.claim(ledger, three.id)[0].aet == "B"
    assert deliveries.next_for(ledger, "PACS") == two.id


def test_a_refused_delivery_waits_longer_each_time(ledger, claimed, outcome):
    results.keep(ledger, claimed, [replace(outcome, objects=(made(),))])
    delays = []
    for _ in range(3):
        with ledger.write() as session:
            session.execute(update(Delivery).values(due_at=now()))
        deliveries.call_due(ledger)
        [delivery] = deliveries.claim(ledger, 1)
        deliveries.postpone(ledger, delivery, 0xA700, "PACS answered 0xA700", backoff_s=100)
        [row] = rows(ledger, Delivery)
        assert (row.state, row.status, row.detail) == ("pending", 0xA700, "PACS answered 0xA700")
        delays.append((row.due_at - now()).total_seconds())
    assert 74 < delays[0] < 126 < 149 < delays[1] < 251 < 299 < delays[2] < 501
    assert deliveries.claim(ledger, 1) == []


def test_a_parked_delivery_is_told_by_status(ledger, claimed, outcome):
    results.keep(ledger, claimed, [replace(outcome, objects=(made(),))])
    [delivery] = deliveries.claim(ledger, 1)
    deliveries.park(ledger, delivery, 0x0122, "PACS answered 0x0122 (SOP class not supported)")
    told = summary.status(ledger)
    assert told["deliveries"]["parked"] == 1
    assert told["parked_deliveries"] == [
        {
            "aet": "PACS",
            "detail": "PACS answered 0x0122 (SOP class not supported)",
            "objects": 1,
        }
    ]


def test_what_a_silent_worker_was_sending_is_sent_again(ledger, claimed, outcome):
    results.keep(ledger, claimed, [replace(outcome, objects=(made(),))])
    [mine] = deliveries.claim(ledger, 1)
    assert deliveries.to_ring(ledger, 0) == []
    assert deliveries.lost(ledger, mine, "its process fell silent", 3) == "pending"
    assert [one.id for one in deliveries.to_ring(ledger, 0)] == [1]


def test_what_a_process_ended_over_is_sent_alone_and_blocks_nothing_else(ledger, claimed, outcome):
    pair = (made("2.25.1"), made("2.25.2"))
    other = replace(outcome, model="other", objects=(made("2.25.3"),))
    results.keep(ledger, claimed, [replace(outcome, objects=pair), other])
    for one in deliveries.claim(ledger, 1):
        deliveries.lost(ledger, one, "its process ended", 3)
    assert deliveries.claim(ledger, 1) == []
    assert [one.id for one in deliveries.claim(ledger, 1, alone=True)] == [1]
    assert [one.id for one in deliveries.claim(ledger, 3)] == [3]


def test_a_clock_that_is_set_back_makes_no_delivery_wait_for_it(ledger, claimed, outcome):
    results.keep(ledger, claimed, [replace(outcome, objects=(made(),))])
    [mine] = deliveries.claim(ledger, 1)
    deliveries.postpone(ledger, mine, None, "PACS does not answer", backoff_s=5)
    hour = timedelta(hours=1)
    [row] = rows(ledger, Delivery)
    with ledger.write() as session:
        ahead = {"due_at": row.due_at + hour, "rung_at": row.rung_at + hour}
        session.execute(update(Delivery).values(**ahead))
    deliveries.call_due(ledger)
    assert deliveries.to_ring(ledger, 0) == []
    deliveries.clock_stepped(ledger)
    assert [one.id for one in deliveries.to_ring(ledger, 0)] == [1]


def test_the_states_add_up_to_what_was_received(ledger, claimed, make_arrival):
    arrivals.index(ledger, [make_arrival("1.2.4", "1.2.4.1"), make_arrival("1.2.5", "1.2.5.1")])
    told = summary.status(ledger)["series"]
    assert told["total"] == sum(told["by_state"].values()) == 3


def peer(aet, wants, role):
    return Peer(
        aet=aet, host="h", port=104, sends=False, results=wants, role=role, sr_class="1.2.840"
    )


@pytest.mark.parametrize(
    ("stage", "flagged", "told"),
    [
        (Stage.OFF, True, []),
        (Stage.SHADOW, True, []),
        (Stage.RESEARCH, True, ["R_ALL", "R_FLAG"]),
        (Stage.RESEARCH, False, ["R_ALL"]),
        (Stage.LIVE, True, ["C_ALL", "C_FLAG", "R_ALL", "R_FLAG"]),
        (Stage.LIVE, False, ["C_ALL", "R_ALL"]),
    ],
)
def test_who_is_told(ledger, stage, flagged, told):
    for letter, role in (("C", "clinical"), ("R", "research")):
        for name, wants in (("ALL", "all"), ("FLAG", "flagged"), ("NONE", "none")):
            peers.add(ledger, peer(f"{letter}_{name}", wants, role))
    assert [one.aet for one in peers.receivers(ledger, stage, flagged)] == told


def test_a_model_is_in_shadow_until_an_admin_decides(ledger):
    assert peers.stage_of(ledger, "cxr_osporscreen") is Stage.SHADOW
    peers.set_stage(ledger, "cxr_osporscreen", Stage.RESEARCH)
    assert peers.stage_of(ledger, "cxr_osporscreen") is Stage.RESEARCH


def test_the_sweep_rings_once_for_each_peer_however_much_waits(ledger, claimed, outcome):
    many = tuple(made(f"2.25.{n}", receivers=("PACS", "B")) for n in range(5))
    results.keep(ledger, claimed, [replace(outcome, objects=many)])
    assert len(deliveries.to_ring(ledger, 0)) == 2


def test_a_slow_peer_keeps_its_delivery_as_long_as_it_takes(ledger, claimed, outcome):
    results.keep(ledger, claimed, [replace(outcome, objects=(made(),))])
    mine = deliveries.claim(ledger, 1)
    with deliveries.heartbeat(ledger, mine, lease_s=0.3):
        wait_for("two beats", lambda: rows(ledger, Delivery)[0].lease_beat > 1)


def test_a_delivery_that_silences_every_worker_is_parked(ledger, claimed, outcome):
    results.keep(ledger, claimed, [replace(outcome, objects=(made(),))])
    for alone in (False, True):
        [mine] = deliveries.claim(ledger, 1, alone)
        deliveries.lost(ledger, mine, "killed by signal 11 (segmentation fault)", max_attempts=2)
    assert rows(ledger, Delivery)[0].state == "parked"
    assert [row.kind for row in rows(ledger, Event)][-1] == "delivery parked"
