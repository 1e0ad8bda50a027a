"""`osteoscreen-lab phantom` makes whole cohorts: restartable, over all cores, with the truth."""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from pydicom import Dataset, dcmread
from rich.console import Console
from typer.testing import CliRunner
from validators import dciodvfy

from engines.cli import app
from engines.exams import Exam, classify
from engines.images import read_radiograph
from engines.phantoms import exams
from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.radiograph import Exposed, radiograph
from engines.phantoms.dicom.views import View
from engines.phantoms.exams import Setting, images
from engines.phantoms.parallel import for_each_patient
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import Clinic
from engines.phantoms.studies import Order, OtherOrder, write_cohort

QUIET = Console(quiet=True)
SMALL = Setting(film_px=128)
HERE = Path(__file__).parent
OPTIONS = ("--seed", "9", "--exams", "cxr", "--film-px", "128")


def stand_in(visit: Visit, setting: Setting) -> Iterator[Dataset]:
    """Take films of noise at once, where the cohort is tested and not the imager."""
    for view in (View.CHEST_PA, View.CHEST_LATERAL):
        film = np.random.default_rng(visit.seed).random((setting.film_px, setting.film_px))
        yield radiograph(visit, Exposed(film, 0.2, view, 120.0, 2.0))


def work_alone() -> None:
    """Use the stand-in, in this process alone: it is not what other processes would find."""
    exams._IMAGERS[Exam.CHEST_XRAY] = stand_in
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


@pytest.fixture(scope="module", autouse=True)
def _alone() -> Iterator[None]:
    cores, imager = os.sched_getaffinity(0), exams._IMAGERS[Exam.CHEST_XRAY]
    work_alone()
    yield
    os.sched_setaffinity(0, cores)
    exams._IMAGERS[Exam.CHEST_XRAY] = imager


def run(out: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["phantom", str(out), *OPTIONS, *options])


