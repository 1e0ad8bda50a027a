"""The soak's own judgement: what grows, and what was started again, is not called flat."""

import pytest
from faults.hostile import Vitals
from faults.soak import Sample, draw, judge


def _run(rss=lambda at: 100.0, descriptors=lambda at: 10, threads=lambda at: 3, pid=lambda at: 7):
    return [
        Sample(at * 5.0, "listener", pid(at), Vitals(threads(at), descriptors(at), rss(at)))
        for at in range(300)
    ]


def test_a_process_that_stays_as_it_is_or_breathes_is_flat():
    [still] = judge(_run())
    [breathing] = judge(_run(rss=lambda at: 120.0 + at % 60))
    assert still.is_flat and breathing.is_flat
    assert still.rss_mib_an_hour == pytest.approx(0)


def test_a_process_that_only_warms_up_is_flat():
    [judged] = judge(_run(rss=lambda at: 100.0 + min(at, 50)))
    assert judged.is_flat


@pytest.mark.parametrize(
    "fault",
    [
        {"rss": lambda at: 100.0 + at * 0.3},
        {"descriptors": lambda at: 10 + at // 10},
        {"threads": lambda at: 3 + at // 30},
        {"pid": lambda at: 7 + (at > 200)},
    ],
    ids=["memory", "descriptors", "threads", "restarted"],
)
def test_a_process_that_grows_or_dies_is_not_flat(fault):
    [judged] = judge(_run(**fault))
    assert not judged.is_flat


def test_the_picture_has_a_line_for_each_process_in_each_panel():
    assert draw(_run()).count("<polyline") == 3
