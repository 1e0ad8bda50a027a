"""Is what `ct_multitask` says of a whole CT what it says of the views it is trained on?

``python -m bench.scored_cts RUN|WEIGHTS --patients 6`` images virtual patients whole, half of them
with a fracture of T12 to L4, sends them through the methods of service (levels are found, ribs and
pelvis are there) and beside it looks at the views that training makes of the same bodies, where
levels are given. Twenty seconds of a core and more for each.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from engines.cards import Weights, read_weights
from engines.cases import read_case
from engines.ct_multitask import model
from engines.ct_multitask.inputs import LEVELS, prepared
from engines.ct_multitask.scanned import scanned
from engines.ct_multitask.survival import fracture_free
from engines.errors import BadSeries, NotEligible
from engines.exams import Exam
from engines.lab.cohort import virtual_cohort
from engines.phantoms.ct.protocol import CtProtocol
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Person
from engines.phantoms.scanning import one_ct
from engines.runtime import Run
from engines.runtime.loading import load

SCAN = CtProtocol(matrix=320, field_mm=380.0, noise_hu=10.0)


def fractured(person: Person) -> str:
    """Return the levels that are fractured and shown."""
    return " ".join(f.level for f in person.vertebral_fractures if f.level in LEVELS)


def people(seed: int, patients: int) -> Iterator[Person]:
    """Yield the first of a cohort, as many with a fracture as without."""
    drawn = [draw_person(int(one)) for one in virtual_cohort(40 * patients, seed).rows["seed"]]
    half = patients // 2
    yield from islice((one for one in drawn if fractured(one)), half)
    yield from islice((one for one in drawn if not fractured(one)), patients - half)


def told(run: Run, weights: Weights, views: np.ndarray) -> str:
    """Return both scores of some views."""
    shown, seen = prepared(views)
    found = run(model.ENGINE, {model.VIEWED: shown[None], model.SEEN: seen[None]})
    free = fracture_free(found[model.TIME], weights.parameters)[0]
    return f"{float(found[model.FRACTURE][0, 0]):.3f}, {1 - free[-1]:.3f}"


def whole(run: Run, weights: Weights, person: Person, thick_mm: float) -> str:
    """Return what service makes of a whole CT."""
    protocol = replace(SCAN, slice_thickness_mm=thick_mm, spacing_mm=thick_mm)
    images = tuple(one_ct(Visit(person, Exam.ABDOMEN_CT, person.seed), protocol))
    try:
        case = read_case(Exam.ABDOMEN_CT, images)
        return told(run, weights, model.read(case).views)
    except (NotEligible, BadSeries) as verdict:
        return f"{verdict.reason}: {verdict.detail}"


def main(
    weights: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    patients: int = 6,
    seed: int = 99,
    thick_mm: float = 3.0,
) -> None:
    """Print the table."""
    read = read_weights("ct_multitask", weights)
    [engine] = [load(read.folder / file) for file, _ in read.engines.values()]

    def run(_name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return engine(arrays)

    points = ", ".join(f"{name} {one.threshold}" for name, one in read.operating_points.items())
    table = Table("fractured", "whole CT", "training's views", title=points, highlight=True)
    for person in people(seed, patients):
        views = scanned(person, person.seed)[0].pixels.astype(np.float32)
        cells = whole(run, read, person, thick_mm), told(run, read, views)
        table.add_row(fractured(person) or "no", *cells)
        Console(stderr=True).print(fractured(person) or "no", *cells, sep=" | ")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
