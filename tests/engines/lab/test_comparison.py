"""Runs are compared on the very same cases, and cards say whose figures are whose."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pandas = pytest.importorskip("pandas", reason="the bench needs the extra `lab`")
pytest.importorskip("torch", reason="the bench needs the extra `lab`")

from engines.cards import read_weights  # noqa: E402
from engines.cxr_osporscreen.card import CARD  # noqa: E402
from engines.lab.card_page import card_page  # noqa: E402
from engines.lab.comparison import compare, compare_scores  # noqa: E402
from engines.lab.delong import difference  # noqa: E402
from engines.lab.evaluation import Measured  # noqa: E402
from engines.lab.recipes import Target  # noqa: E402
from engines.lab.seeing import Seen  # noqa: E402

RNG = np.random.default_rng(2)
ILL = RNG.random(300) < 0.3
GOOD = 1 / (1 + np.exp(-RNG.normal(2 * ILL - 1, 1.0)))
WORSE = 1 / (1 + np.exp(-RNG.normal(0.5 * ILL, 1.0)))


def measured(scores: np.ndarray, keep: slice = slice(None)) -> Measured:
    rows = pandas.DataFrame(
        {"PatientID": [f"{i // 2}" for i in range(300)], "row": range(300), "site": ""}
    )
    seen = Seen(rows, {}, {}, ILL[:, None].astype(np.float32), pandas.DataFrame())
    recipe: Any = SimpleNamespace(TARGETS=(Target("osteoporosis", 0),))
    chosen = np.zeros(300, bool)
    chosen[keep] = True
    weights = read_weights("cxr_osporscreen")
    return Measured(weights, recipe, seen.only(chosen), {}, scores[chosen, None])


def test_the_worse_run_is_found_out_by_both_tests() -> None:
    first, second = compare("osteoporosis", [("good", measured(GOOD)), ("worse", measured(WORSE))])
    assert first.difference is None and second.difference is not None
    assert second.difference == difference(WORSE, GOOD, ILL) and second.difference.p < 0.001
    assert second.bootstrap is not None and second.bootstrap.high < 0
    assert second.bootstrap.value == pytest.approx(second.difference.value)


def test_only_cases_that_both_scored_are_compared() -> None:
    unsure = np.where(np.arange(300) < 20, np.nan, WORSE)
    runs = [("good", measured(GOOD, slice(0, 200))), ("unsure", measured(unsure))]
    assert [one.cases for one in compare("osteoporosis", runs)] == [200, 180]


def test_a_runs_own_scores_are_compared_on_the_cases_that_have_all_of_them() -> None:
    rows = measured(GOOD).seen.rows
    for name, scores in (("fused", GOOD), ("film alone", WORSE)):
        rows[f"truth {name}"], rows[f"score {name}"] = ILL.astype(float), scores
    rows.loc[:19, "score fused"] = np.nan
    fused, alone = compare_scores(rows, ["fused", "film alone"])
    assert fused.cases == alone.cases == 280 and fused.difference is None
    assert alone.difference == difference(WORSE[20:], GOOD[20:], ILL[20:])


def test_a_finding_that_a_run_does_not_have_is_named() -> None:
    with pytest.raises(ValueError, match="has no hip fracture"):
        compare("hip fracture", [("good", measured(GOOD))])


def test_a_card_tells_the_papers_figures_from_ours() -> None:
    weights = read_weights("cxr_osporscreen")
    (found,) = measured(GOOD).evaluations()
    page = card_page(CARD, weights, [("150 people of a site", False, found)])
    paper, ours = page.split("## Measured here [ours]")
    assert "0.91 (0.90 to 0.92)" in paper and "0.91 (0.90 to 0.92)" not in ours
    assert "150 people of a site" in ours and str(found.auc) in ours
    assert "simulated patients: for research" in page and weights.sha256 in page
    assert "Nothing was measured" in card_page(CARD, replace(weights, version="9"))
