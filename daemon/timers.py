"""pynetdicom's timers, by a clock that nobody sets.

They read the wall clock (pynetdicom 3.0 ``timer.py``): set ahead, it would break every open
association off; set back, it would let an idle one stay for as long.
"""

import time

from pynetdicom import timer


class _Steady:
    time = staticmethod(time.monotonic)


def keep_steady() -> None:
    """Let every timer of this process count by the steady clock."""
    timer.time = _Steady  # type: ignore[assignment, attr-defined]
