"""Charts of an evaluation as SVG, for one page without scripts."""

import hashlib
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Sheet
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from engines.lab.decision import net_benefit, net_benefit_of_all
from engines.lab.figures import Figure, predictive_values

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]

OURS, OTHER = "#1a5fb4", "#888888"
_SIZE_IN = (4.2, 3.6)
_BINS = 10


def roc(scores: Scores, labels: Labels, flagged: Labels, area: Figure) -> str:
    """Draw the ROC curve with the operating point."""

    def draw(axes: Any) -> None:
        false, true, _ = roc_curve(labels, scores)
        axes.plot(false, true, color=OURS, label=f"AUC {area}")
        axes.plot([0, 1], [0, 1], color=OTHER, lw=0.8, ls=":")
        at = flagged[~labels].mean(), flagged[labels].mean()
        axes.plot(*at, "o", color=OURS, label="operating point")
        axes.set(xlabel="1 - specificity", ylabel="sensitivity")
        axes.legend(loc="lower right", fontsize=7)

    return drawn("ROC", draw)


def precision_recall(scores: Scores, labels: Labels, area: Figure) -> str:
    """Draw precision against recall, beside the share of positives."""

    def draw(axes: Any) -> None:
        precision, recall, _ = precision_recall_curve(labels, scores)
        axes.plot(recall, precision, color=OURS, label=f"average precision {area}")
        axes.axhline(labels.mean(), color=OTHER, lw=0.8, ls=":", label="share of positives")
        axes.set(xlabel="recall (sensitivity)", ylabel="precision (PPV here)", ylim=(0, 1.02))
        axes.legend(loc="lower left", fontsize=7)

    return drawn("Precision and recall", draw)


def calibration(scores: Scores, labels: Labels) -> str:
    """Draw observed shares against scores in tenths of the cases, and where the scores lie."""

    def draw(axes: Any) -> None:
        bins = max(2, min(_BINS, len(scores) // 10))
        observed, told = calibration_curve(labels, scores, n_bins=bins, strategy="quantile")
        axes.plot([0, 1], [0, 1], color=OTHER, lw=0.8, ls=":", label="as it should be")
        axes.plot(told, observed, "o-", color=OURS, ms=4, label="observed, in equal groups")
        axes.plot(scores[labels], np.full(labels.sum(), 1.02), "|", color=OURS, ms=4)
        axes.plot(scores[~labels], np.full((~labels).sum(), -0.02), "|", color=OTHER, ms=4)
        axes.set(xlabel="score", ylabel="observed share", ylim=(-0.06, 1.06))
        axes.legend(loc="lower right", fontsize=7)

    return drawn("Calibration", draw)


def decision(scores: Scores, labels: Labels) -> str:
    """Draw net benefit against that of acting on all and on none."""

    def draw(axes: Any) -> None:
        thresholds = np.linspace(0.01, 0.8, 80)
        prevalence = float(labels.mean())
        axes.plot(thresholds, net_benefit(scores, labels, thresholds), color=OURS, label="score")
        every = net_benefit_of_all(labels, thresholds)
        axes.plot(thresholds, every, color=OTHER, lw=0.8, label="act on all")
        axes.axhline(0, color="black", lw=0.8, label="act on none")
        axes.set(
            xlabel="threshold probability",
            ylabel="net benefit",
            ylim=(-0.25 * prevalence, 1.05 * prevalence),
        )
        axes.legend(loc="upper right", fontsize=7)

    return drawn("Decision curve", draw)


def prevalence(sensitive: float, specific: float) -> str:
    """Draw PPV and NPV over prevalences from 2 to 40 %."""

    def draw(axes: Any) -> None:
        shares = np.linspace(0.02, 0.40, 77)
        values = np.array([predictive_values(sensitive, specific, share) for share in shares])
        axes.plot(shares, values[:, 0], color=OURS, label="PPV")
        axes.plot(shares, values[:, 1], color=OTHER, label="NPV")
        axes.set(xlabel="prevalence", ylabel="predictive value", ylim=(0, 1.02))
        axes.legend(loc="lower right", fontsize=7)

    return drawn("Predictive values at the operating point", draw)


def pictures(images: Sequence[tuple[str, NDArray[np.float32], NDArray[np.float32] | None]]) -> str:
    """Draw images side by side, each with its title and, if there is one, its heat over it.

    Parameters
    ----------
    images : sequence of (title, image, heat)
        Shape (row, column); the heat may be of another size.
    """
    sheet = Sheet(figsize=(2.1 * len(images), 2.5), layout="constrained")
    for axes, (title, image, heat) in zip(
        np.ravel(sheet.subplots(1, len(images), squeeze=False)), images, strict=True
    ):
        extent = (0, image.shape[1], image.shape[0], 0)
        axes.imshow(image, cmap="gray", extent=extent)
        if heat is not None and np.nanmax(heat) > 0:
            axes.imshow(heat, cmap="inferno", extent=extent, alpha=0.4, interpolation="bilinear")
        axes.set_title(title, fontsize=7)
        axes.axis("off")
    return _written(sheet)


def drawn(title: str, draw: Callable[[Any], None]) -> str:
    """Draw one chart with its title, as SVG."""
    sheet = Sheet(figsize=_SIZE_IN, layout="constrained")
    axes = sheet.subplots()
    draw(axes)
    axes.set_title(title, fontsize=9)
    return _written(sheet)


def _written(sheet: Sheet) -> str:
    buffer = io.StringIO()
    # the same evaluation gives the same bytes
    with mpl.rc_context({"svg.hashsalt": "osteoscreen", "svg.fonttype": "none"}):
        sheet.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    # without the notes on vocabularies, whose addresses look like something to fetch
    written = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)
    # parts are called alike in every picture, and a page holds several
    prefix = hashlib.sha256(written.encode()).hexdigest()[:8]
    named = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>p{prefix}-", written)
    return named[named.index("<svg") :]
