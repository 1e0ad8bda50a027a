"""The database's revision: bring it up to date, or say that it is not."""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import migrations
from daemon.config import Settings
from daemon.errors import ConfigError, LedgerAway
from daemon.records.ledger import Ledger, LedgerError

log = logging.getLogger(__name__)

SCRIPTS = Path(migrations.__file__).parent
ASK_AGAIN_S = 2.0
SAY_AGAIN_S = 60.0


def migrate(settings: Settings) -> str:
    """Bring the ledger to the newest revision, made if need be; return that revision."""
    # here: a process that only opens the ledger needs none of it
    from alembic import command
    from alembic.config import Config

    opened = closing(Ledger(settings.ledger_url))
    with _said_in_one_line(), _alone(settings), opened as ledger, ledger.alone():
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        with ledger.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        ledger.namespace()
    return newest()


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
        migrate(settings)
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
    """Open the ledger at the revision this program was written for.

    Raises
    ------
    LedgerAway
        If it cannot be reached.
    ConfigError
        If it stands at another revision.
    """
    if not settings.database_url and not settings.home.is_dir():
        raise ConfigError(f"{settings.home} does not exist yet: run osteoscreen migrate")
    with _said_in_one_line():
        ledger = Ledger(settings.ledger_url)
        revision = ledger.revision()
    if revision != newest():
        raise ConfigError(
            f"database is at revision {revision}, this version needs {newest()}: "
            "run osteoscreen migrate"
        )
    return ledger


def newest() -> str:
    """Return the revision this program was written for: the last number among the scripts."""
    return max(script.name[:4] for script in (SCRIPTS / "versions").glob("[0-9]*.py"))
