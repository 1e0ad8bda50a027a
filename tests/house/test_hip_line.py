"""Pelvis films come in by C-STORE; report and picture of both hips go back to the PACS."""

import io

import films
import pydicom
import pytest
from hip_films import pelvis, replaced
from line import running_line
from peers import storescu
from validators import dciodvfy, dsrdump

MODEL = "hip_vit"


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc):
    """Start the embedded default beside an Orthanc."""
    folder = tmp_path_factory.mktemp("ours")
    with running_line(folder, orthanc) as running:
        running.system.cli("models", "stage", MODEL, "research")
        yield running


def sent(line, ds, folder):
    """Send a film; return the one result of it when it has been delivered."""
    line.send(storescu, films.write(folder, ds))
    (result,) = line.system.delivered(ds.StudyInstanceUID)["results"]
    return result


def stored(line, ds, modality):
    """Return what the PACS has of a study, of one modality, as file bytes."""
    found = line.stored(ds.StudyInstanceUID).values()
    return next(c for c in found if pydicom.dcmread(io.BytesIO(c)).Modality == modality)


def test_a_pelvis_of_low_density_is_flagged_and_both_sides_stand_in_the_report(line, tmp_path):
    film = pelvis()
    result = sent(line, film, tmp_path)
    assert result["flagged"]
    report = tmp_path / "report.dcm"
    report.write_bytes(stored(line, film, "SR"))
    assert dciodvfy(report) + dsrdump(report) == []
    groups = next(
        one.ContentSequence
        for one in pydicom.dcmread(report).ContentSequence
        if one.ConceptNameCodeSequence[0].CodeValue == "126010"
    )
    sites = {group.ContentSequence[0].TextValue for group in groups}
    words = [
        str(one.value) for one in pydicom.dcmread(report).iterall() if one.keyword == "TextValue"
    ]
    assert not any("(class osteoporosis) (class" in told for told in words)
    assert sites == {f"osteoporosis: proximal femur, {side}" for side in ("left", "right")}


def test_a_pelvis_of_normal_density_is_screened_and_not_flagged(line, tmp_path):
    result = sent(line, pelvis(low_density=False), tmp_path)
    assert result["state"] == "screened" and not result["flagged"]


def test_of_a_pelvis_with_a_prosthesis_the_other_side_is_reported_and_the_reason_said(
    line, tmp_path
):
    film = replaced()
    result = sent(line, film, tmp_path)
    assert len(result["findings"]) == 1
    report = pydicom.dcmread(io.BytesIO(stored(line, film, "SR")))
    told = [str(one.value) for one in report.iterall() if one.keyword == "TextValue"]
    assert any("(metal)" in words for words in told)
