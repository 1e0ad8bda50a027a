"""Each page in Chromium: axe-core finds nothing, light or dark; nothing is cut off when narrow."""

import films
import pytest
from browsing import PASSWORD, person, running_site
from chromium import Eye, running_chromium
from main_path import Site

from daemon.records import people, refusals
from daemon.records.people_tables import Right
from daemon.records.tables import Stage
from workers.room import EngineRoom

PHONE = {"width": 360, "height": 740}
PAGES = [
    "/",
    "/studies",
    "/flow",
    "/dry-run",
    "/deliveries",
    "/peers",
    "/peer/new",
    "/peer?aet=PACS",
    "/peer/change?aet=PACS",
]
PAGES += ["/title/new", "/title/change?aet=OSTEOSCREEN"]
PAGES += ["/models", "/tokens", "/people", "/trail", "/nowhere"]
BEFORE = ["/sign-in", "/welcome/used-up"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site where something was flagged, skipped, parked and refused."""
    site = Site(tmp_path_factory.mktemp("seen") / "home", EngineRoom(None, engine_threads=1))
    site.stage(Stage.RESEARCH)
    site.add("PACS", port=1)
    site.flagged, site.skipped = films.film(1), films.film(2, PatientAge="", PatientBirthDate="")
    site.screen(site.flagged)
    site.screen(site.skipped)
    refusals.write_down(site.ledger, "CT9", "peer CT9 at 10.0.0.9 is not allowed to send")
    yield site
    site.ledger.close()


@pytest.fixture(scope="module")
def chromium():
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def eyes(site, chromium):
    """An administrator's browser in each colour scheme."""
    name = person(site.ledger, Right.ADMINISTRATOR)
    with running_site(site.settings, site.ledger) as origin:
        eyes = {scheme: Eye(chromium, origin, scheme) for scheme in ("light", "dark")}
        for eye in eyes.values():
            eye.sign_in(name, PASSWORD)
            eye.page.wait_for_url(f"{origin}/")
        yield eyes


def paths(site):
    studies = [f"/study?uid={ds.StudyInstanceUID}" for ds in (site.flagged, site.skipped)]
    return [*PAGES, *studies]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_puts_up_a_barrier_that_axe_finds(site, eyes, scheme):
    eye, found = eyes[scheme], {}
    for path in paths(site):
        eye.page.goto(path)
        for details in eye.page.locator("details").all():
            details.evaluate("one => { one.open = true }")
        found[path] = eye.barriers()
    assert {path: barriers for path, barriers in found.items() if barriers} == {}
    assert eye.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nor_does_a_page_before_the_sign_in(site, eyes, chromium, scheme):
    stranger = Eye(chromium, eyes[scheme].page.url.rpartition("/")[0], scheme)
    invited = f"/welcome/{people.invite(site.ledger, 'a-administrator')}"
    for path in (*BEFORE, invited):
        stranger.page.goto(path)
        assert stranger.barriers() == [], path


def test_on_a_narrow_screen_no_page_is_wider_than_it(site, eyes):
    page = eyes["light"].page
    page.set_viewport_size(PHONE)
    wide = {}
    for path in paths(site):
        page.goto(path)
        wide[path] = page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in wide.items() if width > PHONE["width"]} == {}


def test_the_keyboard_leads_past_the_menu_at_once(eyes):
    page = eyes["dark"].page
    page.goto("/peers")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
