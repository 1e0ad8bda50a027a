"""The migrations make exactly the tables that the code speaks of, and can be taken back."""

import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from daemon import config, revisions, schema
from daemon.errors import ConfigError
from daemon.records import (  # noqa: F401 - their tables are part of the schema
    decision_tables,
    people_tables,
    process_tables,
    turnaround,
)
from daemon.records.tables import Table


def test_the_migrated_database_is_the_one_the_code_speaks_of(ledger):
    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_migrating_twice_changes_nothing(settings, ledger):
    namespace = ledger.namespace()
    assert schema.migrate(settings).revision == revisions.newest()
    assert ledger.namespace() == namespace


def test_the_newest_revision_is_the_one_that_alembic_ends_at():
    assert revisions.newest() == ScriptDirectory(str(revisions.SCRIPTS)).get_current_head()


def test_a_migration_can_be_taken_back(ledger):
    revert = Config()
    revert.set_main_option("script_location", str(revisions.SCRIPTS))
    with ledger.engine.begin() as connection:
        revert.attributes["connection"] = connection
        command.downgrade(revert, "base")
    assert inspect(ledger.engine).get_table_names() == ["alembic_version"]


def test_a_database_at_another_revision_is_refused_with_the_command_to_type(settings, ledger):
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(ConfigError, match="osteoscreen migrate"):
        schema.open_ledger(settings)


def test_a_home_that_does_not_exist_is_not_made_by_looking(tmp_path):
    with pytest.raises(ConfigError, match="osteoscreen migrate"):
        schema.open_ledger(config.load(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_many_first_starts_at_once_make_one_ledger(tmp_path):
    command = [sys.executable, "-m", "daemon", "status", "--home", str(tmp_path / "home")]
    starts = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [start.wait() for start in starts] == [0, 0, 0, 0]
