"""A cohort's table: read as it is, split by patients, refused where somebody is on both sides."""

from pathlib import Path

import pytest

pandas = pytest.importorskip("pandas", reason="the bench needs the extra `lab`")

from engines.lab.cohort import (  # noqa: E402
    Cohort,
    CohortError,
    read_cohort,
    virtual_cohort,
    with_splits,
    write_cohort,
)
from engines.lab.labels import lowest_t_score  # noqa: E402
from engines.phantoms.people.draw import draw_person  # noqa: E402


def table(*rows: dict[str, object]) -> Cohort:
    return Cohort(pandas.DataFrame(rows), Path(), "a test")


@pytest.mark.parametrize("name", ["cohort.csv", "cohort.parquet"])
def test_a_table_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    row = {"PatientID": "007", "StudyInstanceUID": "1.20", "StudyDate": "20240105", "t_hip": -1.5}
    write_cohort(table(row, {"PatientID": "008"}), tmp_path / name)
    first, second = read_cohort(tmp_path / name).rows.to_dict("records")
    assert first == row
    assert pandas.isna(second["t_hip"]) and second["PatientID"] == "008"


def test_a_row_without_a_patient_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("PatientID,path\n,a\n")
    with pytest.raises(CohortError, match="PatientID"):
        read_cohort(tmp_path / "c.csv")


@pytest.mark.parametrize("key", ["PatientID", "StudyInstanceUID"])
def test_one_patient_or_study_in_two_splits_is_a_leak(tmp_path: Path, key: str) -> None:
    rows = [{"PatientID": "1", "StudyInstanceUID": "1.1"}, {"PatientID": "2"}]
    rows[1] |= {"StudyInstanceUID": "1.2", key: rows[0][key]}
    shared = table({**rows[0], "split": "train"}, {**rows[1], "split": "test"})
    write_cohort(shared, tmp_path / "c.csv")
    with pytest.raises(CohortError, match="a leak"):
        read_cohort(tmp_path / "c.csv")


def test_patients_are_split_with_all_their_studies_and_keep_a_split_they_have() -> None:
    rows = [{"PatientID": f"{i % 40:03}", "split": None} for i in range(120)]
    rows[3]["split"] = "test"
    found = with_splits(table(*rows), seed=1).rows
    assert (found.groupby("PatientID")["split"].nunique() == 1).all()
    assert (found.loc[found["PatientID"] == "003", "split"] == "test").all()
    assert found.groupby("split")["PatientID"].nunique().to_dict() == {
        "test": 1,
        "train": 29,
        "tune": 10,
    }
    again = with_splits(table(*rows[::-1]), seed=1).rows[::-1].reset_index(drop=True)
    assert (again["split"] == found["split"]).all()


def test_virtual_patients_are_known_to_be_simulated_and_the_first_stay_the_same() -> None:
    cohort = virtual_cohort(4, 7, tuning=2)
    assert cohort.simulated
    assert not table({"PatientID": "1"}).simulated
    assert cohort.rows["split"].tolist() == ["train"] * 4 + ["tune"] * 2
    assert cohort.rows["t_lowest"][0] == draw_person(7_000_000).t_lowest
    longer = virtual_cohort(6, 7).rows.drop(columns="split")
    assert longer.equals(cohort.rows.drop(columns="split"))


def test_the_label_is_the_lowest_of_the_sites_that_were_measured() -> None:
    nan = float("nan")
    assert lowest_t_score({"t_spine": -1.0, "t_neck": nan, "t_hip": -2.6}) == -2.6
    assert lowest_t_score({"t_lowest": -3.0, "t_hip": -1.0}) == -3.0
    assert lowest_t_score({"t_spine": nan}) != lowest_t_score({"t_spine": nan})
