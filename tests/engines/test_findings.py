"""A measured CT result: held against its threshold, named, and said in JSON."""

import json

import numpy as np
import pytest

from engines.cards import TrainedOn, read_weights
from engines.contract import entry, number_of
from engines.errors import EngineMismatch
from engines.findings import AT_MOST, HOUNSFIELD, Finding, Measurement, Result
from engines.sights import Contour, scan_of


def low(value: float) -> Finding:
    """Return the attenuation of L1 held against 100 HU."""
    return Finding(
        "low trabecular attenuation",
        "L1",
        value,
        100.0,
        quantity="trabecular attenuation",
        unit=HOUNSFIELD,
        flagged_when=AT_MOST,
        table="Pickhardt 2013",
    )


@pytest.mark.parametrize(("value", "flagged"), [(99.9, True), (100.0, True), (100.1, False)])
def test_a_measured_finding_is_flagged_up_to_its_threshold(value: float, flagged: bool) -> None:
    assert low(value).flagged is flagged
    assert Finding("osteoporosis", "chest", value, 100.0).flagged is (value >= 100)


def test_a_measured_value_is_no_probability_in_json() -> None:
    measured = (Measurement("trabecular attenuation", "L1", 93.21, HOUNSFIELD),)
    result = Result("ct", "1", (low(93.21),), measured, set_aside=(("L2", "metal"),))
    said = json.loads(json.dumps(entry("ct", "1", result)))
    (finding,) = said["findings"]
    assert finding["probability"] is None and finding["value"] == 93.21
    assert (finding["unit"], finding["flagged_when"]) == (HOUNSFIELD, AT_MOST)
    assert said["flagged"] is True and finding["flagged"] is True
    assert said["set_aside"] == [{"site": "L2", "why": "metal"}]
    assert said["measurements"] == [
        {"name": "trabecular attenuation", "site": "L1", "value": 93.21, "unit": HOUNSFIELD}
    ]


def test_a_number_is_written_with_its_unit_and_old_results_with_their_probability() -> None:
    (finding,) = entry("ct", "1", Result("ct", "1", (low(93.21),)))["findings"]
    assert number_of(finding) == "93.2 HU" and number_of(finding, "threshold") == "100.0 HU"
    assert number_of({"probability": 0.93, "threshold": 0.5}) == "0.930"


def test_the_first_contour_names_the_image_that_stands_for_a_scan() -> None:
    hu = np.zeros((2, 3, 4), np.float32)
    scan = scan_of(["1.2", "1.1", "1.2"], hu)
    line = Contour("L1", "trabecular bone", "1.2", 0, np.zeros((3, 2)))
    assert scan.SOPInstanceUIDs == ("1.1", "1.2")
    assert Result("ct", "1", scan=scan).image == "1.1"
    assert Result("ct", "1", scan=scan, contours=(line,)).image == "1.2"
    assert scan_of(["1.1"], hu + 1).sha256 != scan.sha256 != scan_of(["1.1"], hu[:1]).sha256


def manifest(tmp_path, **changes):
    told = {
        "model": "ct",
        "version": "1",
        "trained_on": TrainedOn.NOTHING.value,
        "training": "measured, not learned",
        "operating_points": {"low": {"threshold": 100, "source": "Pickhardt 2013"}},
        "engines": {},
        "parameters": {"kvp": 120},
    }
    folder = tmp_path / "ct"
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({**told, **changes}))
    return read_weights("ct", tmp_path)


def test_a_method_without_weights_is_known_by_its_settings(tmp_path) -> None:
    first, same = manifest(tmp_path).sha256, manifest(tmp_path, training="other words").sha256
    assert first == same
    assert manifest(tmp_path, parameters={"kvp": 100}).sha256 != first
    assert manifest(tmp_path, version="2").sha256 != first


def test_a_learned_model_without_its_engine_is_not_taken_for_a_measured_one(tmp_path) -> None:
    with pytest.raises(EngineMismatch, match="learned"):
        manifest(tmp_path, trained_on=TrainedOn.PATIENTS.value)
