"""Hip MRIs come in by C-STORE; report and picture of each hip go back to the PACS."""

import io

import films
import hip_mris
import pydicom
import pytest
from line import running_line
from peers import LOOPBACK, free_port, storescu
from validators import dciodvfy, dsrdump

from daemon import scu
from daemon.scu import Address

MODEL = "onfh_mri"


def settings_of(way, pacs):
    """Return by which way the PACS gives earlier studies, and let it know where."""
    if way == "C-GET":
        return {"earlier_from": pacs.aet}
    port = free_port()
    pacs.know("PRIORS", port)
    return {"earlier_from": pacs.aet, "earlier_move_aet": "PRIORS", "earlier_move_port": port}


@pytest.fixture(scope="module", params=["C-GET", "C-MOVE"])
def line(request, tmp_path_factory, orthanc):
    """Start the embedded default beside an Orthanc."""
    folder = tmp_path_factory.mktemp("ours")
    orthanc.delete_all()
    with running_line(folder, orthanc, **settings_of(request.param, orthanc)) as running:
        running.system.cli("models", "stage", MODEL, "research")
        orthanc.know(running.system.aet, running.system.port)
        yield running


def test_two_ill_hips_are_flagged_and_the_report_names_sides_and_says_there_is_one_visit(
    line, tmp_path
):
    images = hip_mris.hips(hip_mris.ILL)
    line.send(storescu, *(films.write(tmp_path, one) for one in images))
    study = images[0].StudyInstanceUID
    (result,) = line.system.delivered(study)["results"]
    assert result["flagged"]
    assert set(result["visit"]["features"]) == {"L", "R"}
    stored = {
        pydicom.dcmread(io.BytesIO(content)).Modality: content
        for content in line.stored(study).values()
    }
    report = tmp_path / "report.dcm"
    report.write_bytes(stored["SR"])
    assert dciodvfy(report) + dsrdump(report) == []
    told = [
        str(one.value) for one in pydicom.dcmread(report).iterall() if one.keyword == "TextValue"
    ]
    for side in ("left", "right"):
        assert f"femoral head osteonecrosis: femoral head, {side}" in told
    assert any("one visit: no progression output" in words for words in told)
    assert not any("DXA" in words for words in told)
    assert len(stored) == 2


def test_a_visit_that_only_the_pacs_knows_of_is_fetched_and_nothing_of_it_is_kept_or_sent(
    line, tmp_path
):
    first, second = hip_mris.two_visits(hip_mris.SOUND)
    place = Address(line.pacs.aet, LOOPBACK, line.pacs.port, line.system.aet)
    assert all(answer.stored for answer in scu.store(place, first))
    line.send(storescu, *(films.write(tmp_path, one) for one in second))
    (result,) = line.system.delivered(second[0].StudyInstanceUID)["results"]
    courses = [one for one in result["measurements"] if one["name"] == "probability of progression"]
    assert {one["laterality"] for one in courses} == {"L", "R"}
    assert len(line.stored(first[0].StudyInstanceUID)) == len(first)
    assert line.system.show(first[0].StudyInstanceUID) is None
