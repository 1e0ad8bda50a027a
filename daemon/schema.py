"""The database's revision: bring it up to date, or say that it is not."""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from daemon import revisions
from daemon.errors import ConfigError, LedgerAway
from daemon.presence import left_behind
from daemon.records.ledger import Ledger, LedgerError
from daemon.settings import Settings

if TYPE_CHECKING:
    from daemon.migrating import Migrated

log = logging.getLogger(__name__)

ASK_AGAIN_S = 2.0
SAY_AGAIN_S = 60.0


def migrate(settings: Settings, back_to: str | None = None, wait: bool = True) -> "Migrated":
    """Bring the ledger to the newest revision, made if need be, and break nobody who runs.

    Parameters
    ----------
    settings : Settings
        Which ledger.
    back_to : str, optional
        An earlier revision to take it back to.
    wait : bool
        Whether to watch for whether those who would break still live.

    Raises
    ------
    ConfigError
        If the revision that this program needs would break an older process that runs.
    LedgerAway
        If the database cannot be reached.
    """
    # here: a process that only opens the ledger needs none of it
    from daemon import migrating

    opened = closing(Ledger(settings.ledger_url))
    with _said_in_one_line(), _alone(settings), opened as ledger, ledger.alone():
        if back_to is not None:
            return migrating.down(ledger, back_to)
        return migrating.up(ledger, wait)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Let one process of this home migrate at a time: at a first start many may want to."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        lock = (settings.home / "migrate.lock").open("w")
    except OSError as error:
        raise ConfigError(f"{settings.home}: {error.strerror}") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _said_in_one_line() -> Iterator[None]:
    """Turn what a database or its missing driver says into one line for a human."""
    try:
        yield
    except LedgerError as error:
        raise LedgerAway(f"database: {str(error).splitlines()[0]}") from None
    except ModuleNotFoundError as error:
        raise ConfigError(f"database: {error}") from None


def ready_ledger(settings: Settings) -> Ledger:
    """Open the ledger; the embedded one is made or brought up to date on the way.

    Raises
    ------
    ConfigError
        As :func:`open_ledger`.
    """
    if not settings.database_url:
        # a command that looks waits for nobody
        migrate(settings, wait=False)
    return open_ledger(settings)


def awaited_ledger(settings: Settings) -> Ledger:
    """Open the ledger as soon as the database answers, and say meanwhile what is waited for.

    Raises
    ------
    ConfigError
        If it answers and stands at another revision.
    """
    say_at = 0.0
    while True:
        try:
            return open_ledger(settings)
        except LedgerAway as error:
            if time.monotonic() >= say_at:
                log.warning("event=waiting-for-ledger why=%r", str(error))
                say_at = time.monotonic() + SAY_AGAIN_S
            time.sleep(ASK_AGAIN_S)


def ledger_even_if_away(settings: Settings) -> Ledger:
    """Open the ledger for who can begin without it; what is asked of it may then fail.

    Raises
    ------
    ConfigError
        If it answers and stands at another revision.
    """
    try:
        return open_ledger(settings)
    except LedgerAway as error:
        log.warning("event=ledger-unreachable why=%r", str(error))
        return Ledger(settings.ledger_url)


def open_ledger(settings: Settings) -> Ledger:
    """Open the ledger at a revision with which this program can work.

    Raises
    ------
    LedgerAway
        If it cannot be reached.
    ConfigError
        If it is too old for this program, or this program too old for it.
    """
    if not settings.database_url and not settings.home.is_dir():
        raise ConfigError(f"{settings.home} does not exist yet: run osteoscreen migrate")
    with _said_in_one_line():
        ledger = Ledger(settings.ledger_url)
        revision = ledger.revision()
        later = revision is not None and revision > revisions.newest()
        least = ledger.least_revision() if later else None
    if revision is None or revision < revisions.needed():
        raise ConfigError(
            f"database is at revision {revision}, this version needs {revisions.needed()}: "
            "run osteoscreen migrate"
        )
    if least is not None and least > revisions.newest():
        raise ConfigError(left_behind(least))
    return ledger
