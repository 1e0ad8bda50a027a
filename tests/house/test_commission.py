"""A new site proved with virtual patients, sent the long way round through its PACS."""

import threading

import pytest
from line import MODEL, running_line
from peers import LOOPBACK, Orthanc

CHESTS = ["--exams", "cxr"]
ROUTED = ("CR", "DX", "CT")
SENDS = ["--sends", "--results", "all", "--role", "research"]


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Start a site, and a PACS of its own that passes on all that it gets."""
    with (
        Orthanc(tmp_path_factory.mktemp("pacs")) as pacs,
        # a PACS that passes a CT on pauses while it has other work
        running_line(tmp_path_factory.mktemp("ours"), pacs, volume_settle_s=10) as running,
    ):
        running.system.cli("peers", "add", pacs.aet, LOOPBACK, str(pacs.port), *SENDS)
        pacs.know(running.system.aet, running.system.port)
        yield running


@pytest.fixture
def routed(line):
    """Have the PACS pass images on, as a routing rule would."""
    done, end = set(), threading.Event()

    def route():
        while not end.wait(0.2):
            came = set(line.pacs.instances()) - done
            images = [one for one in came if line.pacs.tags(one)["Modality"] in ROUTED]
            if images:
                line.pacs.ask("POST", f"/modalities/{line.system.aet}/store", images)
            done.update(came)

    thread = threading.Thread(target=route)
    thread.start()
    yield
    end.set()
    thread.join()


def commission(line, page, *more):
    ran = line.system.run("commission", "--to", line.pacs.aet, "--report", str(page), *more)
    return ran.returncode, ran.stdout, page.read_text()


def test_a_site_whose_pacs_passes_images_on_comes_out_well(line, routed, tmp_path):
    code, said, page = commission(line, tmp_path / "page.html")
    assert (code, "10 of 10 virtual patients came out as they are." in page) == (0, True), said
    assert page.count("SR sent ORTHANC") == 4 and "lowest T-score" in page
    assert "pelvis AP, low density" in page and "abdominal CT, normal density" in page
    assert "says nothing about how well they read" in page


def test_a_site_that_nothing_reaches_is_told_so(line, tmp_path):
    code, said, page = commission(line, tmp_path / "page.html", "--within-s", "2", *CHESTS)
    assert code == 1 and "0 of 6 virtual patients" in said
    assert "does the receiver pass images on to our AE title?" in page


def test_a_model_that_is_off_is_expected_to_say_nothing(line, tmp_path):
    line.system.cli("models", "stage", MODEL, "off")
    page = tmp_path / "page.html"
    ran = line.system.run("commission", "--report", str(page), *CHESTS)
    assert "skipped: no-model" in page.read_text() and ran.returncode == 0, ran.stdout


def test_an_exam_that_nobody_can_send_is_named(line):
    ran = line.system.run("commission", "--exams", "cxr,teeth")
    assert ran.returncode == 2 and "teeth: choose from cxr, hip, ct" in ran.stderr
