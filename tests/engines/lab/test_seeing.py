"""What is looked at of a cohort: in the patients' order, imaged once, refusals with a reason."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pandas = pytest.importorskip("pandas", reason="the bench needs the extra `lab`")
pytest.importorskip("torch", reason="the bench needs the extra `lab`")

from radiographs import shared  # noqa: E402
from rich.console import Console  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402

from engines.cases import Case  # noqa: E402
from engines.cxr_osporscreen import recipe  # noqa: E402
from engines.errors import NotEligible, Reason  # noqa: E402
from engines.exams import Exam  # noqa: E402
from engines.images import read_radiograph  # noqa: E402
from engines.lab.camera import Camera, Refusal  # noqa: E402
from engines.lab.cohort import Cohort, read_cohort, virtual_cohort, with_splits  # noqa: E402
from engines.lab.evaluation import outputs_of  # noqa: E402
from engines.lab.labels import lowest_t_score  # noqa: E402
from engines.lab.recipes import Filming, Network, Sight  # noqa: E402
from engines.lab.seeing import Look, Seen, see  # noqa: E402
from engines.phantoms.cohort import seeds_of  # noqa: E402
from engines.phantoms.exams import Setting, images  # noqa: E402
from engines.phantoms.people.draw import draw_person  # noqa: E402

QUIET = Console(quiet=True)
LOOK = Look(Exam.CHEST_XRAY, recipe, recipe.CONFIGS["reference"])


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this process: another one takes seconds to begin."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})


def test_cohorts_share_nobody() -> None:
    assert not set(seeds_of(0, 500)) & set(seeds_of(1, 500))


def test_virtual_patients_are_filmed_as_their_recipe_says_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = virtual_cohort(2, 6)
    seen = see(cohort, replace(LOOK, kept=tmp_path), QUIET)
    people = [draw_person(seed) for seed in (6_000_000, 6_000_001)]
    assert seen.labels.tolist() == [
        [float(person.osteoporosis), np.float32(person.t_lowest)] for person in people
    ]
    made_by = seen.rows["Manufacturer"]
    film = np.load(tmp_path / "6000001.npy")
    px = max(film.shape)
    assert 320 <= px < 460 and sorted(tmp_path.iterdir())[1].name == "6000001.npy"
    frontal = next(images(people[1], Exam.CHEST_XRAY, 6_000_001, Setting(film_px=px)))
    assert np.array_equal(film, read_radiograph(frontal).pixels.astype(np.float16))
    assert made_by[1] == frontal.Manufacturer
    monkeypatch.setattr("engines.lab.camera.images", None)
    again = see(cohort, replace(LOOK, kept=tmp_path), QUIET)
    assert np.array_equal(seen.arrays["film"], again.arrays["film"])


def hips(case: Case) -> tuple[Sight, ...]:
    if case.clinical.sex == "M":
        raise NotEligible(Reason.SEX_MISSING, "a test")
    return Sight("L", np.full((2, 3), 1.0)), Sight("R", np.full((2, 3), 2.0))


def test_several_sights_of_a_row_and_a_refusal_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.lab.camera.images", lambda *_: iter(()))
    camera = Camera(Exam.HIP_XRAY, Filming(), tmp_path, tmp_path)
    woman, man = ({"seed": n, "sex": sex} for n, sex in enumerate("FM"))
    made = camera.sights(woman, hips)
    assert isinstance(made, tuple) and [one.site for one in made] == ["L", "R"]
    assert camera.sights(man, hips) == Refusal("sex-missing", "a test")
    kept = camera.sights(woman, lambda _: pytest.fail("looked again"))
    assert isinstance(kept, tuple) and (kept[1].pixels == 2).all()
    assert camera.sights(man, lambda _: pytest.fail("looked again")) == camera.sights(man, hips)


class Multimodal:
    """A recipe of two networks: one sees a film, one reads the row."""

    FILMING = Filming()

    @staticmethod
    def sights(case: Case) -> tuple[Sight, ...]:
        return ()

    @staticmethod
    def prepare(pixels: Any, row: Any, parameters: Any) -> dict[str, np.ndarray]:
        values = {"clinical": np.array([row["age_years"]], np.float32)}
        return values if pixels is None else {**values, "film": pixels}

    @staticmethod
    def labels(row: Any, site: str) -> list[float]:
        return [row["osteoporosis"]]


def test_rows_without_images_teach_what_needs_none_and_unknown_labels_nobody() -> None:
    rows = [
        {"PatientID": "1", "age_years": 60, "osteoporosis": 1.0},
        {"PatientID": "2", "age_years": 70, "osteoporosis": float("nan")},
        {"PatientID": "3", "age_years": 80, "osteoporosis": 0.0},
    ]
    look: Any = Look(Exam.CHEST_XRAY, Multimodal(), {})  # type: ignore[arg-type]
    seen = see(Cohort(pandas.DataFrame(rows), Path(), "a test"), look, QUIET)
    assert seen.arrays["clinical"].tolist() == [[60.0], [80.0]]
    assert seen.rows["row"].tolist() == [0, 2]
    assert seen.left_out["reason"].tolist() == ["label-missing"]


def test_a_network_passes_over_examples_that_lack_its_input() -> None:
    there = {"film": np.array([True, False, True]), "age": np.ones(3, bool)}
    arrays = {"film": np.arange(3.0)[:, None], "age": np.arange(3.0)[:, None]}
    seen = Seen(None, arrays, there, np.zeros((3, 1), np.float32), None)
    lesson: Any = None
    image = Network("image", ("film",), ("p",), lesson, lesson)
    clinical = Network("clinical", ("age",), ("p",), lesson, lesson)
    engines = {"image": lambda a: {"p": a["film"] + 1}, "clinical": lambda a: {"p": a["age"]}}
    found = outputs_of((image, clinical), engines, seen)
    np.testing.assert_array_equal(found["image"]["p"][:, 0], [1, np.nan, 3])
    np.testing.assert_array_equal(found["clinical"]["p"][:, 0], [0, 1, 2])


def test_rows_of_another_exam_are_passed_over() -> None:
    rows = pandas.DataFrame([{"PatientID": "1", "exam": "hip", "path": "nowhere"}])
    with pytest.raises(ValueError, match="no row of the cohort is of cxr"):
        see(Cohort(rows, Path(), "a test"), LOOK, QUIET)


def test_the_real_patients_split_without_a_leak_and_osta_reads_them_as_published(
    tmp_path: Path,
) -> None:
    """969 South Koreans (Kim and Kim 2022); the data stay where they are."""
    told = pandas.read_csv(shared("clinical/BoneQuality.csv"), encoding="utf-8-sig")
    table = pandas.DataFrame(
        {
            "PatientID": [f"{n:04}" for n in range(len(told))],
            "age_years": told["Age(years)"],
            "weight_kg": told["Weight(kg)"],
            "t_spine": told["Lumbar spine LS T-score"],
            "t_neck": told["Femur neck T-score"],
            "t_hip": told["Total hip T-score"],
        }
    )
    table.to_csv(tmp_path / "real.csv", index=False)
    cohort = with_splits(read_cohort(tmp_path / "real.csv"), 0, testing=0.2)
    assert cohort.rows["split"].value_counts().to_dict() == {"train": 533, "tune": 242, "test": 194}
    ill = [lowest_t_score(row) <= -2.5 for row in cohort.rows.to_dict("records")]
    osta = 0.2 * (cohort.rows["weight_kg"] - cohort.rows["age_years"])
    assert sum(ill) == 235 and not cohort.simulated
    assert roc_auc_score(ill, -osta) == pytest.approx(0.808, abs=0.0005)
