"""Is what `onfh_mri` says of a whole MRI what it says of the coarse hips that it is trained on?

``python -m bench.scored_mris WEIGHTS --patients 8`` takes whole virtual studies of a hip clinic (T1
and STIR of the pelvis, the first visit), half of the patients ill, sends the T1 through the methods
of service, and beside it the images about the heads that training makes of the same bodies. Twenty
seconds of a core and more for each.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from pydicom import Dataset
from rich.console import Console
from rich.table import Table

from engines.cards import Weights, read_weights
from engines.cases import read_case
from engines.errors import BadSeries, NotEligible
from engines.exams import Exam
from engines.mr_sequence import Weighting, weighting
from engines.onfh_mri import model
from engines.onfh_mri.films import taken
from engines.phantoms.cohort import seeds_of
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.exams import study
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import Clinic
from engines.runtime import Run
from engines.runtime.loading import load


def visits(seed: int, patients: int) -> Iterator[Visit]:
    """Yield the first visits of the first patients of a seed, as many ill as sound."""
    drawn = [draw_person(one, Clinic.HIP.population) for one in seeds_of(seed, 20 * patients)]
    half = patients // 2
    ill = islice((one for one in drawn if one.osteonecroses), half)
    sound = islice((one for one in drawn if not one.osteonecroses), patients - half)
    for person in (*ill, *sound):
        yield Visit(person, Exam.HIP_MRI, person.seed)


def is_t1(ds: Dataset) -> bool:
    """Tell whether an image is of the series that the weights know."""
    return weighting(ds) is Weighting.T1


def told(run: Run, weights: Weights, images: Iterable[Dataset]) -> dict[str, str]:
    """Return what service says of each side."""
    try:
        case = read_case(Exam.HIP_MRI, tuple(images))
        model.eligible(case)
        found = model.screen(case, run, weights)
    except (NotEligible, BadSeries) as verdict:
        return dict.fromkeys("LR", str(verdict.reason))
    scores = {one.laterality: f"{one.probability:.3f}" for one in found.findings}
    sides = {side: f"{model.SITE}, {name}" for side, name in model.SIDES.items()}
    aside = dict(found.set_aside)
    return {side: scores.get(side) or aside[sides[side]] for side in "LR"}


def main(
    weights: Annotated[Path | None, typer.Argument(exists=True, file_okay=False)] = None,
    patients: int = 8,
    seed: int = 99,
) -> None:
    """Print the table."""
    read = read_weights("onfh_mri", weights)
    engines = {name: load(read.folder / file) for name, (file, _) in read.engines.items()}

    def run(name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return engines[name](arrays)

    point = read.operating_points[model.FINDING].threshold
    table = Table("hip", "truth", "whole MRI", "training's images", title=f"threshold {point}")
    for visit in visits(seed, patients):
        whole, coarse = (
            told(run, read, images) for images in (filter(is_t1, study(visit)), taken(visit))
        )
        ill = {one.side for one in visit.person.osteonecroses}
        for side in "LR":
            truth = "ill" if side in ill else "sound"
            cells = f"{visit.person.seed} {side}", truth, whole[side], coarse[side]
            table.add_row(*cells)
            Console(stderr=True).print(*cells, sep=" | ")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
