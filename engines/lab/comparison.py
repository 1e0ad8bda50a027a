"""Two or more runs on the same patients: which separates better, and is it more than chance?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from engines.lab.cohort import Table as Frame
from engines.lab.delong import Difference, difference
from engines.lab.evaluation import Measured
from engines.lab.figures import Figure, area_by_ranks, auc

Numbers = NDArray[np.float64]

_DRAWS = 1000
_KEYS = ["PatientID", "row", "site"]


@dataclass(frozen=True)
class Compared:
    """One run against the first.

    Attributes
    ----------
    name : str
        The run's.
    cases : int
        Examples that both scored.
    auc : Figure
        Of this run, with DeLong's interval.
    difference : Difference or None
        Of its AUC from the first's on the same cases, by DeLong's paired test; None for the first.
    bootstrap : Figure or None
        The same difference, with its interval over 1,000 draws of patients.
    """

    name: str
    cases: int
    auc: Figure
    difference: Difference | None = None
    bootstrap: Figure | None = None


def compare(finding: str, runs: Sequence[tuple[str, Measured]]) -> list[Compared]:
    """Compare runs on a finding that all of them have a score for.

    Parameters
    ----------
    finding : str
        What they are compared on.
    runs : sequence of (name, Measured)
        All on the same cohort; each is held against the first on the cases both scored.

    Raises
    ------
    ValueError
        If a run has no such finding, or two share no cases.
    """
    scored = [(name, _scored(finding, measured)) for name, measured in runs]
    found: list[Compared] = []
    for name, mine in scored:
        both = scored[0][1].merge(mine, on=_KEYS, suffixes=("_first", ""), validate="1:1")
        found.append(_compared(name, both, is_first=not found))
    return found


def compare_scores(rows: Frame, findings: Sequence[str]) -> list[Compared]:
    """Compare the scores of one run with each other, e.g. of two branches and of both fused.

    Parameters
    ----------
    rows : DataFrame
        As :func:`engines.lab.evaluation.scores_table` makes it; where the run was cross-validated,
        each patient's scores are of networks that never saw that patient.
    findings : sequence of str
        Names of scores of one truth; each is held against the first, on the cases that have all.

    Raises
    ------
    ValueError
        If no cases of both classes have all scores.
    """
    whole = rows.dropna(subset=[f"{what} {one}" for one in findings for what in ("truth", "score")])
    found: list[Compared] = []
    for name in findings:
        both = whole[_KEYS].copy()
        both["truth"] = whole[f"truth {findings[0]}"]
        both["score"], both["score_first"] = whole[f"score {name}"], whole[f"score {findings[0]}"]
        found.append(_compared(name, both, is_first=not found))
    return found


def _compared(name: str, both: Frame, is_first: bool) -> Compared:
    """Hold a score against the first on cases that have both."""
    ill = both["truth"].to_numpy(float) > 0
    if not 0 < ill.sum() < len(ill):
        raise ValueError(f"{name} and what it is held against share no cases of both classes")
    score = both["score"].to_numpy(float)
    area = auc(score, ill)
    if is_first:
        return Compared(name, len(both), area)
    first = both["score_first"].to_numpy(float)
    drawn = _bootstrap(np.stack([score, first]), ill, both["PatientID"].to_numpy(str))
    return Compared(name, len(both), area, difference(score, first, ill), drawn)


def comparison_table(title: str, found: Sequence[Compared]) -> Table:
    """Lay out a comparison."""
    table = Table(title=title)
    columns = ("score", "cases", "AUC (DeLong)", "against the first (paired DeLong)", "(bootstrap)")
    for column in columns:
        table.add_column(column)
    for one in found:
        apart = [str(one.difference), str(one.bootstrap)] if one.difference else ["", ""]
        table.add_row(one.name, str(one.cases), str(one.auc), *apart)
    return table


def _scored(finding: str, measured: Measured) -> Frame:
    """Return a table of the cases that have truth and score."""
    places = {target.finding: i for i, target in measured.answered}
    if finding not in places:
        raise ValueError(f"{measured.weights.model} has no {finding}; it has {', '.join(places)}")
    i = places[finding]
    rows = measured.seen.rows[_KEYS].copy()
    rows["truth"] = measured.recipe.TARGETS[i].truth(measured.seen.labels)
    # as it comes from the network: an isotonic calibration makes ties
    rows["score"] = measured.raw[:, i]
    return rows.dropna()


def _bootstrap(scores: Numbers, ill: NDArray[np.bool_], whose: NDArray[np.str_]) -> Figure:
    people, member = np.unique(whose, return_inverse=True)
    cases = [np.flatnonzero(member == i) for i in range(len(people))]
    rng = np.random.default_rng(0)
    found = []
    for _ in range(_DRAWS):
        drawn = np.concatenate([cases[i] for i in rng.integers(0, len(people), len(people))])
        if 0 < ill[drawn].sum() < len(drawn):
            areas = [area_by_ranks(one[drawn], ill[drawn]) for one in scores]
            found.append(areas[0] - areas[1])
    low, high = np.quantile(found, [0.025, 0.975])
    whole = area_by_ranks(scores[0], ill) - area_by_ranks(scores[1], ill)
    return Figure(whole, float(low), float(high))
