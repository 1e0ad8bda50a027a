"""The database's revision: bring it up to date, or say that it is not."""

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
    if not settings.database_url:
        settings.home.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(settings.ledger_url)
    try:
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


def open_ledger(settings: Settings) -> Ledger:
    """Open the ledger at the revision this program was written for.

    Raises
    ------
    ConfigError
        If it cannot be reached, or stands at another revision.
    """
    if not settings.database_url and not settings.home.is_dir():
        raise ConfigError(f"{settings.home} does not exist yet: run osteoscreen migrate")
    ledger = Ledger(settings.ledger_url)
    try:
        revision = ledger.revision()
    except LedgerError as error:
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
