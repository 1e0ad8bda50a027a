"""Children leave when their parent does, even if it was killed."""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal this process gets when its parent dies."""


POLITE_S = 20.0
"""Time to leave when asked; nothing is lost if it is cut short."""


def leave_with_parent(parent: int | None) -> None:
    """End this process, as politely as SIGTERM does, when its parent is gone; insist if it stays.

    Parameters
    ----------
    parent : int, optional
        The process that started this one, as it said itself: asked from here it may be gone
        already, and who took us in instead would never end. Without one, nobody is watched.
    """
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(POLITE_S)
        # what hangs would keep the port, or a peer's deliveries, from those who come after
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def die_with_parent(parent: int) -> None:
    """End this process at once when its parent is gone, even while it hangs."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # it was gone before we asked
        os.kill(os.getpid(), signal.SIGKILL)
