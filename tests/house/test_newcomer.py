"""From the first start to the first result in a PACS, by what a newcomer sees in a browser."""

import re

import films
import pytest
from browsing import PASSWORD
from chromium import Eye, running_chromium
from line import MODEL, OTHER_MODEL
from ours import Osteoscreen
from peers import LOOPBACK, free_port, storescu, wait_for
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """Our system as it is before anybody has seen it: no peer, nobody who may sign in."""
    settings = {"web_port": free_port(), "listener_processes": 1}
    with Osteoscreen(tmp_path_factory.mktemp("newcomer"), **settings) as system:
        yield system


@pytest.fixture(scope="module")
def eye(system):
    """A browser that is shown the link of the first start."""
    link = wait_for("the link", lambda: re.search(r"link=(\S+)", system.logs()))[1]
    with running_chromium() as browser:
        eye = Eye(browser, link.partition("/welcome")[0])
        eye.page.goto(link)
        yield eye


def click(eye, name, role="button"):
    eye.page.get_by_role(role, name=name, exact=True).click()


def sees(eye, link, words):
    """Look at a page again, as one does who waits."""
    click(eye, link, "link")
    return words in eye.page.inner_text("main")


def test_from_the_first_start_to_the_first_result(system, eye, orthanc, tmp_path):
    film = films.film(1)
    becomes_administrator(eye)
    allows_the_modality_that_knocked(system, eye, films.write(tmp_path, film))
    adds_the_pacs(eye, orthanc)
    lets_a_model_speak(eye)
    rc, said = storescu(system.port, [films.write(tmp_path, film)], system.aet)
    assert rc == 0, said
    system.delivered(film.StudyInstanceUID)
    reads_the_result(eye, orthanc, film)
    assert len(orthanc.instances()) == 2
    takes_the_result_back(eye, orthanc)
    finds_the_study_by_its_patient(eye, film)
    assert eye.complaints == []


def becomes_administrator(eye):
    page = eye.page
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    click(eye, "Set password")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    click(eye, "Sign in")
    expect(page.get_by_text("No peer may send images to us yet")).to_be_visible()


def allows_the_modality_that_knocked(system, eye, path):
    rc, _ = storescu(system.port, [path], system.aet)
    assert rc != 0
    wait_for("the refusal", lambda: sees(eye, "Peers", "peer MODALITY at"))
    click(eye, "Allow this peer", "link")
    assert eye.page.get_by_label("It may send images").is_checked()
    click(eye, "Add")
    expect(eye.page.get_by_role("heading", name="MODALITY", exact=True)).to_be_visible()


def adds_the_pacs(eye, orthanc):
    page = eye.page
    click(eye, "Overview", "link")
    expect(page.get_by_text("No peer receives results yet")).to_be_visible()
    click(eye, "Add a peer", "link")
    page.get_by_label("AE title").fill(orthanc.aet)
    page.get_by_label("Host", exact=False).first.fill(LOOPBACK)
    page.get_by_label("Port").fill("1")
    page.get_by_label("Results").select_option("all")
    click(eye, "Add")
    click(eye, "Does it hear us? (C-ECHO)")
    expect(page.get_by_text("No: ")).to_be_visible()
    click(eye, "Change", "link")
    page.get_by_label("Port").fill(str(orthanc.port))
    click(eye, "Save")
    click(eye, "Does it hear us? (C-ECHO)")
    expect(page.get_by_text("it hears us, and knows our name")).to_be_visible()


def lets_a_model_speak(eye):
    for model, stage in ((MODEL, "research"), (OTHER_MODEL, "off")):
        click(eye, "Models", "link")
        form = eye.page.locator("form.row").filter(has=eye.page.locator(f'[value="{model}"]'))
        form.get_by_label("Stage").select_option(stage)
        form.get_by_label("Why?").fill("a first look")
        form.get_by_role("button", name="Change").click()


def reads_the_result(eye, orthanc, film):
    page = eye.page
    click(eye, "Studies", "link")
    row = page.get_by_role("row").filter(has_text=film.StudyInstanceUID)
    expect(row.get_by_text("flagged", exact=True)).to_be_visible()
    row.get_by_role("link").click()
    expect(page.get_by_text(f"SR to {orthanc.aet}: sent")).to_be_visible()
    picture = page.get_by_role("img", name="Secondary Capture")
    picture.scroll_into_view_if_needed()
    wait_for("the picture", lambda: picture.evaluate("one => one.naturalWidth > 100"))


def takes_the_result_back(eye, orthanc):
    page = eye.page
    page.get_by_text("Retract them", exact=True).click()
    page.get_by_label("Why retract them?").fill("a trial of taking results back")
    page.get_by_label("all results of this study").check()
    click(eye, "Retract")
    expect(page.get_by_text("a trial of taking results back")).to_be_visible()
    wait_for("the note", lambda: len(orthanc.instances()) == 3)
    assert "KO" in {orthanc.tags(one)["Modality"] for one in orthanc.instances()}


def finds_the_study_by_its_patient(eye, film):
    page = eye.page
    click(eye, "Studies", "link")
    for number, rows in (("nobody", 0), (film.PatientID, 1)):
        page.get_by_label("Patient ID").fill(number)
        click(eye, "Search")
        expect(page.get_by_role("link", name=film.StudyInstanceUID)).to_have_count(rows)
        assert number not in page.url and number not in page.title()
    expect(page.get_by_text("retracted", exact=True)).to_be_visible()
