"""A site's own thresholds and calibration, fitted on its own patients, as weights to serve."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.lab.aims import threshold_for
from engines.lab.build import Release, write_manifest
from engines.lab.calibrating import Agreement, agreement, calibration_of, out_of_fold
from engines.lab.cohort import Table
from engines.lab.evaluation import Measured
from engines.lab.recipes import Target
from engines.operating_points import Calibration, GroupThreshold, OperatingPoint, written

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]

#: A group with fewer cases of either class keeps the threshold of all.
_FEWEST = 10


@dataclass(frozen=True)
class Wish:
    """What a site wants.

    Attributes
    ----------
    aim, wanted : str, float
        As for :func:`engines.lab.aims.threshold_for`.
    method : str
        ``platt``, ``isotonic``, or ``none``.
    by_sex : bool
        A threshold for women and one for men.
    age_edges_years : tuple of float
        Rising; a threshold for each band between them.
    """

    aim: str = "sensitivity"
    wanted: float = 0.9
    method: str = "platt"
    by_sex: bool = False
    age_edges_years: tuple[float, ...] = ()


@dataclass(frozen=True)
class Local:
    """What came of a wish for one finding.

    Attributes
    ----------
    before, after : Agreement
        Of scores as they were, and of scores calibrated on other patients of the site.
    """

    finding: str
    point: OperatingPoint
    before: Agreement
    after: Agreement | None


def calibrate(measured: Measured, wish: Wish, cohort: str, out: Path) -> list[Local]:
    """Fit a site's own operating points and write weights that use them to ``out / MODEL``.

    Parameters
    ----------
    measured : Measured
        Weights and what they made of the site's cohort.
    wish : Wish
        What is wanted of each target that the weights answer.
    cohort : str
        Its name.
    out : Path
        For the setting ``weights``; may be the run that the weights lie in.

    Raises
    ------
    ValueError
        If the cohort cannot give what is wanted.
    """
    found = [
        _local(measured, target, measured.raw[:, i], wish, cohort)
        for i, target in measured.answered
    ]
    weights, folder = measured.weights, out / measured.weights.model
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, (file, _) in weights.engines.items():
        if folder.resolve() != weights.folder.resolve():
            shutil.copyfile(weights.folder / file, folder / file)
        files[name] = folder / file
    points = {local.finding: local.point for local in found}
    said = json.dumps({name: written(point) for name, point in points.items()}, sort_keys=True)
    # other thresholds make other results, so they must not go by the old version
    version = weights.version.split("+")[0] + f"+{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    release = Release(
        model=weights.model,
        version=version,
        training=weights.training,
        trained_on=weights.trained_on,
        operating_points=points,
        parameters=weights.parameters,
    )
    write_manifest(release, files, folder)
    return found


def _local(measured: Measured, target: Target, scores: Scores, wish: Wish, cohort: str) -> Local:
    truth = target.truth(measured.seen.labels)
    judged = np.isfinite(truth) & np.isfinite(scores)
    told, ill, rows = scores[judged], truth[judged] > 0, measured.seen.rows[judged]
    if not _enough(ill):
        raise ValueError(f"{target.finding}: fewer than {_FEWEST} cases of one class")
    calibration, after = None, None
    values = told
    if wish.method != "none":
        calibration = calibration_of(wish.method, told, ill)
        whose = rows["PatientID"].to_numpy().astype(str)
        after = agreement(out_of_fold(wish.method, told, ill, whose), ill)
        values = np.array([calibration(score) for score in told])
    point = _point(wish, calibration, values, ill, rows)
    people = rows["PatientID"].nunique()
    source = (
        f"{wish.wanted:.0%} {wish.aim} on {people} patients of {cohort} ({int(ill.sum())} with "
    )
    source += target.finding + ")" + (f", calibrated there ({wish.method})" if calibration else "")
    return Local(target.finding, replace(point, source=source), agreement(told, ill), after)


def _point(
    wish: Wish, calibration: Calibration | None, values: Scores, ill: Labels, rows: Table
) -> OperatingPoint:
    groups = []
    for group in _groups(wish):
        sexes = rows["sex"].fillna("") if "sex" in rows else [None] * len(rows)
        ages = rows["age_years"] if "age_years" in rows else [None] * len(rows)
        chosen = np.array([group.is_for(s, a) for s, a in zip(sexes, ages, strict=True)])
        if _enough(ill[chosen]):
            found = threshold_for(wish.aim, wish.wanted, values[chosen], ill[chosen])
            groups.append(replace(group, threshold=_down(found)))
    whole = _down(threshold_for(wish.aim, wish.wanted, values, ill))
    return OperatingPoint(whole, "", calibration, tuple(groups))


def _groups(wish: Wish) -> Sequence[GroupThreshold]:
    sexes = ("F", "M") if wish.by_sex else (None,)
    edges = (0.0, *wish.age_edges_years, inf)
    groups = [GroupThreshold(0.0, sex, *band) for sex in sexes for band in pairwise(edges)]
    return groups if len(groups) > 1 else ()


def _enough(ill: Labels) -> bool:
    return min(int(ill.sum()), int((~ill).sum())) >= _FEWEST


def _down(threshold: float) -> float:
    # rounding must not lose the patient who set it
    return float(np.floor(threshold * 1e6) / 1e6)
