"""A process is on the ledger's roll while it works, with its version and what it says of itself."""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from daemon import processes, revisions
from daemon.errors import ConfigError
from daemon.pulse import Pulse, Signs
from daemon.records import roll
from daemon.records.ledger import Ledger, LedgerError, now
from daemon.records.process_tables import Process
from engines.product import VERSION

log = logging.getLogger(__name__)

BEAT_S = 10.0
"""How often a process says that it lives."""
LEAVE_S = 1.0
"""How long a beat that is under way is waited for at the end."""
CANNOT_WORK = 78
"""Our exit status where the ledger has left this program behind (sysexits.h EX_CONFIG)."""


class Presence:
    """One process on the roll, and in the folder that tells how it gets on.

    Parameters
    ----------
    ledger : Ledger
        Whose roll.
    part : str
        Which part of the system it is.
    home : Path, optional
        Where it says how it gets on.
    signs : Signs, optional
        What it tells of itself.
    """

    def __init__(
        self, ledger: Ledger, part: str, home: Path | None = None, signs: Signs | None = None
    ) -> None:
        self._ledger, self._part, self._signs = ledger, part, signs or Signs()
        self._name = processes.name_of(os.getpid())
        self._pulse = Pulse(home, part) if home else None
        self._over = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="presence", daemon=True)

    def __enter__(self) -> Self:
        """Enter the roll, and stay on it until the end; what is away is waited for meanwhile.

        Raises
        ------
        ConfigError
            If the ledger asks for more than this program knows.
        """
        if self._pulse:
            self._pulse.clear()
        self._say(self._write_down)
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the roll; a row that stays is found to be nobody's."""
        self._over.set()
        self._beating.join(LEAVE_S)
        if self._pulse:
            self._pulse.stop()
        with suppress(LedgerError):
            roll.leave(self._ledger, self._name)

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            try:
                self._say(self._stay)
            except ConfigError as error:
                # we slept while others went on
                log.error("event=left-behind why=%r", str(error))
                os._exit(CANNOT_WORK)

    def _say(self, to_the_ledger: Callable[[], None]) -> None:
        """Say how we get on: to the host first, which is there; then to the ledger, if it is."""
        still_s, obstacle = 0.0, ""
        try:
            still_s, obstacle = self._signs.still_s, self._signs.obstacle()
            to_the_ledger()
        except LedgerError:
            # whoever needs the ledger says that it is away
            obstacle = obstacle or "the database is away"
        if self._pulse:
            self._pulse.write(still_s, obstacle)

    def _stay(self) -> None:
        if not roll.beat(self._ledger, self._name, self._signs.facts()):
            self._write_down()

    def _write_down(self) -> None:
        moment = now()
        row = Process(
            name=self._name,
            part=self._part,
            version=VERSION,
            knows=revisions.newest(),
            needs=revisions.needed(),
            started_at=moment,
            beat=0,
            beat_at=moment,
            facts=dict(self._signs.facts()),
        )
        least = roll.enter(self._ledger, row)
        if least is not None and least > row.knows:
            raise ConfigError(left_behind(least))


def left_behind(least: str) -> str:
    """Say that this program is too old for a ledger, and what to do."""
    return (
        f"a newer version changed the database: programs have to know revision {least}, "
        f"this one knows {revisions.newest()}. Install that version, or, there, with everything "
        f"stopped: osteoscreen migrate --to {revisions.newest()}"
    )
