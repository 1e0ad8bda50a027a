"""Are the femora of virtual patients found where they are, and refused where they must be?

``python -m bench.hip_places --patients 60`` takes pelvis films, plain and with what must be
refused, and holds what was found against where the phantom has its femoral heads.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from engines.anatomy.femur import find_femora
from engines.images import Radiograph
from engines.phantoms.body.build import draw_build
from engines.phantoms.body.extra import Extra
from engines.phantoms.people.draw import draw_person
from engines.phantoms.xray.exposure import Exam
from engines.phantoms.xray.films import Order, take

SHAPE = (520, 640)
KINDS = {"plain": (), "prosthesis": (Extra.HIP_LEFT,), "nail": (Extra.NAIL_LEFT,)}
OUTWARDS = {"L": 1, "R": -1}
#: Further off than this another thing was taken for the hip, mm at the detector.
_ELSEWHERE_MM = 25.0


@dataclass
class Found:
    """What became of the hips of one kind of film."""

    errors_mm: list[float] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)


def look(seed: int, extras: tuple[Extra, ...], found: dict[str, Found]) -> None:
    """Take one pelvis and hold both hips against the truth."""
    person = draw_person(seed)
    film = take(person, seed, Order(Exam.PELVIS, SHAPE, extras=extras))
    pitch_mm = film.geometry.pitch_mm
    shown = Radiograph(film.pixels.astype(np.float32), pitch_mm, "", "", SHAPE, "")
    femora = {femur.outwards: femur for femur in find_femora(shown)}
    build = draw_build(person, lying=True)
    for side, outwards in OUTWARDS.items():
        kind = found["implant" if extras and side == "L" else "plain"]
        row, column, _ = film.geometry.project(build.femoral_head_mm(side)[None])
        if (femur := femora.get(outwards)) is None:
            kind.ends["not found"] += 1
            continue
        error_mm = float(np.hypot(femur.row - row[0], femur.column - column[0])) * pitch_mm
        kind.errors_mm.append(error_mm)
        where = "" if error_mm < _ELSEWHERE_MM else " elsewhere"
        kind.ends[f"{femur.refused or 'read'}{where}"] += 1


def main(
    patients: Annotated[int, typer.Option(min=3)] = 60,
    seed: Annotated[int, typer.Option()] = 70_000_000,
) -> None:
    """Print the table."""
    found = {"plain": Found(), "implant": Found()}
    for number in range(patients):
        look(seed + number, list(KINDS.values())[number % len(KINDS)], found)
    table = Table("hips", "error median, 95th percentile, worst (mm)", "what became of them")
    for name, kind in found.items():
        errors = np.percentile(kind.errors_mm, (50, 95, 100)) if kind.errors_mm else ()
        ends = ", ".join(f"{count} {end}" for end, count in kind.ends.most_common())
        table.add_row(name, ", ".join(f"{error:.1f}" for error in errors), ends)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
