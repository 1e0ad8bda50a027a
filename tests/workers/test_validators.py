"""Every object that we write, before every judge that we know; and each judge, shown to bite."""

from collections.abc import Callable
from pathlib import Path

import pytest
import reports
from pydicom import Dataset, dcmread
from pydicom.uid import ComprehensiveSRStorage, EnhancedSRStorage
from validators import dcentvfy, dciodvfy, dsr2html, dsrdump, pixelmed, pixelmed_all

from engines.errors import BadSeries, NotEligible, Reason
from engines.findings import Finding, Measurement
from workers.objects import part10_bytes, secondary_capture, structured_report
from workers.report import Predecessor, Report
from workers.uids import series_instance_uid, sop_instance_uid

# Unicode at the source, for dcentvfy compares bytes and not names
SOURCE = reports.dx_source(SpecificCharacterSet="ISO_IR 192")
FAILED = BadSeries(Reason.PIXELS_CONSTANT, "every pixel of the image has the same value")
SKIPPED = NotEligible(Reason.AGE_MISSING, "neither PatientAge nor PatientBirthDate is given")


def two_hips() -> Report:
    """A report with two sided findings and a number, as the hip models will have."""
    found = (
        Finding("osteoporosis", "proximal femur", 0.7, 0.5, "L"),
        Finding("osteopenia", "proximal femur", 0.3, 0.5, "R"),
    )
    measured = (Measurement("area", "proximal femur", 12.5, "cm2"),)
    report = reports.report(SOURCE)
    return reports.with_result(report, findings=found, measurements=measured)


def revised() -> Report:
    old = reports.report(SOURCE, probability=0.2)
    uid = sop_instance_uid(old, "SR", EnhancedSRStorage)
    series = series_instance_uid(old, "SR")
    study = SOURCE.StudyInstanceUID
    return reports.report(SOURCE, predecessor=Predecessor(study, series, EnhancedSRStorage, uid))


def requested() -> Report:
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = "RP1", "SPS1"
    request.RequestedProcedureDescription = "Thorax"
    return reports.report(reports.dx_source(RequestAttributesSequence=[request]), stage="live")


