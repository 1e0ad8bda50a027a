"""What a worker may take of its host."""

import logging
import resource
from pathlib import Path

log = logging.getLogger(__name__)


def limit_memory(most_mib: int) -> None:
    """Let this process run out of memory by itself before the host does."""
    if most_mib:
        # data, not address space: files that are only mapped take no memory from others
        resource.setrlimit(resource.RLIMIT_DATA, (most_mib << 20, most_mib << 20))


def first_to_go(score: int) -> None:
    """Tell the kernel to end this process before others when the host runs out of memory.

    A screening can be tried again; what listens to the modalities should stay.
    """
    try:
        Path("/proc/self/oom_score_adj").write_text(str(score))
    except OSError:
        # not Linux, or not allowed here: the kernel chooses by size
        log.debug("event=no-oom-score")
