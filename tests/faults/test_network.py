"""Hosts that lose each other: a worker, the PACS, the broker, the ledger, and links that are bad.

Each host is a network namespace with its own address; its cable is pulled so that nobody is told.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import radiographs
from faults.hospital_group import WORKERS, at_work
from peers import wait_for
from pydicom.uid import generate_uid

AWAY_S = 3.0
LONG_AWAY_S = 90.0
"""Longer than any silence that is put up with: connections are given up on both sides."""


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    with at_work(tmp_path_factory.mktemp("group")) as running:
        yield running


@pytest.fixture
def away_s(long):
    return LONG_AWAY_S if long else AWAY_S


def film(folder, **changes):
    ds = radiographs.cr(**changes)
    return ds, radiographs.write(folder, ds)


def another_image(folder, ds):
    same = ("StudyInstanceUID", "SeriesInstanceUID")
    return film(folder, **{keyword: ds[keyword].value for keyword in same})[1]


def ended_well(group, *studies):
    for study in studies:
        [result] = group.delivered(study)["results"]
        assert (result["state"], result["current"]) == ("screened", True)
    group.sound()


def test_a_series_split_over_two_listeners_is_one_series_with_one_result(group, tmp_path):
    first, one = film(tmp_path)
    other = another_image(tmp_path, first)
    # one association each, at once: HAProxy gives them to the two listeners in turn
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(group.send, [one, other]))
    ended_well(group, first.StudyInstanceUID)
    spools = [len(list((one.home / "spool/kept").rglob("*.dcm"))) for one in group.listeners]
    assert spools == [1, 1]
    assert len(group.received(first.StudyInstanceUID)) == 2


def test_a_worker_cut_off_in_mid_case_loses_it_to_another_and_its_late_answer_is_refused(
    group, tmp_path, tell
):
    ds, file = film(tmp_path)
    workers = [group.systems[name] for name in WORKERS]
    for worker in workers:
        worker.hold.touch()
    group.send(file)
    lost = wait_for("a worker to take it", lambda: group.owner(ds.StudyInstanceUID))
    wait_for("it to be in the middle of it", lost.hold.with_suffix(".held").exists)
    [other] = [worker for worker in workers if worker is not lost]
    other.hold.unlink()
    with group.network.cut_off(lost.name):
        began = time.monotonic()
        group.ended(ds.StudyInstanceUID)
        tell(f"cut-off worker: the other had its result after {time.monotonic() - began:.1f} s")
    lost.hold.unlink()
    refused = f"event=screened series={ds.SeriesInstanceUID} kept=False"
    wait_for("the late answer to be refused", lambda: refused in lost.logs())
    ended_well(group, ds.StudyInstanceUID)
    kinds = [event["kind"] for event in group.series(ds.StudyInstanceUID)["events"]]
    assert kinds.count("put back") == 1 and "parked" not in kinds


def test_images_are_taken_while_pacs_broker_and_ledger_are_gone_at_once(group, tmp_path, away_s):
    films = [film(tmp_path) for _ in range(2)]
    for worker in WORKERS:
        group.systems[worker].hold.touch()
    group.send(films[0][1])
    wait_for("a worker to take it", lambda: group.owner(films[0][0].StudyInstanceUID))
    with group.network.cut_off("pacs", "broker", "ledger"):
        group.send(films[1][1])
        for worker in WORKERS:
            group.systems[worker].hold.unlink()
        time.sleep(away_s)
    ended_well(group, *(ds.StudyInstanceUID for ds, _ in films))


@pytest.mark.long
def test_a_pacs_that_is_cut_off_gets_every_result_once_it_is_back(group, tmp_path, away_s):
    ds, file = film(tmp_path)
    with group.network.cut_off("pacs"):
        group.send(file)
        wait_for("the result", lambda: group.series(ds.StudyInstanceUID)["state"] == "screened")
        time.sleep(away_s)
    ended_well(group, ds.StudyInstanceUID)


@pytest.mark.long
@pytest.mark.parametrize("server", ["broker", "ledger"])
def test_images_are_taken_while_a_server_is_cut_off_and_screened_when_it_is_back(
    group, tmp_path, server, away_s
):
    before, one = film(tmp_path)
    during, other = film(tmp_path)
    for worker in WORKERS:
        group.systems[worker].hold.touch()
    group.send(one)
    wait_for("a worker to take it", lambda: group.owner(before.StudyInstanceUID))
    with group.network.cut_off(server):
        group.send(other)
        for worker in WORKERS:
            group.systems[worker].hold.unlink()
        time.sleep(away_s)
    ended_well(group, before.StudyInstanceUID, during.StudyInstanceUID)


@pytest.mark.long
def test_a_listener_that_is_cut_off_gets_no_more_and_what_it_holds_is_waited_for(group, tmp_path):
    first, one = film(tmp_path)
    other = another_image(tmp_path, first)
    for worker in WORKERS:
        group.systems[worker].hold.touch()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(group.send, [one, other]))
    wait_for("both images", lambda: len(group.received(first.StudyInstanceUID)) == 2)
    with group.network.cut_off("listener-2"):
        # HAProxy sees it within a second; whoever calls meanwhile is sent on
        wait_for("the other listener to take all", lambda: group.offer(one)[0] == 0)
        later, third = film(tmp_path)
        wait_for("the third", lambda: group.offer(third)[0] == 0)
        for worker in WORKERS:
            group.systems[worker].hold.unlink()
        group.delivered(later.StudyInstanceUID)
        state = group.series(first.StudyInstanceUID)["state"]
        assert state in ("receiving", "queued", "screening", "screened")
    ended_well(group, first.StudyInstanceUID, later.StudyInstanceUID)


def test_late_and_lost_packets_cost_time_and_nothing_else(group, tmp_path, long, tell):
    count, delay_ms, loss_percent = (20, 30, 2) if long else (2, 5, 1)
    films = [film(tmp_path, SeriesInstanceUID=generate_uid()) for _ in range(count)]
    began = time.monotonic()
    with group.network.slow(delay_ms, loss_percent, "listener-1", "worker-1", "pacs") as how:
        for _, file in films:
            group.send(file)
        ended_well(group, *(ds.StudyInstanceUID for ds, _ in films))
    took = time.monotonic() - began
    bad = f"{delay_ms} ms each way, {loss_percent} % lost"
    tell(f"{count} films over bad links ({bad}): {took:.1f} s, {how}")
