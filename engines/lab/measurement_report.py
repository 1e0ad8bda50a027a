"""What an evaluation tells of something measured: each published threshold, and agreement."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.lab import charts
from engines.lab.figures import sensitivity, specificity
from engines.lab.recipes import Target, threshold_words

Numbers = NDArray[np.float64]
Labels = NDArray[np.bool_]

#: Normal quantile of the limits of agreement (Bland 1986).
_Z95 = 1.96


def judged_by(target: Target, scores: Numbers, ill: Labels) -> list[tuple[object, ...]]:
    """Return what each published threshold flags: words, how many, sensitivity, specificity.

    Parameters
    ----------
    target : Target
        With thresholds, in its unit.
    scores : ndarray
        float64, shape (case,): negative values.
    ill : ndarray
        bool, shape (case,); both classes present.
    """
    rows: list[tuple[object, ...]] = []
    for at in target.published:
        found = sensitivity(scores, ill, -at), specificity(scores, ill, -at)
        flagged = f"{int((scores >= -at).sum())} of {len(scores)}"
        rows.append((threshold_words(-at, target.unit), flagged, *found))
    return rows


def agreed_with(
    target: Target, values: Numbers, reference: Numbers
) -> tuple[list[tuple[str, str]], str]:
    """Return bias and limits of agreement (Bland 1986) with their figure.

    Parameters
    ----------
    target : Target
        Whose unit.
    values, reference : ndarray
        float64, shape (case,): the same thing by two means.
    """
    off = values - reference
    bias, sd = float(off.mean()), float(off.std(ddof=1)) if len(off) > 1 else float("nan")
    limits = bias - _Z95 * sd, bias + _Z95 * sd
    figures = [
        ("cases", str(len(off))),
        ("bias", f"{bias:+.1f}"),
        ("SD", f"{sd:.1f}"),
        ("95 % limits of agreement", f"{limits[0]:+.1f} to {limits[1]:+.1f}"),
    ]

    def draw(axes: Any) -> None:
        axes.plot((values + reference) / 2, off, "o", color=charts.OURS, ms=4, alpha=0.7)
        for at in (bias, *limits):
            axes.axhline(at, color=charts.OTHER, lw=0.8, ls="-" if at == bias else "--")
        axes.set(xlabel=f"mean of both, {target.unit}", ylabel="measured - reference")

    return figures, charts.drawn("Agreement (Bland and Altman)", draw)
