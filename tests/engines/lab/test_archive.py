"""A hospital's folder and its DXA results become a cohort, and nobody is left out in silence."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pandas", reason="the bench needs the extra `lab`")

from films import film
from radiographs import cr, write
from typer.testing import CliRunner

from engines.cli import app
from engines.exams import Exam
from engines.lab.archive import build_cohort
from engines.lab.camera import series_of
from engines.lab.cohort import CohortError, read_cohort
from engines.lab.dxa import read_dxa

HEAD = "PatientID,dxa_date,t_spine,t_neck,t_hip,height_m\n"


def dxa(folder: Path, *lines: str) -> Path:
    file = folder / "dxa.csv"
    file.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    return file


def built(images: Path, *lines: str, days: int = 180):
    table = images.parent / "out" / "cohort.csv"
    return build_cohort(images, read_dxa(dxa(images.parent, *lines)), table, days)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


def test_a_study_is_paired_with_the_nearest_dxa_and_keeps_what_both_say(images: Path) -> None:
    write(images, cr(PatientID="0012", StudyDate="20260601", Manufacturer="Acme"))
    found = built(images, "0012,20260101,-1,-1,-1,", "0012,2026-05-20,-1.0,-2.6,,1.58")
    (row,) = found.cohort.rows.to_dict("records")
    assert row["PatientID"] == "0012" and row["exam"] == "cxr" and row["Manufacturer"] == "Acme"
    assert (row["t_lowest"], row["osteoporosis"], row["days_to_dxa"]) == (-2.6, 1, -12)
    assert row["age_years"] == 64 and row["height_m"] == 1.58 and row["ViewPosition"] == "PA"
    assert found.reasons() == {}


@pytest.mark.parametrize(
    ("changes", "line", "reason"),
    [
        ({}, "9,20261101,-1,-1,-1,", "no-dxa-of-this-patient"),
        ({}, "SECRET-1,20250101,-1,-1,-1,", "dxa-outside-the-window"),
        ({}, "SECRET-1,20261101,,,,", "dxa-without-a-t-score"),
        ({"StudyDate": ""}, "SECRET-1,20261101,-1,-1,-1,", "study-date-missing"),
        ({"BodyPartExamined": "KNEE"}, "SECRET-1,20261101,-1,-1,-1,", "exam-not-screened"),
    ],
)
def test_who_is_left_out_is_told_with_the_reason(
    images: Path, changes: dict[str, str], line: str, reason: str
) -> None:
    write(images, cr(**changes))
    found = built(images, line)
    assert found.reasons() == {reason: 1}
    assert len(found.cohort.rows) == 0


def test_a_file_that_is_no_dicom_is_counted(images: Path) -> None:
    (images / "notes.txt").write_text("no image")
    assert built(images, "1,20260101,-1,-1,-1,").reasons() == {"header-unreadable": 1}


@pytest.mark.parametrize("sorted_by_study", [True, False])
def test_the_paths_lead_to_the_study_and_to_no_other(images: Path, sorted_by_study: bool) -> None:
    studies = [cr(PatientID=f"{n}") for n in range(3)]
    for ds in studies:
        home = images / str(ds.PatientID) if sorted_by_study else images
        home.mkdir(exist_ok=True)
        write(home, ds)
        write(home, cr(PatientID=ds.PatientID, StudyInstanceUID=ds.StudyInstanceUID))
    found = built(images, *(f"{n},20261101,-1,-1,-1," for n in range(3)))
    assert len(found.cohort.rows) == 3
    home = found.cohort.home
    home.mkdir()
    for row in found.cohort.rows.to_dict("records"):
        paths = [home / part for part in row["path"].split(";")]
        series = series_of(paths, Exam.CHEST_XRAY)
        assert [one.StudyInstanceUID for one in series] == [row["StudyInstanceUID"]] * 2


@pytest.mark.parametrize(
    "text",
    [
        "PatientID,t_hip\n1,-1\n",
        "PatientID,dxa_date\n1,20260101\n",
        "PatientID,dxa_date,t_hip\n1,yesterday,-1\n",
        "PatientID,dxa_date,t_hip\n1,20260101,-25\n",
        "PatientID,dxa_date,t_hip\n1,20260101,low\n",
    ],
)
def test_a_dxa_table_that_cannot_be_is_refused_without_a_value(tmp_path: Path, text: str) -> None:
    (tmp_path / "dxa.csv").write_text(text)
    with pytest.raises(CohortError) as refused:
        read_dxa(tmp_path / "dxa.csv")
    assert "yesterday" not in str(refused.value) and "25" not in str(refused.value)


def test_from_a_folder_of_films_to_figures_on_one_page(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    lines = []
    for number in range(12):
        ill = number % 2 == 0
        ds = film(number, low_density=ill)
        write(images, ds)
        lines.append(f"{ds.PatientID},{ds.StudyDate},-1,{-3 if ill else 0},-1,")
    write(images, cr(PatientID="PHANTOM-x"))
    results = dxa(tmp_path, *lines, "PHANTOM-x,20261101,-1,-1,-1,")
    table, page = tmp_path / "c.csv", tmp_path / "page.html"
    order = ["cohort", "build", str(images), "--dxa", str(results), "--out", str(table)]
    made = CliRunner().invoke(app, [*order, "--tune", "0", "--test", "0.9"])
    assert made.exit_code == 0 and "13, 6" in made.stdout
    assert read_cohort(table).rows["split"].value_counts()["test"] == 12
    command = ["evaluate", "cxr_osporscreen", "--cohort", str(table), "--report", str(page)]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    text = page.read_text()
    assert "simulated patients" in text and "<script" not in text
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "Jang M et al." in text and "Where it looked" in text
    assert np.char.count(text, "<svg") >= 7
    # whoever reads the page must not learn who the cases are
    assert "PHANTOM-" not in text
