"""The same result has the same UIDs and the same bytes; another result has others."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import reports
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage

from engines.cards import OperatingPoint
from engines.errors import BadSeries, Reason
from engines.findings import Finding
from workers.objects import part10_bytes, secondary_capture
from workers.report import Report
from workers.uids import (
    device_observer_uid,
    result_key,
    secondary_capture_uid,
    series_instance_uid,
    sop_instance_uid,
    stable_uid,
    tracking_uid,
)

FAILED = BadSeries(Reason.PIXELS_CONSTANT, "every pixel has the same value")
HASHES = """
import hashlib, reports
from engines.errors import BadSeries, Reason
from workers.objects import part10_bytes
failed = BadSeries(Reason.PIXELS_CONSTANT, "every pixel has the same value")
for report in (reports.report(), reports.report(probability=0.1), reports.report(verdict=failed)):
    for kind, ds in reports.result_objects(report):
        print(kind, hashlib.sha256(part10_bytes(ds)).hexdigest())
"""


def hashes() -> list[str]:
    """The hash of every object of three reports, made in a process of its own."""
    tests = Path(reports.__file__).parent
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tests)!r})\n{HASHES}"]
    ran = subprocess.run(command, capture_output=True, check=True, text=True, cwd=tests.parent)
    return ran.stdout.split("\n")


def _finding_at(threshold: float) -> tuple[Finding]:
    return (Finding("osteoporosis", "chest", 0.83, threshold),)


CHANGES: dict[str, Callable[[Report], Report]] = {
    "version": lambda old: replace(old, weights=replace(old.weights, version="0.2.0")),
    "weights": lambda old: replace(old, weights=reports.weights(engines={"s": ("s", "cd" * 32)})),
    "threshold": lambda old: reports.with_result(old, findings=_finding_at(0.6)),
    "configuration": lambda old: replace(old, configuration={"min_age_years": "65"}),
    "stage": lambda old: replace(old, provenance=reports.made_by(stage="live")),
    "pixels": lambda old: reports.with_result(old, film=replace(old.outcome.film, sha256="0" * 64)),
    "source": lambda old: reports.report(reports.dx_source(SOPInstanceUID="2.25.77")),
    "study": lambda old: reports.report(reports.dx_source(StudyInstanceUID="2.25.78")),
    "verdict": lambda old: reports.report(verdict=FAILED),
}


def test_every_object_is_byte_identical_in_another_process_too():
    first = hashes()
    assert len(first) == len(["SR", "SC", "SR", "SC", "SR", ""])
    assert hashes() == first
    here = [
        f"{kind} {hashlib.sha256(part10_bytes(ds)).hexdigest()}"
        for kind, ds in reports.result_objects(reports.report())
    ]
    assert first[:2] == here


def test_every_time_in_an_object_is_that_of_the_analysis():
    # seen from a zone where the day is another, as the source's own header asks
    source = reports.dx_source(TimezoneOffsetFromUTC="+1400")
    at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    for _, ds in reports.result_objects(reports.report(source, analysed_at=at)):
        for element in ds.iterall():
            if element.VR == "DA" and element.keyword not in (
                "PatientBirthDate",
                "StudyDate",
                "SeriesDate",
            ):
                assert str(element.value) == "20261121", element.keyword
            if element.keyword == "ContributionDateTime":
                assert str(element.value) == "20261121020000+1400"
        assert ds.TimezoneOffsetFromUTC == "+1400"


def test_without_an_offset_in_the_source_the_clock_of_the_installation_counts():
    zone = timezone(timedelta(hours=2))
    at = datetime(2026, 11, 20, 23, 30, tzinfo=zone)
    [(_, sr), _] = reports.result_objects(reports.report(analysed_at=at))
    assert (str(sr.ContentDate), str(sr.ContentTime)) == ("20261120", "233000")
    assert "TimezoneOffsetFromUTC" not in sr


@pytest.mark.parametrize("what", CHANGES)
def test_another_result_has_another_key_and_other_uids(what):
    old, new = reports.report(), CHANGES[what](reports.report())
    assert result_key(old) != result_key(new)
    assert secondary_capture_uid(old) != secondary_capture_uid(new)


def test_what_does_not_shape_the_result_leaves_its_uids_alone():
    old = reports.report()
    later = reports.report(analysed_at=datetime(2027, 1, 1, tzinfo=UTC), node="node-2")
    assert result_key(old) == result_key(later)
    points = {"osteoporosis": OperatingPoint(0.5, "written in other words")}
    reworded = replace(old, weights=replace(old.weights, operating_points=points))
    assert result_key(old) == result_key(reworded)


def test_two_classes_of_one_result_are_two_instances_of_one_series():
    report = reports.report()
    uids = {
        sop_instance_uid(report, "SR", sop_class)
        for sop_class in (Comprehensive3DSRStorage, ComprehensiveSRStorage)
    }
    objects = reports.result_objects(report, (Comprehensive3DSRStorage, ComprehensiveSRStorage))
    assert uids == {ds.SOPInstanceUID for kind, ds in objects if kind == "SR"}
    assert {ds.SeriesInstanceUID for kind, ds in objects if kind == "SR"} == {
        series_instance_uid(report, "SR")
    }


def test_the_report_knows_the_uid_of_the_picture_before_it_is_drawn():
    report = reports.report()
    assert secondary_capture(report).SOPInstanceUID == secondary_capture_uid(report)


def test_a_new_model_version_makes_a_new_series_and_device_but_tracks_the_same_finding():
    old, new = reports.report(), CHANGES["version"](reports.report())
    assert series_instance_uid(old, "SR") != series_instance_uid(new, "SR")
    assert device_observer_uid(reports.NAMESPACE, old.weights) != device_observer_uid(
        reports.NAMESPACE, new.weights
    )
    assert tracking_uid(old, "osteoporosis", "hip") == tracking_uid(new, "osteoporosis", "hip")
    assert tracking_uid(old, "osteoporosis", "hip") != tracking_uid(old, "osteoporosis", "hip", "L")


def test_a_uid_has_44_characters_at_most_and_its_parts_cannot_run_together():
    uid = stable_uid(reports.NAMESPACE, "ab", "c")
    assert uid.startswith("2.25.") and len(uid) <= 44
    assert uid != stable_uid(reports.NAMESPACE, "a", "bc")
