"""Real radiographs go through the whole line: each ends screened, or skipped with its reason.

They lie beside the checkout, not in it; skipped with a reason where they do not.
"""

from pathlib import Path

import pydicom
import pytest
from peers import dcmsend
from validators import dciodvfy, dsrdump, pixelmed

from engines.errors import Reason

FILMS = Path(__file__).parents[3] / "shared" / "data" / "cxr"
needs_films = pytest.mark.skipif(
    not FILMS.is_dir(), reason="no ../shared/data/cxr beside this checkout"
)


def sent(line, name):
    """Send one file and return the story of its series when it has ended."""
    line.send(dcmsend, FILMS / name)
    header = pydicom.dcmread(FILMS / name, stop_before_pixels=True)
    return line.system.ended(header.StudyInstanceUID)


@needs_films
def test_a_chest_film_of_a_woman_of_64_years_is_screened(line):
    # her age stands only in birth date and study date; MONOCHROME1, lossy JPEG 2000, no pixel size
    ended = sent(line, "dicom/RG1_J2KI.dcm")
    assert (ended["state"], ended["reason"]) == ("screened", None)


@needs_films
def test_no_validator_finds_an_error_in_the_results_on_it(line):
    ended = sent(line, "dicom/RG1_J2KI.dcm")
    outbox = line.system.home / "outbox"
    objects = ended["results"][0]["objects"]
    made = {one["kind"]: outbox / f"{one['SOPInstanceUID']}.dcm" for one in objects}
    said = dciodvfy(made["SC"]) + dciodvfy(made["SR"]) + dsrdump(made["SR"]) + pixelmed(made["SR"])
    # this film's own header says that its physician is called "ward"
    assert [text for text in said if "ReferringPhysicianName" not in text] == []


@needs_films
def test_a_chest_film_without_age_and_sex_is_skipped(line):
    ended = sent(line, "dicom/CR-MONO1-10-chest.part10.dcm")
    assert (ended["state"], ended["reason"]) == ("skipped", Reason.AGE_MISSING)


@needs_films
def test_a_film_of_a_tibia_is_skipped(line):
    ended = sent(line, "not-chest/RG3_J2KI.dcm")
    assert (ended["state"], ended["reason"]) == ("skipped", Reason.EXAM_NOT_SCREENED)
