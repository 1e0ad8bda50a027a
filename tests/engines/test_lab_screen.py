"""`osteoscreen-lab screen`: every series of some files gets an answer, as the contract has it."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import SecondaryCaptureImageStorage
from radiographs import cr, shared, write
from typer.testing import CliRunner

from engines import catalog, screening
from engines.cards import WEIGHTS, OperatingPoint, TrainedOn, Weights
from engines.cli import app
from engines.phantoms.people.draw import low_density_person
from engines.phantoms.xray.films import chest_film
from engines.runtime import Arrays

SERIES_KEYS = {"StudyInstanceUID", "SeriesInstanceUID", "exam", "appraisal", "results"}
RESULT_KEYS = {"model", "version", "state", "reason", "detail", "flagged", "findings"} | {
    "measurements",
    "set_aside",
    "quality",
}
FINDING_KEYS = {"name", "site", "laterality", "probability", "threshold", "flagged"} | {
    "quantity",
    "value",
    "unit",
    "flagged_when",
    "table",
    "words",
}

needs_weights = pytest.mark.skipif(
    not (WEIGHTS / "cxr_osporscreen" / "manifest.json").exists(),
    reason="the reference weights are not in this checkout",
)


class BrightnessEngine:
    """A network of one line: the brighter the film, the likelier."""

    description = "numpy"

    def __call__(self, arrays: Arrays) -> Arrays:
        films = arrays["film"]
        return {"probability": films.mean((-3, -2, -1))[:, None], "cam": films[:, 0, ::8, ::8]}


@pytest.fixture
def small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a network without weights where the trained one would be."""
    weights = Weights(
        folder=Path("nowhere"),
        model="cxr_osporscreen",
        version="0.0.1",
        trained_on=TrainedOn.SIMULATED,
        training="not at all",
        operating_points={"osteoporosis": OperatingPoint(0.1, "a test")},
        engines={"cxr_osporscreen": ("none.onnx", "")},
        parameters={"input_size_px": 64, "region": "whole"},
    )
    monkeypatch.setattr(screening, "read_weights", lambda *_: weights)
    monkeypatch.setattr(screening, "load", lambda _: BrightnessEngine())
    monkeypatch.setattr(catalog, "MODELS", (catalog.named("cxr_osporscreen"),))


def screen(*arguments: str | Path) -> list[dict[str, Any]]:
    """Run the command and return the series of its JSON."""
    done = CliRunner().invoke(app, ["screen", *map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    series = json.loads(done.stdout)["series"]
    assert isinstance(series, list)
    return series


@cache
def pixels() -> NDArray[np.uint16]:
    return np.rint(chest_film(low_density_person(4), 4, (320, 300)) * 4095).astype(np.uint16)


def film(**changes: Any) -> Any:
    return cr(pixels(), **changes)


def test_each_series_is_answered_with_the_keys_of_the_contract(tmp_path: Path) -> None:
    write(tmp_path, cr(BodyPartExamined="KNEE"))
    write(tmp_path, cr(SOPClassUID=SecondaryCaptureImageStorage))
    series = screen(tmp_path)
    assert len(series) == 2
    for one in series:
        assert set(one) >= SERIES_KEYS and one["exam"] is None and one["SeriesInstanceUID"]
        (result,) = one["results"]
        assert set(result) == RESULT_KEYS
        assert (result["model"], result["version"], result["state"]) == (None, None, "skipped")
        assert result["reason"] == "exam-not-screened" and result["findings"] == []
        assert result["flagged"] is None


def test_the_images_of_a_series_are_one_entry(tmp_path: Path) -> None:
    knee = cr(BodyPartExamined="KNEE")
    for _ in range(3):
        write(
            tmp_path,
            cr(
                BodyPartExamined="KNEE",
                StudyInstanceUID=knee.StudyInstanceUID,
                SeriesInstanceUID=knee.SeriesInstanceUID,
            ),
        )
    (series,) = screen(tmp_path)
    assert series["SeriesInstanceUID"] == knee.SeriesInstanceUID


def test_an_unreadable_file_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "notes.dcm").write_text("not DICOM")
    write(tmp_path, cr(SeriesInstanceUID=None), "stray.dcm")
    write(tmp_path, cr(BodyPartExamined="KNEE"))
    series = screen(tmp_path)
    reasons = sorted(one["results"][0]["reason"] for one in series)
    assert reasons == ["exam-not-screened", "header-unreadable", "header-unreadable"]
    unreadable = [one for one in series if one["SeriesInstanceUID"] is None]
    details = " ".join(one["results"][0]["detail"] for one in unreadable)
    assert "notes.dcm" in details and "stray.dcm" in details
    assert all(one["StudyInstanceUID"] is None and one["exam"] is None for one in unreadable)
    assert all(one["results"][0]["state"] == "failed" for one in unreadable)


def test_our_own_result_is_not_screened_again(tmp_path: Path) -> None:
    (series,) = screen(write(tmp_path, cr(Manufacturer="osteoscreen")))
    assert series["results"][0]["reason"] == "own-result"


def test_the_index_of_a_medium_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(bytes(200))
    (tmp_path / ".DS_Store").write_bytes(bytes(200))
    (tmp_path / "film").write_bytes(bytes(200))
    [only] = screen(tmp_path)
    assert "film" in only["results"][0]["detail"]


def test_a_folder_without_files_is_a_mistake_and_is_said_to_be_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["screen", str(tmp_path)])
    assert done.exit_code == 2 and "no files there" in done.output


