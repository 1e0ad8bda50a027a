"""Fit the spread of size and density on the real tables; the result is kept in ``fitted.py``.

Run ``python -m engines.phantoms.people.fit BoneQuality.csv`` and copy what it prints.

BoneQuality.csv: Kim KY, Kim KM 2022, PLOS ONE 17(1) e0260924, CC BY 4.0: 969 South Koreans of 50 to
93 years with DXA. GLOW: 500 women of the Global Longitudinal Study of Osteoporosis in Women, as in
Hosmer, Lemeshow, Sturdivant 2013 and the R package aplore3.
"""

import csv
import re
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.people.margins import (
    AGE_EDGES,
    REFERENCE_YEARS,
    SCORES,
    Fitted,
    Margin,
    Reference,
)

Column = NDArray[np.float64]

#: Where the table keeps what is fitted.
_COLUMNS = {
    "sex": "Sex(M=1, W=2)",
    "age": "Age(years)",
    "height": "Height(cm)",
    "weight": "Weight(kg)",
    "spine": "L spine BMD(g/cm2)",
    "neck": "Femur neck BMD(g/cm2)",
    "hip": "Total hip BMD(g/cm2)",
    "cortex": "Cortical thicknessT(cm)",
    "t_spine": "Lumbar spine LS T-score",
    "t_neck": "Femur neck T-score",
    "t_hip": "Total hip T-score",
}

_NORMAL = NormalDist()

#: First-year fractures in the whole GLOW: 4122 in 60,393 women over three years (Costa 2013). The
#: table of 500 has 25 %, so women who fractured are weighed down to that.
_GLOW_FRACTURED = 4122 / 60393 / 3


def read_bone_quality(path: Path) -> dict[str, Column]:
    """Read the Korean table, one array a measure; a missing value is NaN."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name: np.array([float(row[column]) if row[column].strip() else np.nan for row in rows])
        for name, column in _COLUMNS.items()
    }


def fit(table: Mapping[str, Column], sex: str) -> Fitted:
    """Fit one sex of the Korean table.

    Parameters
    ----------
    table : mapping
        As `read_bone_quality` gives it.
    sex : {'F', 'M'}
        Which one.

    Returns
    -------
    Fitted
        Rounded as it is kept. Left out are the two persons without a spine T-score, whose spine
        BMD (2.3 and 3.1 g/cm2) no spine has.
    """
    kept = (table["sex"] == (2 if sex == "F" else 1)) & ~np.isnan(table["t_spine"])
    of = {name: column[kept] for name, column in table.items()}
    neck = _least_squares_reference(of["neck"], of["t_neck"])
    excess = of["t_neck"] - (of["neck"] - neck.mean_g_cm2) / neck.sd_g_cm2
    measures = [of["height"] / 100, of["weight"], of["spine"], of["neck"], of["hip"], excess]
    residuals = [column - _line(of["age"], column) for column in measures]
    scores = [_normal_scores(column) for column in residuals]
    correlation: Column = np.asarray(np.corrcoef(np.array(scores)))
    slope, start = np.polyfit(of["neck"], of["cortex"], 1)
    return Fitted(
        age_counts=tuple(int(n) for n in np.histogram(of["age"], [*AGE_EDGES[:-1], 200])[0]),
        margins=tuple(margin(of["age"], column) for column in measures),
        correlation=tuple(tuple(row) for row in np.round(correlation, 3).tolist()),
        spine=_robust_reference(of["spine"], of["t_spine"]),
        neck=neck,
        hip=_robust_reference(of["hip"], of["t_hip"]),
        cortex_cm_per_g_cm2=round(float(slope), 4),
        cortex_cm=round(float(start), 4),
    )


def margin(age: Column, column: Column, weights: Column | None = None) -> Margin:
    """Fit a line over age and the shape of what is left, each person counting by its weight."""
    weights = np.ones(len(age)) if weights is None else weights
    # np.polyfit multiplies residuals, not squares, by its weights
    per_year, mean = np.polyfit(age - REFERENCE_YEARS, column, 1, w=np.sqrt(weights))
    residual = column - (mean + per_year * (age - REFERENCE_YEARS))
    order = np.argsort(residual, kind="stable")
    below = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return Margin(
        mean=round(float(mean), 4),
        per_year=round(float(per_year), 5),
        sd=round(float(np.sqrt(np.average(residual**2, weights=weights))), 4),
        knots=tuple(
            round(float(knot), 4)
            for knot in np.interp([_NORMAL.cdf(z) for z in SCORES], below, residual[order])
        ),
    )


def glow_weights(fractured: NDArray[np.bool_]) -> Column:
    """Weigh the 500 women of GLOW so that they fracture as often as all of them did."""
    part = fractured.mean()
    weights: Column = np.where(
        fractured, _GLOW_FRACTURED / part, (1 - _GLOW_FRACTURED) / (1 - part)
    )
    return weights


def logistic(age: Column, found: NDArray[np.bool_], weights: Column) -> tuple[float, float]:
    """Fit the log odds of a finding over age: at `REFERENCE_YEARS`, and per year."""
    design = np.stack([np.ones(len(age)), age - REFERENCE_YEARS], axis=1)
    beta = np.zeros(2)
    for _ in range(30):
        p = 1 / (1 + np.exp(-design @ beta))
        information = design.T @ (design * (weights * p * (1 - p))[:, None])
        beta = beta + np.linalg.solve(information, design.T @ (weights * (found - p)))
    return round(float(beta[0]), 3), round(float(beta[1]), 4)


def _line(age: Column, column: Column) -> Column:
    slope, start = np.polyfit(age, column, 1)
    line: Column = start + slope * age
    return line


def _normal_scores(column: Column) -> Column:
    """Return the normal score of each value's rank; equal values share their mean rank."""
    _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - counts / 2)[place]
    return np.array([_NORMAL.inv_cdf(part) for part in rank / len(column)])


def _least_squares_reference(bmd: Column, t: Column) -> Reference:
    return _reference(*np.polyfit(bmd, t, 1))


def _robust_reference(bmd: Column, t: Column) -> Reference:
    """Find the line on which most persons lie but for the rounding of T to 0.1.

    Some lie off it (other densitometer, or vertebrae left out: the table does not say).
    """
    line = np.polyfit(bmd, t, 1)
    for _ in range(20):
        distance = np.abs(t - np.polyval(line, bmd))
        near = distance < max(0.1, 2 * float(np.median(distance)))
        line = np.polyfit(bmd[near], t[near], 1)
    return _reference(*line)


def _reference(slope: float, start: float) -> Reference:
    return Reference(round(float(-start / slope), 4), round(float(1 / slope), 4))


def written(fitted: Mapping[str, Fitted]) -> str:
    """Write the constants as they are kept, one margin a paragraph."""
    text = repr(dict(fitted)).replace("'", '"')
    parts = re.split(r" (?=Margin|correlation|spine|cortex_cm_|\"M\")", text)
    return "\n".join(
        textwrap.fill(part, 96, break_long_words=False, subsequent_indent="    ") for part in parts
    )


def main() -> None:
    """Print the constants."""
    table = read_bone_quality(Path(sys.argv[1]))
    sys.stdout.write(written({sex: fit(table, sex) for sex in "FM"}) + "\n")


if __name__ == "__main__":
    main()
