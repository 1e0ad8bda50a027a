"""The database's revision: bring it up to date, or say that it is not."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import migrations
from daemon.config import Settings
from daemon.errors import ConfigError
from daemon.records.ledger import Ledger, LedgerError


def migrate(settings: Settings) -> str:
    """Bring the ledger to the newest revision, made if need be; return that revision."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(settings.ledger_url)
    except OSError as error:
        raise ConfigError(f"{settings.home}: {error.strerror}") from None
    except (LedgerError, ModuleNotFoundError) as error:
        raise ConfigError(f"database: {_first_line(error)}") from None
    try:
        with _alone(settings):
            config = _config()
            with ledger.engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            ledger.namespace()
        return newest()
    except LedgerError as error:
        raise ConfigError(f"database: {_first_line(error)}") from None
    finally:
        ledger.close()


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Let one process of this host migrate at a time: at a first start many may want to."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def open_ledger(settings: Settings) -> Ledger:
    """Open the ledger at the revision this program was written for.

    Raises
    ------
    ConfigError
        If it cannot be reached, or stands at another revision.
    """
    if not settings.database_url and not settings.home.is_dir():
        raise ConfigError(f"{settings.home} does not exist yet: run osteoscreen migrate")
    try:
        ledger = Ledger(settings.ledger_url)
        revision = ledger.revision()
    except (LedgerError, ModuleNotFoundError) as error:
        raise ConfigError(f"database: {_first_line(error)}") from None
    if revision != newest():
        raise ConfigError(
            f"database is at revision {revision}, this version needs {newest()}: "
            "run osteoscreen migrate"
        )
    return ledger


def newest() -> str:
    """Return the revision this program was written for."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