DOCUMENTS: dict[str, Callable[[], Dataset]] = {
    "flagged": lambda: structured_report(reports.report(SOURCE)),
    "not-flagged": lambda: structured_report(reports.report(SOURCE, probability=0.12)),
    "failed": lambda: structured_report(reports.report(SOURCE, verdict=FAILED)),
    "comprehensive": lambda: structured_report(reports.report(SOURCE), ComprehensiveSRStorage),
    "enhanced": lambda: structured_report(revised(), EnhancedSRStorage),
    "two-hips": lambda: structured_report(two_hips()),
}
# as above in the eyes of PixelMed, which is too slow to be asked twice
MORE_DOCUMENTS: dict[str, Callable[[], Dataset]] = {
    "skipped": lambda: structured_report(reports.report(SOURCE, verdict=SKIPPED)),
    "revised": lambda: structured_report(revised()),
    "failed-enhanced": lambda: structured_report(
        reports.report(SOURCE, verdict=FAILED), EnhancedSRStorage
    ),
    "requested": lambda: structured_report(requested()),
    "of-cr": lambda: structured_report(reports.report(reports.cr_source())),
}
PICTURES: dict[str, Callable[[], Dataset]] = {
    "picture-flagged": lambda: secondary_capture(reports.report(SOURCE)),
    "picture-not-flagged": lambda: secondary_capture(reports.report(SOURCE, probability=0.12)),
    "picture-no-heat": lambda: secondary_capture(
        reports.with_result(reports.report(SOURCE), saliency=None)
    ),
    "picture-two-hips": lambda: secondary_capture(two_hips()),
    "picture-of-cr": lambda: secondary_capture(reports.report(reports.cr_source())),
}
ALL = DOCUMENTS | MORE_DOCUMENTS | PICTURES


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with every kind of object, and the sources."""
    folder = tmp_path_factory.mktemp("objects")
    for name, write in ALL.items():
        (folder / f"{name}.dcm").write_bytes(part10_bytes(write()))
    (folder / "dx.dcm").write_bytes(part10_bytes(SOURCE))
    (folder / "cr.dcm").write_bytes(part10_bytes(reports.cr_source()))
    return folder


@pytest.mark.parametrize("name", ["dx", "cr", *ALL])
def test_dciodvfy_finds_nothing_wrong(folder, name):
    assert dciodvfy(folder / f"{name}.dcm") == []


@pytest.mark.parametrize("name", [*DOCUMENTS, *MORE_DOCUMENTS])
def test_dsrdump_reads_every_report(folder, name):
    assert dsrdump(folder / f"{name}.dcm") == []


def test_pixelmed_finds_every_report_true_to_its_template(folder):
    paths = [folder / f"{name}.dcm" for name in DOCUMENTS]
    assert pixelmed_all(paths) == {path.name: [] for path in paths}


@pytest.mark.parametrize("name", ["flagged", "comprehensive", "failed"])
def test_dcentvfy_finds_the_study_of_one_piece(folder, name):
    ours = [folder / f"{name}.dcm"] + [folder / "picture-flagged.dcm"] * (name != "failed")
    assert dcentvfy([folder / "dx.dcm", *ours]) == []


def test_html_names_the_numbers(folder, tmp_path):
    page = tmp_path / "flagged.html"
    assert dsr2html(folder / "flagged.dcm", page) == []
    text = page.read_text()
    for words in ("<b>Probability:</b>", "<b>Threshold Value:</b>", "0.83", "Osteoporosis"):
        assert words in text


def mutated(folder: Path, name: str, change: Callable[[Dataset], None]) -> Path:
    ds = dcmread(folder / f"{name}.dcm")
    change(ds)
    path = folder / f"mutated-{change.__name__}.dcm"
    ds.save_as(path)
    return path


def item(ds: Dataset, *code_values: str) -> Dataset:
    """Walk down the content tree by concept."""
    for value in code_values:
        ds = next(
            child
            for child in ds.ContentSequence
            if child.ConceptNameCodeSequence[0].CodeValue == value
        )
    return ds


def without_units(ds: Dataset) -> None:
    probability = item(ds, "126010", "125007", "122157")
    del probability.MeasuredValueSequence[0].MeasurementUnitsCodeSequence


def without_evidence(ds: Dataset) -> None:
    study = ds.CurrentRequestedProcedureEvidenceSequence[0]
    del study.ReferencedSeriesSequence[1:]


def with_odd_coordinates(ds: Dataset) -> None:
    region = item(ds, "126010", "125007", "111030")
    region.GraphicData = list(region.GraphicData)[:-1]


def with_another_root(ds: Dataset) -> None:
    ds.ConceptNameCodeSequence[0].CodeValue = "126001"


def without_image(ds: Dataset) -> None:
    del item(ds, "126010", "125007", "111030").ContentSequence


def without_rows(ds: Dataset) -> None:
    del ds.Rows


def of_another_patient(ds: Dataset) -> None:
    ds.PatientID = "P-78"


@pytest.mark.parametrize("change", [without_units, without_evidence])
def test_dciodvfy_bites(folder, change):
    assert dciodvfy(mutated(folder, "flagged", change)) != []


def test_dciodvfy_bites_a_picture(folder):
    assert dciodvfy(mutated(folder, "picture-flagged", without_rows)) != []


@pytest.mark.parametrize("change", [without_units, with_odd_coordinates])
def test_dsrdump_bites(folder, change):
    assert dsrdump(mutated(folder, "flagged", change)) != []


@pytest.mark.parametrize("change", [with_another_root, without_image])
def test_pixelmed_bites(folder, change):
    assert pixelmed(mutated(folder, "flagged", change)) != []


def test_dcentvfy_bites(folder):
    stranger = mutated(folder, "flagged", of_another_patient)
    assert dcentvfy([folder / "dx.dcm", folder / "picture-flagged.dcm", stranger]) != []


def test_dcentvfy_misses_the_picture_that_a_report_refers_to(folder):
    assert dcentvfy([folder / "dx.dcm", folder / "flagged.dcm"]) != []
