"""A process is on the ledger's roll while it works, with its version and what it says of itself."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self

from daemon import processes, revisions
from daemon.errors import ConfigError
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
    """One process on the roll.

    Parameters
    ----------
    ledger : Ledger
        Whose roll.
    part : str
        Which part of the system it is.
    facts : callable, optional
        What it says of itself at each beat.
    """

    def __init__(
        self, ledger: Ledger, part: str, facts: Callable[[], Mapping[str, Any]] = dict
    ) -> None:
        self._ledger, self._part, self._facts = ledger, part, facts
        self._name = processes.name_of(os.getpid())
        self._over = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="presence", daemon=True)

    def __enter__(self) -> Self:
        """Enter the roll, and stay on it until the end; what is away is waited for meanwhile.

        Raises
        ------
        ConfigError
            If the ledger asks for more than this program knows.
        """
        try:
            self._write_down()
        except LedgerError:
            log.debug("event=roll-unreachable")
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the roll; a row that stays is found to be nobody's."""
        self._over.set()
        self._beating.join(LEAVE_S)
        try:
            roll.leave(self._ledger, self._name)
        except LedgerError:
            log.debug("event=roll-unreachable")

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            try:
                if not roll.beat(self._ledger, self._name, self._facts()):
                    self._write_down()
            except LedgerError:
                # whoever needs the ledger says that it is away
                continue
            except ConfigError as error:
                # we slept while others went on
                log.error("event=left-behind why=%r", str(error))
                os._exit(CANNOT_WORK)

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
            facts=dict(self._facts()),
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
