"""One C-STORE on its way to the spool, and the status its sender may rely on."""

import logging
from typing import NamedTuple

from daemon import part10
from daemon.errors import SpoolFull
from daemon.repeats import Repeats
from daemon.spool import Incoming, Spool

log = logging.getLogger(__name__)
_repeats = Repeats()

# PS3.4 B.2.3 and PS3.7 C
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000
CLASS_NOT_SUPPORTED = 0x0122

PIECES_MOST = 512
"""Below what one writev takes (IOV_MAX, 1024)."""


class Request(NamedTuple):
    """What a C-STORE request says of its object: the UIDs as they came, who called whom."""

    sop_class: bytes
    sop_instance: bytes
    transfer_syntax: str
    titles: part10.Titles


class Reception:
    """Receives one object: ``add`` its bytes as they come, then ``end``; or ``drop`` it.

    Nothing is raised: what goes wrong becomes the status, and the rest of the object is let past.
    """

    def __init__(self, spool: Spool, request: Request, association: str = "") -> None:
        self._calling_aet = request.titles.calling
        self._status = SUCCESS
        self._file: Incoming | None = None
        self._pieces: list[bytes | memoryview] = []
        try:
            self._file = spool.receive(association)
        except (SpoolFull, OSError) as error:
            self._fail(error)
        else:
            self._pieces.append(part10.head(*request))

    def add(self, piece: bytes | memoryview) -> None:
        """Take the next bytes of the dataset; a view must stay as it is until :meth:`flush`."""
        if self._file is not None:
            self._pieces.append(piece)
            if len(self._pieces) >= PIECES_MOST:
                self.flush()

    def flush(self) -> None:
        """Write what was added."""
        if self._file is not None and self._pieces:
            try:
                self._file.write(self._pieces)
            except (SpoolFull, OSError) as error:
                self._fail(error)
            self._pieces.clear()

    def end(self) -> int:
        """Make the object durable; return the status to answer with."""
        self.flush()
        if self._file is not None:
            try:
                self._file.keep()
            except OSError as error:
                self._fail(error)
        return self._status

    def drop(self) -> None:
        """Forget an object whose sender went away in the middle of it."""
        if self._file is not None:
            self._file.drop()
            self._file = None

    def _fail(self, error: Exception) -> None:
        self._status = OUT_OF_RESOURCES
        why = "disk-full" if isinstance(error, SpoolFull) else "not-stored"
        number = getattr(error, "errno", None)
        if words := _repeats.told(f"event={why} aet={self._calling_aet} errno={number}"):
            log.error("%s status=0xA700", words)
        self.drop()
