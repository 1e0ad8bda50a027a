"""Virtual chest films: reproducible, correct DICOM, and nothing but bone gives the label away."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from engines.images import read_radiograph
from engines.phantoms.chest_dicom import FilmFormat, chest_dicom, chest_file, draw_format
from engines.phantoms.cohort import seeds_of
from engines.phantoms.film import chest_film, draw_exposure
from engines.phantoms.person import (
    draw_patient,
    low_density_patient,
    normal_density_patient,
)

cid4010 = codes.cid4010

FORMS = [
    FilmFormat(modality, (200, 240), bits, inverted, lateral)
    for modality in ("DX", "CR")
    for bits, inverted, lateral in ((8, False, False), (12, True, False), (16, False, True))
]


def test_the_same_seed_gives_the_same_bytes() -> None:
    files = [
        chest_file(chest_dicom(draw_patient(5), 5, draw_format(5, (160, 200)))) for _ in range(2)
    ]
    assert files[0] == files[1]


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        "import hashlib;from engines.phantoms.chest_dicom import *;"
        "from engines.phantoms.person import draw_patient;"
        "ds=chest_dicom(draw_patient(6),6,FilmFormat(shape=(96,96)));"
        "print(hashlib.sha256(chest_file(ds)).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = chest_file(chest_dicom(draw_patient(6), 6, FilmFormat(shape=(96, 96))))
    assert other.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_another_seed_gives_another_patient_film_and_uid() -> None:
    first, second = (chest_dicom(draw_patient(s), s, FilmFormat(shape=(64, 64))) for s in (1, 2))
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.PatientID != second.PatientID
    assert first.PixelData != second.PixelData


def test_pa_and_lateral_of_one_seed_are_two_series_of_one_study() -> None:
    patient = draw_patient(4)
    frontal = chest_dicom(patient, 4, FilmFormat(shape=(64, 64)))
    lateral = chest_dicom(patient, 4, FilmFormat(shape=(64, 64), lateral=True))
    assert frontal.StudyInstanceUID == lateral.StudyInstanceUID
    assert frontal.SeriesInstanceUID != lateral.SeriesInstanceUID
    assert lateral.ViewPosition == "LL" and frontal.ViewPosition == "PA"


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f"{f.modality}-{f.bits}-{f.lateral}")
def test_dciodvfy_finds_no_error(form: FilmFormat, tmp_path: Path) -> None:
    file = tmp_path / "film.dcm"
    file.write_bytes(chest_file(chest_dicom(draw_patient(3), 3, form)))
    program = Path(sys.executable).with_name("dciodvfy")
    said = subprocess.run([program, "-new", file], capture_output=True, text=True, check=False)
    assert "Error" not in said.stderr and "Warning" not in said.stderr, said.stderr


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f"{f.modality}-{f.bits}-{f.lateral}")
def test_the_film_reads_back_as_it_was_made(form: FilmFormat) -> None:
    film = chest_film(draw_patient(3), 3, form.shape, form.lateral)
    read = read_radiograph(chest_dicom(draw_patient(3), 3, form))
    # a lead letter in the air beside the patient may count as border, and go
    same = np.abs(read.pixels - film) < 2 / 2**form.bits + 1e-3
    assert same.mean() > 0.99


def test_the_body_does_not_change_with_the_size_of_the_film() -> None:
    small = chest_film(draw_patient(8), 8, (128, 128))
    large = chest_film(draw_patient(8), 8, (512, 512)).reshape(128, 4, 128, 4).mean((1, 3))
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.995


def test_exposure_depends_on_the_seed_and_not_on_the_patient() -> None:
    thin, dense = low_density_patient(1), normal_density_patient(1)
    assert (thin.height_m, thin.girth, thin.age_years) == (
        dense.height_m,
        dense.girth,
        dense.age_years,
    )
    assert draw_exposure(1) == draw_exposure(1) != draw_exposure(2)
    assert draw_format(1) == draw_format(1)


def test_less_bone_makes_ribs_and_vertebrae_fainter() -> None:
    dense = chest_film(normal_density_patient(2), 2)
    thin = chest_film(low_density_patient(2), 2)
    assert _rib_contrast(dense) > 1.3 * _rib_contrast(thin)


def test_a_cohort_holds_both_classes_and_shares_nobody_with_another() -> None:
    ill = [draw_patient(seed).osteoporosis for seed in seeds_of(0, 600)]
    assert 0.25 < np.mean(ill) < 0.45
    assert not set(seeds_of(0, 500)) & set(seeds_of(1, 500))
    assert not set(seeds_of(1, 500)) & set(seeds_of(1, 100, skip=500))


def _rib_contrast(film: NDArray[np.float32]) -> float:
    """Mean step between neighbouring rows of the upper lungs, where ribs cross."""
    lungs = film[60:150, np.r_[50:95, 160:205]]
    return float(np.abs(np.diff(lungs, axis=0)).mean())


@pytest.mark.parametrize(
    ("lateral", "view"), [(False, cid4010.PosteroAnterior), (True, cid4010.LeftLateral)]
)
def test_the_view_code_says_what_the_view_position_says(lateral: bool, view: Code) -> None:
    form = FilmFormat(shape=(64, 64), lateral=lateral)
    [code] = chest_dicom(normal_density_patient(1), 1, form).ViewCodeSequence
    assert (code.CodeValue, code.CodeMeaning) == (view.value, view.meaning)
