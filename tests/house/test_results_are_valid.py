"""What the PACS was sent satisfies every validator, beside the film it is about."""

from pathlib import Path

import films
import pytest
import validators
from peers import dcmsend
from pydicom import dcmread
from pydicom.uid import SecondaryCaptureImageStorage

from engines.phantoms.chest_dicom import FilmFormat, chest_dicom
from engines.phantoms.person import low_density_patient, normal_density_patient

STUDIES = {
    "flagged DX": lambda: chest_dicom(low_density_patient(1), 1),
    "not flagged CR": lambda: chest_dicom(
        normal_density_patient(2), 2, FilmFormat(modality="CR", inverted=True)
    ),
    "failed": lambda: _constant(chest_dicom(low_density_patient(8), 8)),
}


def _constant(ds):
    ds.PixelData = bytes(len(ds.PixelData))
    return ds


@pytest.fixture(scope="module", params=STUDIES)
def study(request, line, tmp_path_factory) -> tuple[Path, list[Path]]:
    """Send one film; return it and the objects that the PACS received."""
    folder = tmp_path_factory.mktemp("study")
    film = STUDIES[request.param]()
    source = films.write(folder, film)
    line.send(dcmsend, source)
    line.system.delivered(film.StudyInstanceUID)
    results = []
    for uid, content in line.stored(film.StudyInstanceUID).items():
        results.append(folder / f"{uid}.dcm")
        results[-1].write_bytes(content)
    assert results
    return source, results


def test_each_object_satisfies_dciodvfy(study):
    source, results = study
    assert {path: validators.dciodvfy(path) for path in [source, *results]} == {
        path: [] for path in [source, *results]
    }


def test_the_study_with_our_results_satisfies_dcentvfy(study):
    source, results = study
    assert validators.dcentvfy([source, *results]) == []


def test_each_report_satisfies_dsrdump_and_pixelmed(study):
    _, results = study
    reports = [p for p in results if dcmread(p).SOPClassUID != SecondaryCaptureImageStorage]
    assert len(reports) == 1
    assert [validators.dsrdump(path) for path in reports] == [[]]
    assert list(validators.pixelmed_all(reports).values()) == [[]]
