"""Draw the pages of the site as `docs/` shows them: made-up rows, virtual films, Chromium.

Run with `PYTHONPATH=tests python -m bench.site_pictures docs`.
"""

import argparse
import tempfile
from pathlib import Path

import films
from bench.pages import fill
from browsing import PASSWORD, person, running_site
from chromium import Eye, running_chromium
from main_path import Site

from daemon import config, titles
from daemon.records import refusals
from daemon.records.people_tables import Right
from daemon.records.tables import Stage
from workers.room import EngineRoom

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
STUDIES = 3000


def furnished(home: Path) -> Site:
    """Return a site where something was flagged, skipped, parked and refused."""
    home.mkdir()
    (home / config.FILE).write_text('host = "127.0.0.1, 127.0.0.2"\n')
    fill(config.load(home), STUDIES).close()
    site = Site(home, EngineRoom(None, engine_threads=1))
    site.stage(Stage.RESEARCH)
    site.add("PACS", port=1)
    trial = titles.blank("TRIAL")
    trial.purpose, trial.models, trial.min_age_years = "trial 7: hips", ["hip_vit"], 65
    trial.stage, trial.host = "research", "127.0.0.2"
    titles.put(site.settings, site.ledger, trial)
    site.flagged = films.film(1)
    site.flagged.file_meta.ReceivingApplicationEntityTitle = site.settings.aet
    site.flagged.file_meta.SourceApplicationEntityTitle = "CR1"
    site.screen(site.flagged)
    site.screen(films.film(2, PatientAge="", PatientBirthDate=""))
    refusals.write_down(site.ledger, "CT9", "peer CT9 at 10.0.0.9 is not allowed to send")
    return site


def drawn(site: Site, folder: Path) -> None:
    """Draw every page."""
    pages = {
        "overview": "/",
        "studies": "/studies?state=flagged",
        "study": f"/study?uid={site.flagged.StudyInstanceUID}",
        "eligibility": "/flow",
        "dry-run": "/dry-run?t.osteoporosis=0.6&switch=cxr_multimodal+on",
        "deliveries": "/deliveries",
        "peers": "/peers",
        "title": "/title/change?aet=TRIAL",
        "models": "/models",
    }
    name = person(site.ledger, Right.ADMINISTRATOR, "ada")
    with running_site(site.settings, site.ledger) as origin, running_chromium() as browser:
        eyes = {scheme: Eye(browser, origin, scheme) for scheme in ("light", "dark")}
        for eye in eyes.values():
            eye.page.set_viewport_size(WIDE)
            eye.sign_in(name, PASSWORD)
            eye.page.wait_for_url(f"{origin}/")
        for one, path in pages.items():
            _shot(eyes["light"], path, folder / f"site-{one}.png")
        _shot(eyes["dark"], "/", folder / "site-overview-dark.png")
        page = eyes["light"].page
        page.get_by_role("button", name="Deutsch").click()
        _shot(eyes["light"], "/flow", folder / "site-german.png")
        page.set_viewport_size(NARROW)
        _shot(eyes["light"], "/", folder / "site-narrow.png")


def _shot(eye: Eye, path: str, file: Path) -> None:
    eye.page.goto(path)
    for picture in eye.page.locator("img.picture").all():
        picture.scroll_into_view_if_needed()
        picture.evaluate("one => one.decode()")
    eye.page.wait_for_load_state("networkidle")
    eye.page.screenshot(path=file, full_page=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        site = furnished(Path(home) / "home")
        drawn(site, options.folder)
        site.ledger.close()


if __name__ == "__main__":
    main()
