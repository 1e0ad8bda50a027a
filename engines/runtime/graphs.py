"""Work for a GPU that comes again: recorded once, then begun as a whole (CUDA graphs).

A small network is over sooner than its many parts can be ordered one by one.
"""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from engines.errors import EngineMismatch
from engines.runtime.gpu import GpuLost, NotRecorded

log = logging.getLogger(__name__)

#: Ours. A size that came once may never come again; each recording holds memory of its own.
_AGAIN, _MOST = 2, 4

_WHY_NOT: Final = (NotRecorded, GpuLost, MemoryError, EngineMismatch)
"""Without a recording work goes on; a GPU that is lost says so again at the next run."""


class Graphs:
    """The recordings of one engine, by batch size.

    Parameters
    ----------
    record : callable
        Takes a batch size and returns the recording of its work; it may raise MemoryError,
        EngineMismatch, NotRecorded or GpuLost.
    """

    def __init__(self, record: Callable[[int], Any]) -> None:
        self._record = record
        self._came: Counter[int] = Counter()
        self._kept: dict[int, Any] = {}
        self._goes_on = True

    def recorded(self, examples: int) -> Any:
        """Return the recording of a batch size, None where there is none (yet)."""
        self._came[examples] += 1
        wanted = self._goes_on and len(self._kept) < _MOST
        if wanted and examples not in self._kept and self._came[examples] >= _AGAIN:
            try:
                self._kept[examples] = self._record(examples)
            except _WHY_NOT as error:
                self._goes_on = False
                log.info("event=not-recorded examples=%s why=%r", examples, str(error))
        return self._kept.get(examples)
