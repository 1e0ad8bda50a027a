"""What stands still is told from what nobody has looked at."""

import pytest

from daemon.records import stillness
from daemon.records.stillness import Stillness


@pytest.fixture
def clock(monkeypatch):
    """Return a steady clock that a test moves on by hand."""

    class Clock:
        now_s = 0.0

        def monotonic(self):
            return self.now_s

    clock = Clock()
    monkeypatch.setattr(stillness, "time", clock)
    return clock


def look(watch, clock, after_s, **marks):
    clock.now_s += after_s
    return watch.look(marks)


def test_what_does_not_change_is_counted_and_begins_anew_when_it_does(clock):
    watch = Stillness()
    assert look(watch, clock, 5, a=1, b=1) == {"a": 0, "b": 0}
    assert look(watch, clock, 5, a=1, b=2) == {"a": 5, "b": 0}
    assert look(watch, clock, 5, a=1) == {"a": 10}
    assert look(watch, clock, 5, b=2) == {"b": 0}


def test_whoever_was_stopped_for_long_does_not_take_the_others_for_silent(clock):
    watch = Stillness()
    look(watch, clock, 5, a=1)
    assert look(watch, clock, 3600, a=1)["a"] <= Stillness.LATE_S
