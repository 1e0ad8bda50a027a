"""A ledger on each database, and series to fill it with."""

import shutil
from datetime import UTC, datetime

import pytest
from ct_ledger import SCORES, Study

from daemon import config, schema
from daemon.records import arrivals, claims, evidence, settling
from daemon.records.arrivals import Arrival, Receipt
from daemon.records.settling import Patience
from daemon.records.tables import Series


@pytest.fixture(scope="session")
def sqlite_home(tmp_path_factory):
    """A home whose ledger is new: a copy costs a tenth of making one."""
    home = tmp_path_factory.mktemp("new") / "home"
    schema.migrate(config.load(home))
    return home


@pytest.fixture(scope="session")
def postgres_ledger(tmp_path_factory, postgres_server):
    """The URL of a ledger on PostgreSQL that is new and stays so."""
    with pytest.MonkeyPatch.context() as set_too:
        set_too.setenv("OSTEOSCREEN_DATABASE_URL", postgres_server.new_database())
        settings = config.load(tmp_path_factory.mktemp("new") / "home")
    schema.migrate(settings)
    return settings.database_url


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, tmp_path, monkeypatch):
    """Settings on a new database, SQLite and PostgreSQL in turn."""
    home = tmp_path / "home"
    if request.param == "postgresql":
        new = request.getfixturevalue("postgres_ledger")
        server = request.getfixturevalue("postgres_server")
        monkeypatch.setenv("OSTEOSCREEN_DATABASE_URL", server.new_database(like=new))
        home.mkdir()
    else:
        shutil.copytree(request.getfixturevalue("sqlite_home"), home)
    return config.load(home)


@pytest.fixture
def ledger(settings):
    """Return an open ledger with nothing in it."""
    ledger = schema.open_ledger(settings)
    yield ledger
    ledger.close()


def arrival(series="1.2.3", instance="1.2.3.1", sha256="a" * 64, modality="DX"):
    return Arrival(
        receipt=Receipt(
            file=f"{instance}-{sha256[:1]}.dcm",
            calling_aet="CR1",
            received_at=datetime.now(UTC),
            sha256=sha256,
            size_bytes=3 << 31,
        ),
        StudyInstanceUID="1.2",
        SeriesInstanceUID=series,
        SOPInstanceUID=instance,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1",
        TransferSyntaxUID="1.2.840.10008.1.2.1",
        modality=modality,
    )


@pytest.fixture
def make_arrival():
    """Return a maker of arrivals."""
    return arrival


def state_of(ledger, uid="1.2.3"):
    with ledger.read() as session:
        return session.get(Series, uid)


@pytest.fixture
def series_in(ledger):
    """Return what reads a series' row."""
    return lambda uid="1.2.3": state_of(ledger, uid)


@pytest.fixture
def claimed(ledger, make_arrival):
    """Return a series that a worker has just claimed."""
    arrivals.index(ledger, [make_arrival()])
    [series] = settling.quiet(ledger, Patience({}, 0))
    assert arrivals.queue(ledger, [series], "cxr")
    return claims.claim(ledger, "1.2.3")


@pytest.fixture
def study(ledger, make_arrival):
    """Return a CT study of three series that have come."""
    study = Study(ledger, make_arrival)
    study.comes(*SCORES)
    yield study
    assert evidence.contradictions(ledger) == []
