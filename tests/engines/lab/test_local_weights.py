"""A site's own patients set its thresholds; the networks stay as they are."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pandas = pytest.importorskip("pandas", reason="the bench needs the extra `lab`")
pytest.importorskip("torch", reason="the bench needs the extra `lab`")

from engines.cards import read_weights  # noqa: E402
from engines.lab.aims import threshold_for  # noqa: E402
from engines.lab.evaluation import Measured  # noqa: E402
from engines.lab.local_weights import Wish, calibrate  # noqa: E402
from engines.lab.recipes import Target  # noqa: E402
from engines.lab.seeing import Seen  # noqa: E402

SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
ILL = np.array([0, 0, 1, 0, 0, 1, 0, 1, 1, 1], bool)


@pytest.mark.parametrize(
    ("aim", "wanted", "threshold"),
    [
        ("sensitivity", 0.8, 0.6),
        ("specificity", 0.8, 0.6),
        ("specificity", 1.0, 0.8),
        ("flag-rate", 0.3, 0.8),
    ],
)
def test_of_the_thresholds_that_meet_an_aim_the_one_that_finds_most_is_taken(
    aim: str, wanted: float, threshold: float
) -> None:
    assert threshold_for(aim, wanted, SCORES, ILL) == threshold


def test_a_ppv_is_believed_from_ten_flagged_patients_on() -> None:
    assert threshold_for("ppv", 0.5, SCORES, ILL) == 0.1
    with pytest.raises(ValueError, match=r"ppv of 0\.9"):
        threshold_for("ppv", 0.9, SCORES, ILL)
    assert threshold_for("ppv", 0.9, np.repeat(SCORES, 4), np.repeat(ILL, 4)) == 0.8


def site(n: int = 600) -> Measured:
    """A site where scores are too extreme, and women score higher than men of the same risk."""
    rng = np.random.default_rng(1)
    logit = rng.normal(-1, 1.5, n)
    ill = rng.random(n) < 1 / (1 + np.exp(-logit))
    sex = np.where(rng.random(n) < 0.5, "F", "M")
    score = 1 / (1 + np.exp(-(2 * logit + 1.0 * (sex == "F"))))
    rows = pandas.DataFrame(
        {
            "PatientID": [f"{i:04}" for i in range(n)],
            "sex": sex,
            "age_years": rng.uniform(50, 90, n),
        }
    )
    seen = Seen(rows, {}, {}, ill[:, None].astype(np.float32), pandas.DataFrame())
    recipe: Any = SimpleNamespace(TARGETS=(Target("osteoporosis", 0),))
    return Measured(read_weights("cxr_osporscreen"), recipe, seen, {}, score[:, None])


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_scores_become_probabilities_and_thresholds_meet_the_aim(
    tmp_path: Path, method: str
) -> None:
    measured = site()
    wish = Wish("sensitivity", 0.85, method, by_sex=True)
    (found,) = calibrate(measured, wish, "a test", tmp_path)
    assert found.before.slope < 0.7 and found.after is not None
    assert found.after.brier < found.before.brier
    if method == "platt":
        assert found.after.slope == pytest.approx(1, abs=0.1)
    weights = read_weights("cxr_osporscreen", tmp_path)
    point = weights.operating_points["osteoporosis"]
    assert point == found.point and "600 patients of a test" in point.source
    rows, ill = measured.seen.rows, measured.seen.labels[:, 0] > 0
    for sex in ("F", "M"):
        of = (rows["sex"] == sex).to_numpy() & ill
        judged = [point.judge(score, sex, 70.0) for score in measured.raw[of, 0]]
        # what an isotonic step holds comes over the threshold together
        assert 0.85 <= np.mean([v >= t for v, t in judged]) < 0.88
    served = replace(measured, weights=weights).evaluations()[0]
    assert 0.85 <= served.sensitivity.value < 0.88 and served.threshold == point.threshold
    assert len({point.judge(0.5, sex, 70.0)[1] for sex in ("F", "M")}) == 2


def test_the_networks_stay_and_the_version_goes_with_the_thresholds(tmp_path: Path) -> None:
    measured = site()
    calibrate(measured, Wish(), "a test", tmp_path / "a")
    calibrate(measured, Wish(wanted=0.8), "a test", tmp_path / "b")
    one, other = (read_weights("cxr_osporscreen", tmp_path / name) for name in "ab")
    assert one.sha256 == other.sha256 == measured.weights.sha256
    assert len({one.version, other.version, measured.weights.version}) == 3
    assert one.version.startswith(measured.weights.version + "+")
    again = replace(measured, weights=one)
    calibrate(again, Wish(wanted=0.8), "a test", tmp_path / "c")
    assert read_weights("cxr_osporscreen", tmp_path / "c").version == other.version


def test_a_band_with_too_few_patients_keeps_the_threshold_of_all(tmp_path: Path) -> None:
    wish = Wish(age_edges_years=(70.0, 89.9))
    (found,) = calibrate(site(), wish, "a test", tmp_path)
    assert [group.from_age_years for group in found.point.groups] == [0.0, 70.0]
    assert found.point.judge(0.5, "F", 89.95)[1] == found.point.threshold


def test_a_handful_of_patients_sets_no_threshold(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fewer than 10"):
        calibrate(site(12), Wish(), "a test", tmp_path)
