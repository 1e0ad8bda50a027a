"""The same figures for parts of a cohort: age, sex, body size, vendor, view, side."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.lab.cohort import Table
from engines.lab.figures import Figure, Labels, Scores, area_by_ranks, bootstrapped, share

#: Fewer of either class say nothing.
_FEWEST = 5

_BANDS: Final = {
    "age, years": ("age_years", (60.0, 70.0, 80.0)),
    "BMI, kg/m²": ("bmi_kg_m2", (18.5, 25.0, 30.0)),
}
_KINDS: Final = {
    "sex": "sex",
    "vendor": "Manufacturer",
    "view": "ViewPosition",
    "site": "site",
}


@dataclass(frozen=True)
class Subgroup:
    """Figures of a part of a cohort; None where a class has fewer than five cases.

    Attributes
    ----------
    kind, name : str
        E.g. ``age, years`` and ``60 to 69``.
    cases, positive : int
        How many.
    """

    kind: str
    name: str
    cases: int
    positive: int
    auc: Figure | None = None
    sensitivity: Figure | None = None
    specificity: Figure | None = None


def subgroups(rows: Table, scores: Scores, labels: Labels, flagged: Labels) -> list[Subgroup]:
    """Return figures of all, then of each part that the rows tell apart.

    Parameters
    ----------
    rows : DataFrame
        One a case; intervals come from draws of patients.
    scores, labels : ndarray
        Shape (case,).
    flagged : ndarray
        bool, shape (case,).
    """
    found = []
    for kind, name, chosen in _parts(rows):
        truth, told = labels[chosen], scores[chosen]
        cases, positive = len(truth), int(truth.sum())
        if min(positive, cases - positive) < _FEWEST:
            found.append(Subgroup(kind, name, cases, positive))
            continue
        whose = rows["PatientID"].to_numpy()[chosen]
        found.append(
            Subgroup(
                kind,
                name,
                cases,
                positive,
                bootstrapped(area_by_ranks, told, truth, whose),
                _rate(flagged[chosen], truth, whose),
                _rate(~flagged[chosen], ~truth, whose),
            )
        )
    return found


def _parts(rows: Table) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    yield "all", "", np.ones(len(rows), bool)
    values = _with_bmi(rows)
    for kind, (column, edges) in _BANDS.items():
        if column in values:
            yield from _bands(kind, values[column].to_numpy(float), edges)
    for kind, column in _KINDS.items():
        if column not in values:
            continue
        texts = values[column].fillna("").astype(str).to_numpy()
        names = sorted(set(texts) - {""})
        if len(names) > 1:
            yield from ((kind, name, texts == name) for name in names)


def _bands(
    kind: str, numbers: NDArray[np.float64], edges: tuple[float, ...]
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    for low, high in zip((-np.inf, *edges), (*edges, np.inf), strict=True):
        chosen = (numbers >= low) & (numbers < high)
        if chosen.any():
            name = f"below {high:g}" if low == -np.inf else f"{low:g} and more"
            yield kind, name if high in (edges[0], np.inf) else f"{low:g} to {high:g}", chosen


def _with_bmi(rows: Table) -> Any:
    if "bmi_kg_m2" in rows or not {"height_m", "weight_kg"} <= set(rows):
        return rows
    return rows.assign(bmi_kg_m2=rows["weight_kg"] / rows["height_m"] ** 2)


def _rate(right: Labels, of: Labels, whose: NDArray[np.object_]) -> Figure:
    """Return the share of some cases that are right."""
    if right[of].all() or not right[of].any():
        # draws of what is all alike are all alike
        return share(right[of])
    return bootstrapped(lambda s, y: float(s[y].mean()), right.astype(float), of, whose)
