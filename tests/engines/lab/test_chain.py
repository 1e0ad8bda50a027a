"""From a folder of films to a site's own weights in service, by the commands as they are typed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra `lab`")
pytest.importorskip("onnxscript", reason="export needs the extra `lab`")

from films import film
from typer.testing import CliRunner

from engines import validation
from engines.cards import read_weights
from engines.cli import app
from engines.cxr_osporscreen import recipe
from engines.exams import Exam
from engines.lab.camera import Camera
from engines.lab.cohort import CohortError, read_cohort
from engines.lab.recipes import Sight

# torch's exporter uses parts of torch and Python that it has itself deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe that is done at once."""
    monkeypatch.setattr(recipe, "SCHEDULE", replace(recipe.SCHEDULE, epochs=8, batch_size=8))
    monkeypatch.setitem(recipe.CONFIGS["reference"], "input_size_px", 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})


def typed(*words: object) -> str:
    """Run a command as a user types it; return what it printed."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def hospital(home: Path, first: int, patients: int) -> tuple[Path, Path]:
    """Write films and their DXA; every other patient's bones are thin, DXA misses one in six."""
    images, results = home / f"films-{first}", home / f"dxa-{first}.csv"
    images.mkdir()
    lines = ["PatientID,dxa_date,t_spine,t_neck,t_hip,vendor"]
    for number in range(first, first + patients):
        ds, noise = film(number, low_density=number % 2 == 0), np.random.default_rng(number)
        grey = ds.pixel_array + noise.integers(0, 2 ** (ds.BitsStored - 6), ds.pixel_array.shape)
        ds.PixelData = np.minimum(grey, 2**ds.BitsStored - 1).astype(np.uint16).tobytes()
        # in an order that does not hang on chance
        ds.save_as(images / f"{number:03}.dcm", enforce_file_format=True)
        thin = (number % 2 == 0) != (number % 12 in (0, 1))
        lines.append(f"{ds.PatientID},{ds.StudyDate},{-3 if thin else 0},-1,-1,Acme")
    results.write_text("\n".join(lines) + "\n")
    return images, results


def test_from_films_to_a_sites_own_weights_in_service(tmp_path: Path) -> None:
    run, ours, taught = tmp_path / "run", tmp_path / "ours.csv", tmp_path / "taught.csv"
    films, dxa = hospital(tmp_path, 0, 12)
    window = ("--window-days", 180, "--tune", 0.3, "--test", 0)
    typed("cohort", "build", films, "--dxa", dxa, "--out", taught, *window)
    typed("train", "cxr_osporscreen", "--cohort", taught, "--out", run, "--folds", 2)
    released = read_weights("cxr_osporscreen", run)

    films, dxa = hospital(tmp_path, 100, 24)
    typed("cohort", "build", films, "--dxa", dxa, "--out", ours, "--tune", 0, "--test", 0)
    page = tmp_path / "report.html"
    told = typed("evaluate", run, "--cohort", ours, "--report", page)
    assert "24, 12" in told, told
    assert "mean of 12 with it" in page.read_text()
    said = validation.read(page.read_text())
    assert said.difference(released, {}) == "" and said.patients == 24 and said.findings
    told = typed("calibrate", run, "--cohort", ours, "--wanted", 0.8)
    assert "80% sensitivity on 24 patients" in " ".join(told.split())

    served = tmp_path / "weights"
    assert "model.onnx" in typed("export", run, "--out", served)
    weights = read_weights("cxr_osporscreen", served)
    point = weights.operating_points["osteoporosis"]
    assert point.calibration and weights.version.startswith(f"{released.version}+")
    card = typed("card", run, "--cohort", ours)
    assert f"Threshold of osteoporosis: {point.threshold:.4f}" in card
    assert "ours.csv" in card and "24, 12" in card
    told = typed("compare", run, "cxr_osporscreen", "--cohort", ours)
    assert told.count("DeLong") >= 2

    screen = ("screen", next(films.glob("*.dcm")), "--model", "cxr_osporscreen", "--json")
    [series] = json.loads(typed(*screen, "--weights", served))["series"]
    [result], raw = series["results"], scored(run, released.version, *screen)
    assert result["version"] == weights.version
    [finding] = result["findings"]
    assert finding["threshold"] == point.threshold
    assert finding["probability"] == pytest.approx(point.calibration(raw), abs=1e-4)
    with pytest.raises(CohortError, match="a leak"):
        typed("evaluate", run, "--cohort", taught)


def scored(run: Path, version: str, *screen: object) -> float:
    """Return the score of a film before the run was calibrated."""
    file = run / "cxr_osporscreen" / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["operating_points"]["osteoporosis"]["calibration"]
    file.write_text(json.dumps({**manifest, "version": version}))
    [series] = json.loads(typed(*screen, "--weights", run))["series"]
    return float(series["results"][0]["findings"][0]["probability"])


def test_who_is_left_out_of_a_cohort_is_told_and_why(tmp_path: Path) -> None:
    films, dxa = hospital(tmp_path, 0, 6)
    lines = dxa.read_text().splitlines()
    old = lines[2].split(",")
    old[1] = "19990101"
    dxa.write_text("\n".join([lines[0], ",".join(old), *lines[3:]]) + "\n")
    table = tmp_path / "cohort.csv"
    told = typed("cohort", "build", films, "--dxa", dxa, "--out", table, "--window-days", 180)
    assert "dxa-outside-the-window" in told and "no-dxa-of-this-patient" in told
    assert len(read_cohort(table).rows) == 4
    kept = (tmp_path / "cohort.left_out.csv").read_text().splitlines()
    assert len(kept) == 3 and "PHANTOM" not in "".join(kept)


def test_two_tables_that_name_the_same_path_keep_their_own_films(tmp_path: Path) -> None:
    looks = []
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
        home, _ = hospital(tmp_path / name, 0, 1)
        camera = Camera(Exam.CHEST_XRAY, recipe.FILMING, home, tmp_path)
        camera.sights({"path": "000.dcm"}, lambda case: (Sight("", np.zeros(1)),))
        looks.append(len(list(tmp_path.glob("*.npy"))))
    assert looks == [1, 2]
