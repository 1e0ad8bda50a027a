"""A home copied away and back, on both databases: whole, in agreement, and never onto another."""

from contextlib import closing

import pytest
from kept_site import Site

from daemon import audit, backup, config, schema
from daemon.errors import ConfigError
from daemon.pseudonyms import Pseudonyms
from daemon.records import copying, people, trail
from daemon.records.people_tables import Right
from daemon.records.tables import Event


@pytest.fixture
def site(settings):
    """Give a site with one result at the PACS, one series that waits and one file aside."""
    ledger = schema.open_ledger(settings)
    site = Site(settings, ledger)
    site.receive()
    site.screen()
    site.deliver()
    site.receive("1.2.4.1", "1.2.4")
    site.receive("1.2.4.1", "1.2.4", PatientComments="other bytes")
    people.put(ledger, "ada", Right.VIEWER)
    Pseudonyms(settings.home).of("PatientID", "4711")
    yield site
    ledger.close()


def problems_of(settings):
    with closing(schema.open_ledger(settings)) as ledger:
        return audit.audit(settings, ledger)["problems"]


def home_of(settings, folder, **update):
    return settings.model_copy(update={"home": folder, "database_url": ""} | update)


def files(settings):
    return sorted(path.name for path in settings.home.rglob("*.dcm"))


def test_a_backup_is_a_home_in_which_all_adds_up(site, tmp_path):
    copied = backup.backup(site.settings, tmp_path / "copy")
    theirs = home_of(site.settings, tmp_path / "copy")
    assert problems_of(theirs) == problems_of(site.settings) == []
    assert files(theirs) == files(site.settings)
    assert copied.files == len(files(theirs)) == 4 and copied.rows > 10
    key = tmp_path / "copy" / "search.key"
    assert key.read_bytes() == (site.settings.home / "search.key").read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    with closing(schema.open_ledger(theirs)) as ledger:
        assert ledger.namespace() == site.ledger.namespace()
        assert not list(trail.problems(ledger)) and trail.count(ledger) == trail.count(site.ledger)


def test_a_second_backup_takes_what_is_new_and_lets_go_what_was_purged(site, tmp_path):
    backup.backup(site.settings, tmp_path / "copy")
    assert backup.backup(site.settings, tmp_path / "copy").files == 0
    site.receive("1.2.5.1", "1.2.5")
    site.purge(keep_days_screened=1e-9)
    assert backup.backup(site.settings, tmp_path / "copy").files == 1
    theirs = home_of(site.settings, tmp_path / "copy")
    assert files(theirs) == files(site.settings) and problems_of(theirs) == []


def test_what_the_ledger_of_a_backup_does_not_know_is_indexed_once_more(
    site, tmp_path, monkeypatch
):
    """Its ledger is of one moment; what is indexed, set aside or made after it came along."""
    copy = copying.copy

    def and_go_on(source, target):
        rows = copy(source, target)
        site.receive("1.2.6.1", "1.2.6")
        site.receive("1.2.6.1", "1.2.6", PatientComments="other bytes")
        site.screen("1.2.6")
        return rows

    monkeypatch.setattr("daemon.records.copying.copy", and_go_on)
    backup.backup(site.settings, tmp_path / "copy")
    theirs = home_of(site.settings, tmp_path / "copy")
    assert problems_of(theirs) == []
    with closing(schema.open_ledger(theirs)) as ledger:
        there = Site(theirs, ledger)
        assert there.told("1.2.4") and len(list(there.spool.incoming.iterdir())) == 2
        there.intake.turn()
        assert there.told("1.2.6")["state"] == "queued"
        assert problems_of(theirs) == []
        assert len(list(there.spool.aside.iterdir())) == 2
    assert len(files(theirs)) == len(files(site.settings)) - 1


def test_a_restored_home_goes_on_where_the_backup_stood(site, settings, request, tmp_path):
    backup.backup(site.settings, tmp_path / "copy")
    url = ""
    if settings.database_url:
        url = request.getfixturevalue("postgres_server").new_database()
    new = home_of(settings, tmp_path / "new", database_url=url)
    backup.restore(new, tmp_path / "copy")
    assert problems_of(new) == [] and files(new) == files(site.settings)
    with closing(schema.open_ledger(new)) as ledger:
        again = Site(new, ledger)
        assert again.told("1.2.3")["state"] == "screened"
        again.screen("1.2.4")
        again.deliver("1.2.4")
        with ledger.read() as session, site.ledger.read() as before:
            last = max(one.id for one in before.query(Event))
            assert max(one.id for one in session.query(Event)) > last
    assert problems_of(new) == []


def test_nothing_is_restored_onto_a_home_in_use_or_from_what_is_no_backup(site, tmp_path):
    with pytest.raises(ConfigError, match="holds no backup"):
        backup.restore(home_of(site.settings, tmp_path / "new"), tmp_path)
    backup.backup(site.settings, tmp_path / "copy")
    before = files(site.settings)
    with pytest.raises(ConfigError, match="is in use"):
        backup.restore(site.settings, tmp_path / "copy")
    with pytest.raises(ConfigError, match="is the home itself"):
        backup.backup(site.settings, site.settings.home)
    assert files(site.settings) == before and problems_of(site.settings) == []


def test_a_backup_of_sqlite_may_be_restored_into_postgresql(tmp_path, postgres_server):
    settings = config.load(tmp_path / "home")
    schema.migrate(settings)
    with closing(schema.open_ledger(settings)) as ledger:
        site = Site(settings, ledger)
        site.receive()
        site.screen()
    backup.backup(settings, tmp_path / "copy")
    url = postgres_server.new_database()
    new = home_of(settings, tmp_path / "new", database_url=url)
    backup.restore(new, tmp_path / "copy")
    with closing(schema.open_ledger(new)) as ledger:
        Site(new, ledger).deliver()
    assert problems_of(new) == []


def test_a_disk_that_refuses_is_named(site, tmp_path):
    (tmp_path / "copy").write_text("no folder")
    with pytest.raises(ConfigError, match="copy"):
        backup.backup(site.settings, tmp_path / "copy")
