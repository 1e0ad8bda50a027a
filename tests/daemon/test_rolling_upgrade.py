"""Old and new versions side by side on one ledger, through a migration and back."""

import re
from contextlib import closing, contextmanager
from dataclasses import replace
from io import BytesIO

import pytest
import radiographs
from newer import ADDS, OURS, TAKES_AWAY, Newer, start
from peers import wait_for
from pydicom import dcmwrite
from sqlalchemy import inspect

from daemon import config, migrating, presence, revisions, schema
from daemon.errors import ConfigError
from daemon.presence import Presence
from daemon.records import roll
from daemon.records.ledger import Ledger
from daemon.records.tables import Series
from daemon.spool import Spool

LONG_S = 120
"""For a process to start on a machine that many share."""


@pytest.fixture
def newer(tmp_path, monkeypatch):
    yield Newer(tmp_path / "newer")
    monkeypatch.undo()
    revisions.revisions.cache_clear()


def parts(ledger):
    return [(one.part, one.knows) for one in roll.everyone(ledger.engine)]


@contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_an_older_process_works_on_beside_a_newer_one_until_it_is_replaced(
    settings, ledger, newer, monkeypatch
):
    spool = Spool(settings.spool)
    spool.prepare()
    with ended(start(settings, "intake")) as old:
        wait_for("the older intake", lambda: parts(ledger) == [("intake", OURS)], LONG_S)
        newer.here(monkeypatch)
        done = schema.migrate(settings)
        # what only adds is done, what takes away waits for the older one
        assert done.revision == "9001"
        assert re.search("9002 would break what runs: intake .* on ", done.held_back)
        with ended(newer.start(settings, "intake")) as new:
            wait_for("the newer intake", lambda: ("intake", "9002") in parts(ledger), LONG_S)
            spool.put(b"", foot())
            wait_for("the film to end", lambda: series(ledger) == ["exam-not-screened"], LONG_S)
            old.kill()
            old.wait()
            assert schema.migrate(settings).revision == "9002"
            with pytest.raises(ConfigError, match=r"first stop intake .* on "):
                schema.migrate(settings, OURS)
            assert new.poll() is None
    with ended(start(settings, "intake")) as late:
        assert late.wait(LONG_S) != 0
        assert f"osteoscreen migrate --to {OURS}" in late.stderr.read()
    assert schema.migrate(settings, OURS).revision == OURS
    assert series(ledger) == ["exam-not-screened"]
    with ended(start(settings, "intake")):
        wait_for("the older version again", lambda: parts(ledger) == [("intake", OURS)], LONG_S)


def test_nothing_is_held_back_for_who_is_gone_or_silent(settings, ledger, newer, monkeypatch):
    monkeypatch.setattr(migrating, "SILENT_S", 0.1)
    monkeypatch.setattr(migrating, "LOOK_S", 0.02)
    with Presence(ledger, "intake"):
        newer.here(monkeypatch)
        # it looks alive to who waits for nobody, and silent to who watches it
        assert schema.migrate(settings, wait=False).revision == "9001"
        assert schema.migrate(settings).revision == "9002"
    assert roll.everyone(ledger.engine) == []


def test_who_wakes_up_in_a_ledger_that_has_left_it_behind_ends(ledger, newer, monkeypatch):
    ended = []
    monkeypatch.setattr(presence, "BEAT_S", 0.02)
    monkeypatch.setattr(presence.os, "_exit", ended.append)
    with Presence(ledger, "intake"):
        with ledger.engine.begin() as connection:
            roll.demand(connection, "9001")
        roll.leave(ledger, *(one.name for one in roll.everyone(ledger.engine)))
        wait_for("its end", lambda: ended[:1] == [presence.CANNOT_WORK])


def test_a_version_that_needs_what_would_break_another_does_not_start(
    settings, ledger, tmp_path, monkeypatch
):
    late = Newer(
        tmp_path / "newer",
        ADDS + '\nbreaks_before = "9001"\n',
        TAKES_AWAY.replace('breaks_before = "9001"', ""),
    )
    with Presence(ledger, "web"):
        late.here(monkeypatch)
        with pytest.raises(ConfigError, match="9001 would break what runs: web"):
            schema.migrate(settings, wait=False)
    revisions.revisions.cache_clear()


def test_a_first_start_makes_a_ledger_that_older_programs_refuse(tmp_path, newer, monkeypatch):
    newer.here(monkeypatch)
    settings = config.load(tmp_path / "fresh")
    assert schema.migrate(settings).revision == "9002"
    monkeypatch.undo()
    revisions.revisions.cache_clear()
    with pytest.raises(ConfigError, match="have to know revision 9001"):
        schema.open_ledger(settings)


def columns_of(ledger):
    tables = inspect(ledger.engine)
    return {
        (table, column["name"]): (str(column["type"]), column["nullable"], column["default"])
        for table in tables.get_table_names()
        for column in tables.get_columns(table)
    }


def unique_of(ledger):
    tables = inspect(ledger.engine)
    return {
        (table, tuple(index["column_names"]))
        for table in tables.get_table_names()
        for index in tables.get_indexes(table)
        if index["unique"]
    }


def takings(ledger, step):
    """Name what an older program would stumble over."""
    before, unique = columns_of(ledger), unique_of(ledger)
    migrating._to(ledger, step)
    after = columns_of(ledger)
    tables = {table for table, _ in before}
    changed = [one for one in before if after.get(one) != before[one]]
    asked = [
        one
        for one in set(after) - set(before)
        if one[0] in tables and not after[one][1] and after[one][2] is None
    ]
    return changed + asked + [one for one in unique_of(ledger) - unique if one[0] in tables]


def test_a_revision_that_says_it_breaks_nobody_only_adds(tmp_path):
    # earlier ones came before there was a roll
    first, *following = [one for one in revisions.revisions() if one.number >= "0005"]
    with closing(Ledger(f"sqlite:///{tmp_path}/ledger.db")) as ledger:
        migrating._to(ledger, first)
        for step in following:
            assert step.breaks_before or takings(ledger, step) == []


def test_one_that_takes_away_without_saying_so_is_found(tmp_path, newer, monkeypatch):
    newer.here(monkeypatch)
    *_, before, after = revisions.revisions()
    with closing(Ledger(f"sqlite:///{tmp_path}/ledger.db")) as ledger:
        migrating._to(ledger, before)
        assert takings(ledger, replace(after, breaks_before=None)) == [("peer", "tls_named")]


def foot():
    ds = radiographs.cr(BodyPartExamined="FOOT")
    ds.file_meta.SourceApplicationEntityTitle = "CR1"
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def series(ledger):
    with ledger.read() as session:
        return [one.reason for one in session.query(Series)]