@pytest.mark.usefixtures("small_model")
def test_a_film_is_scored_or_refused_for_a_reason(tmp_path: Path) -> None:
    write(tmp_path, film())
    write(tmp_path, film(PatientAge="030Y"))
    write(tmp_path, film(ViewPosition="LL"))
    write(tmp_path, film(PixelData=bytes(320 * 300 * 2)))
    write(tmp_path, film(PhotometricInterpretation="MONOCHROME1"))
    series = screen(tmp_path)
    results = [one["results"][0] for one in series]
    assert {one["exam"] for one in series} == {"cxr"}
    assert {result["model"] for result in results} == {"cxr_osporscreen"}
    assert sorted((result["state"], result["reason"] or "") for result in results) == [
        ("failed", "pixels-constant"),
        ("screened", ""),
        ("skipped", "age-below-minimum"),
        ("skipped", "unlike-exam"),
        ("skipped", "view-not-frontal"),
    ]
    (scored,) = [result for result in results if result["state"] == "screened"]
    (finding,) = scored["findings"]
    assert set(finding) == FINDING_KEYS
    assert finding["name"] == "osteoporosis" and 0 <= finding["probability"] <= 1
    assert scored["flagged"] is True and finding["probability"] >= finding["threshold"] == 0.1
    assert scored["version"] == "0.0.1"


@pytest.mark.usefixtures("small_model")
def test_the_clinical_table_and_the_minimum_age_are_heeded(tmp_path: Path) -> None:
    path = write(tmp_path, film(PatientAge=None))
    table = tmp_path / "clinical.csv"
    table.write_text("PatientID,age_years\nSECRET-1,66\n")
    states = [
        screen(path)[0]["results"][0]["reason"],
        screen(path, "--clinical", table)[0]["results"][0]["reason"],
        screen(path, "--clinical", table, "--min-age", "70")[0]["results"][0]["reason"],
    ]
    assert states == ["age-missing", None, "age-below-minimum"]


@needs_weights
def test_real_chest_films_end_screened_or_skipped_for_the_right_reason() -> None:
    series = screen(shared("cxr/dicom"), shared("cxr/not-chest"), "--model", "cxr_osporscreen")
    outcomes = sorted((one["exam"] or "", one["results"][0]["reason"] or "") for one in series)
    assert outcomes == [("", "exam-not-screened"), ("cxr", ""), ("cxr", "age-missing")]


@pytest.mark.usefixtures("small_model")
def test_no_name_or_number_of_the_patient_is_printed(tmp_path: Path) -> None:
    write(tmp_path, film())
    write(tmp_path, film(PatientAge="12", ImageType=["DERIVED"]))
    for extra in ((), ("--json",)):
        done = CliRunner().invoke(app, ["screen", str(tmp_path), *extra])
        assert done.exit_code == 0
        assert "secret" not in done.output.lower()


@pytest.mark.usefixtures("small_model")
def test_the_table_for_people_has_a_row_for_each_series(tmp_path: Path) -> None:
    path = write(tmp_path, film())
    done = CliRunner().invoke(app, ["screen", str(path)], env={"COLUMNS": "160"})
    assert done.exit_code == 0
    assert "cxr_osporscreen" in done.stdout and "flagged" in done.stdout
    assert "normal" not in done.stdout and "negative" not in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-file.dcm"],
        [".", "--model", "no_such_model"],
        [".", "--min-age", "-3"],
        [".", "--clinical", "no-such-table.csv"],
        [".", "--clinical", "BAD"],
        [],
    ],
)
def test_bad_arguments_exit_with_2(tmp_path: Path, arguments: list[str]) -> None:
    table = tmp_path / "bad.csv"
    table.write_text("Name\nX\n")
    given = [
        str(table) if one == "BAD" else str(tmp_path) if one == "." else one for one in arguments
    ]
    assert CliRunner().invoke(app, ["screen", *given]).exit_code == 2


def test_screening_loads_neither_torch_nor_a_network_library(tmp_path: Path) -> None:
    write(tmp_path, cr(PatientAge="030Y", BodyPartExamined="KNEE"))
    program = (
        "import sys\n"
        "from engines.cli import app\n"
        "try:\n"
        f"    app(['screen', {str(tmp_path)!r}, '--json'])\n"
        "except SystemExit as done:\n"
        "    assert done.code == 0, done.code\n"
        "heavy = {'torch', 'pynetdicom', 'sqlalchemy', 'celery'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["series"][0]["results"][0]["reason"] == "exam-not-screened"
