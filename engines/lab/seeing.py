"""From the rows of a cohort to what networks are shown and what is true."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from engines.exams import Exam
from engines.lab.camera import Camera, Refusal, Shower, device_of, known
from engines.lab.cohort import Cohort, Table
from engines.lab.recipes import Array, Recipe, Row
from engines.phantoms.parallel import for_each_patient


@dataclass(frozen=True)
class Seen:
    """What of a cohort was seen.

    Attributes
    ----------
    rows : DataFrame
        One an example: the cohort's columns, ``site``, and ``row``, counted from 0.
    arrays : mapping of str to ndarray
        By name of a network's input, shape (example, ...); zeros where ``there`` is false.
    there : mapping of str to ndarray
        bool, shape (example,): which examples have that input.
    labels : ndarray
        float32, shape (example, label).
    left_out : DataFrame
        Rows of the cohort without an example: with ``reason`` and ``detail``.
    """

    rows: Table
    arrays: Mapping[str, Array]
    there: Mapping[str, NDArray[np.bool_]]
    labels: NDArray[np.float32]
    left_out: Table

    def only(self, chosen: NDArray[np.bool_]) -> "Seen":
        """Return some of the examples."""
        return replace(
            self,
            rows=self.rows[chosen].reset_index(drop=True),
            arrays={name: array[chosen] for name, array in self.arrays.items()},
            there={name: there[chosen] for name, there in self.there.items()},
            labels=self.labels[chosen],
        )


@dataclass(frozen=True)
class Look:
    """How the rows of a cohort are looked at.

    Attributes
    ----------
    exam : Exam
        What the model reads.
    recipe : Recipe
        Whose ``sights`` and ``prepare``.
    parameters : mapping
        Of a configuration or of weights.
    kept : Path, optional
        Folder for sights; what lies there is not made again. One folder for one model, one release.
    """

    exam: Exam
    recipe: Recipe
    parameters: Mapping[str, Any]
    kept: Path | None = None


def see(cohort: Cohort, look: Look, console: Console) -> Seen:
    """Look at every study of a cohort.

    Returns
    -------
    Seen
        In the order of the cohort; held in memory.

    Raises
    ------
    ValueError
        If nothing can be seen of any row.
    """
    if look.kept:
        look.kept.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = [
        row
        for row in cohort.rows.to_dict("records")
        if not known(row, "exam") or row["exam"] == str(look.exam)
    ]
    recipe = look.recipe
    camera = Camera(look.exam, recipe.FILMING, cohort.home, look.kept)
    work = Shower(camera, recipe.sights, recipe.prepare, dict(look.parameters))
    examples, labels, seen, left_out = [], [], [], []
    looks = for_each_patient(work, rows, "looking", console)
    for number, (row, found) in enumerate(zip(rows, looks, strict=True)):
        if isinstance(found, Refusal):
            left_out.append({**row, "reason": found.reason, "detail": found.detail})
            continue
        by = device_of(row, look.exam)
        for site, arrays in found:
            told = list(recipe.labels(row, site))
            if np.isnan(told).all():
                left_out.append({**row, "site": site, "reason": "label-missing", "detail": ""})
                continue
            seen.append(arrays)
            labels.append(told)
            examples.append({**by, **row, "site": site, "row": number})
    if not examples and not left_out:
        raise ValueError(f"no row of the cohort is of {look.exam}")
    if not examples:
        most = Counter(str(row["reason"]) for row in left_out).most_common(1)[0]
        raise ValueError(f"nothing to look at in {len(rows)} rows: {most[0]} in {most[1]} of them")
    frame = type(cohort.rows)
    names = list(dict.fromkeys(name for arrays in seen for name in arrays))
    return Seen(
        frame(examples),
        {name: _stacked(seen, name) for name in names},
        {name: np.array([name in arrays for arrays in seen]) for name in names},
        np.array(labels, np.float32),
        frame(left_out),
    )


def _stacked(seen: Sequence[Mapping[str, Array]], name: str) -> Array:
    like = next(arrays[name] for arrays in seen if name in arrays)
    empty = np.zeros_like(like)
    return np.stack([arrays.get(name, empty) for arrays in seen])
