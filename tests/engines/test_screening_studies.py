"""`osteoscreen-lab screen` over CT studies: the best series of each, and why not the others."""

import json

import ct_studies
import pytest
from ct_studies import ct_series, ct_study, mixed
from radiographs import write
from typer.testing import CliRunner

from engines import catalog, screening
from engines.cards import read_weights
from engines.cli import app
from engines.errors import Reason


@pytest.fixture
def screened(tmp_path, monkeypatch):
    """Return a command that screens some series in one folder, by series number."""
    weights = ct_studies.write_manifest(tmp_path / "weights")
    monkeypatch.setattr(catalog, "MODELS", (ct_studies,))
    monkeypatch.setattr(screening, "read_weights", lambda name, _: read_weights(name, weights))

    def screen(*series, **options):
        for ds in mixed(series) if series else ():
            (tmp_path / "images").mkdir(exist_ok=True)
            write(tmp_path / "images", ds)
        said = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        done = CliRunner().invoke(app, ["screen", str(tmp_path / "images"), *said, "--json"])
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)["series"]
        return {one["SeriesInstanceUID"].rpartition(".")[2]: one for one in found}

    return screen


def outcomes(found):
    return {
        number: [(result["state"], result["reason"]) for result in one["results"]]
        for number, one in found.items()
    }


def test_one_series_of_a_study_is_measured_and_each_other_says_why_not(screened):
    _, series = ct_study()
    found = screened(*series.values())
    assert outcomes(found) == {
        "1": [("skipped", Reason.LOCALIZER)],
        "2": [("skipped", Reason.ANOTHER_SERIES_CHOSEN)],
        "3": [("screened", None)],
        "4": [("skipped", Reason.KERNEL_TOO_SHARP)],
        "5": [("skipped", Reason.SCREENSHOT)],
    }
    best, second = (found[number]["appraisal"]["score"] for number in ("3", "2"))
    assert f"score {best:g}, this one {second:g}" in found["2"]["results"][0]["detail"]
    assert found["4"]["appraisal"] is None


def test_the_next_best_is_measured_where_the_best_cannot_be(screened):
    study, series = ct_study()
    empty = ct_series(study, 6, count=40, empty=True)
    assert outcomes(screened(empty, series["native"], series["venous"])) == {
        "6": [("failed", Reason.SPINE_NOT_FOUND)],
        "3": [("screened", None)],
        "2": [("skipped", Reason.ANOTHER_SERIES_CHOSEN)],
    }


def test_two_studies_in_one_folder_are_two_choices(screened):
    first, second = ct_series(ct_study()[0], 1), ct_series(ct_study()[0], 2)
    assert set(map(str, outcomes(screened(first, second)).values())) == {"[('screened', None)]"}


def test_a_patient_below_the_minimum_age_is_skipped_unless_the_minimum_is_lower(screened):
    study, _ = ct_study()
    young = [ct_series(study, n, count=8 + n, PatientAge="038Y") for n in (1, 2)]
    assert outcomes(screened(*young)) == {
        "1": [("skipped", Reason.ANOTHER_SERIES_CHOSEN)],
        "2": [("skipped", Reason.AGE_BELOW_MINIMUM)],
    }
    assert outcomes(screened(**{"min-age": 18}))["2"] == [("screened", None)]
