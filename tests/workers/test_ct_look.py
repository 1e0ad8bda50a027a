"""A model that measures, in the worker: no weights, no engine, and regions only where wanted."""

import json
from types import SimpleNamespace

import ct_reports
import pytest
import reports
from main_path import Site
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import SegmentationStorage

from daemon.records import claims
from daemon.records.tables import Stage
from engines.cases import read_case
from engines.exams import Exam
from engines.rules import Rules
from workers import looking
from workers.room import EngineRoom

METHOD = SimpleNamespace(
    CARD=ct_reports.card(),
    eligible=lambda _case: None,
    screen=lambda _case, _run, _weights: ct_reports.result(),
)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A room whose one model has a manifest and nothing else."""
    root = tmp_path_factory.mktemp("weights")
    (root / "ct_attenuation").mkdir()
    manifest = {
        "model": "ct_attenuation",
        "version": "1",
        "trained_on": "nothing: measured",
        "training": "none",
        "operating_points": {},
        "engines": {},
        "parameters": {},
    }
    (root / "ct_attenuation" / "manifest.json").write_text(json.dumps(manifest))
    return EngineRoom(root, engine_threads=1)


@pytest.fixture
def place(tmp_path, room):
    """Where a look stands, in a site whose one peer wants all results."""
    site = Site(tmp_path, room)
    site.add("PACS")
    film = reports.dx_source()
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID
    site.receive(film)
    series = claims.claim(site.ledger, film.SeriesInstanceUID, False)
    yield looking.Place(site.ledger, series, Stage.RESEARCH)
    site.ledger.close()


def look(room, place, **changes):
    case = read_case(Exam.ABDOMEN_CT, ct_reports.slices())
    place = looking.Place(place.ledger, place.series, place.stage, **changes)
    return looking.look(room, METHOD, case, place)


def test_a_method_without_weights_is_looked_with_and_its_slice_is_the_source(room, place):
    found = look(room, place)
    assert [made.record.kind for made in found.made] == ["SR", "SC"]
    assert found.outcome.flagged and len(found.outcome.weights_sha256) == 64
    sr, sc = (dcmread(DicomBytesIO(made.part10)) for made in found.made)
    assert sc.SourceImageSequence[0].ReferencedSOPInstanceUID == f"2.25.20{ct_reports.L1:02}"
    assert sr.StudyInstanceUID == sc.StudyInstanceUID == "2.25.2002"
    made_with = [one.get("ContributionDescription") for one in sr.ContributingEquipmentSequence]
    assert any(
        words and "Measured, not learned" in words and "NumPy" in words for words in made_with
    )


def test_regions_are_an_object_of_their_own_where_a_site_wants_them(room, place):
    found = look(room, place, segmentation=True)
    assert [made.record.kind for made in found.made] == ["SR", "SC", "SEG"]
    regions = found.made[-1]
    assert regions.record.SOPClassUID == SegmentationStorage
    assert regions.record.receivers == ("PACS",)
    assert dcmread(DicomBytesIO(regions.part10)).NumberOfFrames == 4


def test_a_method_that_nobody_revealed_tells_no_clinical_peer(room, place):
    kept = looking._within_limits(
        looking.Place(place.ledger, place.series, Stage.LIVE), room.seat(METHOD).weights, Rules()
    )
    assert kept.stage is Stage.RESEARCH
