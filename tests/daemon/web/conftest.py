"""One site a file, on SQLite, and somebody of each right who is signed in."""

import pytest
from browsing import Browser, running_site, signed_in

from daemon import config, schema
from daemon.records.people_tables import Right


@pytest.fixture(scope="module")
def site_settings(tmp_path_factory):
    settings = config.load(tmp_path_factory.mktemp("site") / "home")
    schema.migrate(settings)
    return settings


@pytest.fixture(scope="module")
def site_ledger(site_settings):
    ledger = schema.open_ledger(site_settings)
    yield ledger
    ledger.close()


@pytest.fixture(scope="module")
def origin(site_settings, site_ledger):
    with running_site(site_settings, site_ledger) as origin:
        yield origin


@pytest.fixture
def browser(origin):
    return Browser(origin)


@pytest.fixture(scope="module")
def administrator(origin, site_ledger):
    return signed_in(origin, site_ledger, Right.ADMINISTRATOR)


@pytest.fixture(scope="module")
def operator(origin, site_ledger):
    return signed_in(origin, site_ledger, Right.OPERATOR)


@pytest.fixture(scope="module")
def viewer(origin, site_ledger):
    return signed_in(origin, site_ledger, Right.VIEWER)
