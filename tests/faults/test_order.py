"""Images in any order, at any pace, over any number of associations: each series ends once."""

import random
import threading
import time

import pytest
from faults.taken import SETTLE_S, at_rest, ct_slice, events, new_uid, send, taking

LONGEST_S = 4


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    with taking(tmp_path_factory.mktemp("ours"), longest_settle_s=LONGEST_S) as running:
        yield running


def test_interleaved_studies_in_any_order_over_several_associations_end_once_each(system, long):
    chance = random.Random(1)
    series = [new_uid() for _ in range(50 if long else 4)]
    slices = [ct_slice(uid) for uid in series for _ in range(6)]
    chance.shuffle(slices)
    for start in range(0, len(slices), 12):
        calling = chance.choice(("CT1", "CT2"))
        send(system, slices[start : start + 12], calling)
    told = at_rest(system)
    assert told["instances"] == len(slices)
    assert [events(system, uid) for uid in series] == [["skipped"]] * len(series)


def test_a_pause_shorter_than_the_quiet_time_does_not_part_a_series(system):
    uid = new_uid()
    for _ in range(3):
        send(system, [ct_slice(uid)])
        time.sleep(SETTLE_S / 3)
    at_rest(system)
    assert events(system, uid) == ["skipped"]


def test_an_image_after_the_quiet_time_reopens_its_series(system):
    uid = new_uid()
    for _ in range(2):
        send(system, [ct_slice(uid)])
        at_rest(system)
    assert events(system, uid) == ["skipped", "reopened", "skipped"]


def test_a_series_that_never_becomes_quiet_is_taken_as_it_is_and_says_so(system):
    uid, enough = new_uid(), threading.Event()

    def trickle():
        while not enough.wait(SETTLE_S / 4):
            send(system, [ct_slice(uid)])

    modality = threading.Thread(target=trickle)
    modality.start()
    try:
        ended = system.ended(f"{uid}.1")
    finally:
        enough.set()
        modality.join()
    [told] = [event["detail"] for event in ended["events"] if event["kind"] == "skipped"][:1]
    assert f"after {LONGEST_S} s" in told
    at_rest(system)
    assert system.audit() == []