def files_under(out: Path) -> dict[str, str]:
    """Return a hash of each image and of the table."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.suffix in (".dcm", ".csv")
    }


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    result = run(out, "--patients", "3")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(out / "cohort.csv")
    return out


def rows_of(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))


def test_the_table_has_one_row_a_patient_and_the_truth(cohort: Path) -> None:
    rows = rows_of(cohort / "cohort.csv")
    assert len(rows) == 3
    lowest = [min(float(row[site]) for site in ("t_spine", "t_neck", "t_hip")) for row in rows]
    assert [row["osteoporosis"] == "1" for row in rows] == [t <= -2.5 for t in lowest]
    for row in rows:
        person = draw_person(int(row["seed"]))
        assert float(row["t_neck"]) == person.t_neck
        assert float(row["trabecular_mg_cm3"]) == person.trabecular_mg_cm3


def test_every_study_of_the_table_is_there_and_is_the_patients(cohort: Path) -> None:
    for row in rows_of(cohort / "cohort.csv"):
        files = list((cohort / row["PatientID"]).rglob("*.dcm"))
        headers = [dcmread(file) for file in files]
        assert len(files) >= 2
        assert {ds.StudyInstanceUID for ds in headers} == {row["cxr_StudyInstanceUID"]}
        assert {ds.PatientID for ds in headers} == {row["PatientID"]}
        assert {ds.PatientAge for ds in headers} == {f"{int(row['age_years']):03d}Y"}
        assert row["mri_StudyInstanceUID"] == ""
        for file, ds in zip(files, headers, strict=True):
            assert classify([ds]) is Exam.CHEST_XRAY
            assert file.stem == str(ds.InstanceNumber) and file.parent.name == str(ds.SeriesNumber)


@pytest.mark.skipif(not find_spec("pyarrow"), reason="Parquet needs the extra `lab`")
def test_the_parquet_table_holds_the_same(cohort: Path) -> None:
    import pyarrow.parquet

    wide = pyarrow.parquet.read_table(cohort / "cohort.parquet").to_pylist()
    rows = rows_of(cohort / "cohort.csv")
    assert [set(one) for one in wide] == [set(one) for one in rows]
    assert [one["osteoporosis"] for one in wide] == [row["osteoporosis"] == "1" for row in rows]


def test_a_cohort_killed_half_way_ends_with_the_same_bytes(cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    code = (
        f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}];"
        "import test_cohort_command as tests, time; tests.work_alone();"
        # slow enough to be killed between two patients
        "film = tests.stand_in; slow = lambda *of: time.sleep(0.2) or film(*of);"
        "tests.exams._IMAGERS[tests.Exam.CHEST_XRAY] = slow;"
        "from engines.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "phantom", str(out), "--patients", "3", *OPTIONS]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 60
    while not list(out.glob("PHANTOM-*/*")) and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert list(out.glob("PHANTOM-*")) and not (out / "cohort.csv").exists()
    assert run(out, "--patients", "3").exit_code == 0
    assert files_under(out) == files_under(cohort)
    assert not (out / ".partial").exists()


def test_an_unfinished_study_is_made_anew(cohort: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / ".partial" / "PHANTOM-09000000-cxr-20200101" / "1"
    unfinished.mkdir(parents=True)
    (unfinished / "1.dcm").write_bytes(b"half a film")
    write_cohort(tmp_path, Order(1, 9, (Exam.CHEST_XRAY,), SMALL), QUIET)
    made = {name: sha for name, sha in files_under(tmp_path).items() if name.endswith(".dcm")}
    assert made and made.items() <= files_under(cohort).items()


def test_what_is_there_is_not_made_again(cohort: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in cohort.rglob("*.dcm")}
    table = (cohort / "cohort.csv").read_bytes()
    assert run(cohort, "--patients", "3").exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in cohort.rglob("*.dcm")} == before
    assert (cohort / "cohort.csv").read_bytes() == table


def test_another_seed_or_flaw_does_not_go_into_the_same_folder(cohort: Path) -> None:
    for order in (
        Order(1, 10, (Exam.CHEST_XRAY,), SMALL),
        Order(1, 9, (Exam.CHEST_XRAY,), Setting(frozenset({Flaw.DERIVED}), 128)),
    ):
        with pytest.raises(OtherOrder, match="another folder"):
            write_cohort(cohort, order, QUIET)


def test_whoever_orders_mri_is_sent_patients_of_the_hip_clinic(tmp_path: Path) -> None:
    ordered = Order(6, 9, (Exam.CHEST_XRAY, Exam.HIP_MRI), SMALL)
    assert ordered.comes_from is Clinic.HIP
    assert Order(6, 9, (Exam.CHEST_XRAY, Exam.HIP_XRAY)).comes_from is Clinic.SCREENING
    result = run(tmp_path, "--patients", "6", "--clinic", "hip-clinic")
    assert result.exit_code == 0
    rows = rows_of(tmp_path / "cohort.csv")
    ill = [row["osteonecrosis_left"] == "1" or row["osteonecrosis_right"] == "1" for row in rows]
    assert 0 < sum(ill) < 6 and any(";" in row["visits_years"] for row in rows)


def test_patients_of_one_folder_come_from_one_clinic(cohort: Path) -> None:
    # the same seed's hips are others in the hip clinic, and both truths cannot be in one table
    result = run(cohort, "--patients", "3", "--exams", "cxr,mri")
    assert result.exit_code == 2 and "--clinic" in result.output.replace("\n", " ")
    assert run(cohort, "--patients", "3", "--clinic", "screening").exit_code == 0


def test_the_table_goes_where_it_is_asked_to(cohort: Path, tmp_path: Path) -> None:
    table = tmp_path / "truth" / "people.csv"
    result = run(cohort, "--patients", "2", "--cohort", str(table))
    assert result.exit_code == 0 and len(rows_of(table)) == 2
    assert rows_of(table) == rows_of(cohort / "cohort.csv")[:2]


def test_the_same_images_come_without_files(cohort: Path) -> None:
    row = rows_of(cohort / "cohort.csv")[0]
    seed = int(row["seed"])
    made = list(images(draw_person(seed), Exam.CHEST_XRAY, seed, SMALL))
    for ds in made:
        [file] = (cohort / row["PatientID"]).glob(f"*/{ds.SeriesNumber}/{ds.InstanceNumber}.dcm")
        assert dcmread(file).PixelData == ds.PixelData
    assert len(made) == 2


def test_a_flaw_on_the_command_line_is_in_every_header(tmp_path: Path) -> None:
    result = run(tmp_path, "--patients", "1", "--flaw", "age-missing", "--flaw", "once-lossy")
    assert result.exit_code == 0
    for file in tmp_path.rglob("*.dcm"):
        ds = dcmread(file)
        assert "PatientAge" not in ds and ds.LossyImageCompression == "01"


@pytest.mark.parametrize("asked", ["knee", "cxr,spine"])
def test_an_unknown_exam_is_told_those_that_there_are(asked: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["phantom", str(tmp_path), "--exams", asked])
    assert result.exit_code == 2 and "cxr" in result.output
    assert list(tmp_path.iterdir()) == []


def test_an_exam_that_nobody_images_yet_is_refused_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(exams._IMAGERS, Exam.HIP_MRI)
    result = CliRunner().invoke(app, ["phantom", str(tmp_path), "--exams", "mri"])
    assert result.exit_code == 2 and "not made yet" in result.output
    assert list(tmp_path.iterdir()) == []


def test_work_on_all_cores_comes_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    seeds = range(5)
    assert list(for_each_patient(draw_person, seeds, "drawing", QUIET)) == [
        draw_person(seed) for seed in seeds
    ]


def test_a_real_film_of_a_virtual_patient_is_one(tmp_path: Path) -> None:
    from engines.phantoms.filming import radiographs

    person = draw_person(5)
    for ds in radiographs(Visit(person, Exam.CHEST_XRAY, 5), 96, frozenset()):
        file = tmp_path / f"{ds.SeriesNumber}.dcm"
        ds.save_as(file, enforce_file_format=True)
        assert [line for line in dciodvfy(file) if "Error" in line] == []
        assert classify([ds]) is Exam.CHEST_XRAY
        film = read_radiograph(dcmread(file))
        assert film.pixels.std() > 0.1 and max(film.pixels.shape) == 96
        assert 100 <= float(ds.KVP) <= 140 and 100 < int(ds.ExposureInuAs) < 50000
        assert float(ds.DistanceSourceToPatient) < float(ds.DistanceSourceToDetector)
