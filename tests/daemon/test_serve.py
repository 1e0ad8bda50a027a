"""The supervisor of the parts."""

import time

from daemon import serve
from daemon.serve import _Child


def test_a_part_that_cannot_be_started_is_tried_again_and_ends_nobody(monkeypatch):
    child = _Child("worker", ["/nowhere/to/be/found"])
    child.tend()
    assert child.process is None
    assert child.start_at > time.monotonic()
    monkeypatch.setattr(child, "command", ["true"])
    child.start_at = 0
    child.tend()
    assert child.process.wait(10) == 0
    child.tend()
    assert (child.process, child.delay_s) == (None, 1.0)
    assert child.start_at <= time.monotonic() + serve.LONGEST_DELAY_S
