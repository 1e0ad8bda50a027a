"""Children of ``osteoscreen serve`` leave when it does, even if it was killed."""

import os
import signal
import threading
import time


def leave_with_parent() -> None:
    """End this process, as politely as SIGTERM does, when its parent is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
