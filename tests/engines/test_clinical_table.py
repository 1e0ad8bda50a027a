"""A site's table is read strictly, and its errors quote no value."""

from pathlib import Path

import pytest
from radiographs import cr

from engines.cases import Clinical
from engines.clinical_table import ClinicalTableError, read_clinical_table


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "clinical.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_values_are_found_by_the_key_that_the_table_has(tmp_path: Path) -> None:
    path = table(tmp_path, "PatientID,age_years,sex,weight_kg\nA1,71.5,f,\nSECRET-1,66,M,80\n")
    found = read_clinical_table(path)
    assert found.key == "PatientID" and len(found.rows) == 2
    assert found.rows["A1"] == Clinical(age_years=71.5, sex="F")
    assert found.find(cr()) == Clinical(age_years=66, sex="M", weight_kg=80)
    assert found.find(cr(PatientID="other")) is None


def test_the_study_comes_before_the_patient_as_key(tmp_path: Path) -> None:
    ds = cr()
    path = table(tmp_path, f"PatientID,StudyInstanceUID,sex\nX,{ds.StudyInstanceUID},F\n")
    found = read_clinical_table(path)
    assert found.key == "StudyInstanceUID" and found.find(ds) == Clinical(sex="F")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PatientID,Alter\nA,7\n", "unknown column 'Alter'"),
        ("age_years,sex\n70,F\n", "no column says whose"),
        ("", "no column says whose"),
        ("PatientID,age_years\nA,old77\n", "line 2: age_years must be a number"),
        ("PatientID,age_years\nA,177\n", "line 2: age_years must be a number, 0 to 120"),
        ("PatientID,height_m\nA,182\n", "line 2: height_m"),
        ("PatientID,weight_kg\nA,nan\n", "line 2: weight_kg"),
        ("PatientID,sex\nA,W77\n", "line 2: sex must be F, M or empty"),
        ("PatientID,sex\nA,F\nA,M\n", "line 3: this PatientID came before"),
        ("PatientID,sex\n,F\n", "line 2: PatientID is empty"),
        ("PatientID,sex\nA,F,77\n", "line 2: more cells than columns"),
    ],
)
def test_an_unusable_table_is_named_by_line_and_column(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ClinicalTableError, match=message) as caught:
        read_clinical_table(table(tmp_path, text))
    assert "77" not in str(caught.value)


def test_a_table_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "clinical.csv"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ClinicalTableError, match="cannot be read"):
        read_clinical_table(path)
