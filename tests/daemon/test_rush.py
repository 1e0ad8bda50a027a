"""The intake steps back while images pour in, and not for longer than it says."""

from pathlib import Path

from daemon import rush
from daemon.rush import STEP_BACK_S, Rush


def test_it_steps_back_while_something_new_comes_and_no_longer_than_it_says(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(rush.time, "monotonic", lambda: clock[0])
    one = Rush()
    assert not one.is_on(None)
    assert one.is_on(Path("1"))
    assert not one.is_on(Path("1")), "nothing new since the last look"
    for number in range(2, 6):
        assert one.is_on(Path(str(number)))
    clock[0] += STEP_BACK_S
    assert not one.is_on(Path("7")), "it has stepped back long enough"
    assert not one.is_on(Path("8")), "and goes on until there is a pause"
    assert not one.is_on(None)
    assert one.is_on(Path("9"))
