"""What the clinical branch is told, what each value adds, and how two scores become one."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.cards import read_weights
from engines.cases import Clinical
from engines.cxr_multimodal.clinical import (
    VALUES,
    attributions,
    encoded,
    fitted_weight,
    fuse,
    missing,
    probability,
)
from engines.cxr_multimodal.model import CLINICAL_BRANCH, LOG_ODDS
from engines.cxr_multimodal.model import VALUES as ARRAY
from engines.lab.figures import auc
from engines.phantoms.people.fit import read_bone_quality
from engines.runtime.ort import OrtEngine

WEIGHTS = read_weights("cxr_multimodal")
ENGINE = OrtEngine(WEIGHTS.folder / WEIGHTS.engines[CLINICAL_BRANCH][0])
TABLE = Path(__file__).parents[4] / "shared" / "data" / "clinical" / "BoneQuality.csv"
WOMAN = Clinical(age_years=74.0, sex="F", height_m=1.55, weight_kg=52.0)


def branch(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(ENGINE({ARRAY: rows})[LOG_ODDS][:, 0], np.float64)


def odds_of(**changes: object) -> float:
    known = {name: getattr(WOMAN, name) for name in ("age_years", "sex", "height_m", "weight_kg")}
    return float(branch(encoded(Clinical(**{**known, **changes}))[None])[0])


def test_a_missing_value_is_told_apart_from_every_value() -> None:
    row = encoded(Clinical(age_years=60.0, sex="M"))
    assert row.tolist() == [60, 0, 0, 0, 1, 1, 0, 0]
    assert encoded(WOMAN).tolist()[1:] == pytest.approx([1, 1.55, 52, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("height", "weight", "alone"),
    [(None, None, True), (1.6, None, False), (None, 60.0, False), (1.6, 60.0, False)],
)
def test_the_film_stands_alone_where_nothing_is_known_beyond_age_and_sex(
    height: float | None, weight: float | None, alone: bool
) -> None:
    assert missing(Clinical(70.0, "F", height, weight)) is alone


def test_shares_add_up_to_the_patients_log_odds_less_those_of_nobody() -> None:
    row, nobody = encoded(WOMAN), np.zeros((1, 8), np.float32)
    shares = attributions(row, branch)
    assert tuple(shares) == VALUES
    wanted = branch(row[None])[0] - branch(nobody)[0]
    assert sum(shares.values()) == pytest.approx(wanted, abs=1e-5)
    assert max(map(abs, shares.values())) > 0.2


def test_a_value_that_is_missing_adds_nothing() -> None:
    shares = attributions(encoded(Clinical(70.0, "F", None, 50.0)), branch)
    assert shares["height"] == 0.0 and shares["weight"] != 0.0


def test_where_values_do_not_act_together_a_share_is_the_values_own_term() -> None:
    terms = np.array([0.01, 0.5, 2.0, -0.03])
    row = encoded(WOMAN)
    shares = attributions(row, lambda rows: rows[:, :4].astype(np.float64) @ terms)
    assert list(shares.values()) == pytest.approx((row[:4] * terms).tolist(), rel=1e-5)


def test_age_adds_and_weight_takes_away() -> None:
    assert odds_of(age_years=85.0) > odds_of() > odds_of(age_years=55.0)
    assert odds_of(weight_kg=40.0) > odds_of() > odds_of(weight_kg=80.0)
    assert odds_of() > odds_of(sex="M")


def test_the_weight_goes_to_the_score_that_knows() -> None:
    draw = np.random.default_rng(0)
    ill = draw.random(400) < 0.3
    knows = np.where(ill, 0.8, 0.1)
    guesses = draw.random(400)
    assert fitted_weight(knows, guesses, ill) > 0.9
    assert fitted_weight(guesses, knows, ill) < 0.1
    between = fitted_weight(knows + draw.normal(0, 0.1, 400), knows[::1], ill)
    assert 0 <= between <= 1


def test_a_fused_score_lies_between_the_two() -> None:
    one, other = probability(np.array([-2.0, 3.0])), probability(np.array([1.0, 1.0]))
    fused = fuse(one, other, 0.3)
    assert np.all(fused >= np.minimum(one, other)) and np.all(fused <= np.maximum(one, other))
    assert fuse(one, other, 1.0).tolist() == one.tolist()


@pytest.mark.skipif(not TABLE.exists(), reason="no ../shared/data/clinical beside this checkout")
def test_on_the_real_patients_the_released_branch_is_above_osta() -> None:
    # on those it was trained with: that it is these patients' branch, and no figure of its worth
    read = read_bone_quality(TABLE)
    lowest = np.fmin.reduce([read["t_spine"], read["t_neck"], read["t_hip"]])
    columns = [read["age"], read["sex"] == 2, read["height"] / 100, read["weight"]]
    rows = np.hstack([np.column_stack(columns), np.ones((len(lowest), 4))]).astype(np.float32)
    ill = lowest <= -2.5
    osta = auc(read["age"] - read["weight"], ill).value
    assert osta == pytest.approx(0.81, abs=0.01)
    assert auc(branch(rows), ill).value > osta + 0.01


def test_no_row_of_the_real_table_is_kept_here() -> None:
    if not TABLE.exists():
        pytest.skip("no ../shared/data/clinical beside this checkout")
    with TABLE.open(encoding="utf-8-sig", newline="") as file:
        bones = {row["Femur neck BMD(g/cm2)"].encode() for row in csv.DictReader(file)}
    there = list(WEIGHTS.folder.iterdir())
    assert len(bones) > 900
    assert not [path for path in there if any(bone in path.read_bytes() for bone in bones)]
