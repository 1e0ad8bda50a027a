"""How many images a second are made, films on one core; ``python -m bench.phantoms`` prints them.

More images are one line each: a name, how many to make, and what makes one of a seed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from engines.phantoms.body.build import draw_build
from engines.phantoms.ct.grid import grid_of
from engines.phantoms.ct.protocol import CtProtocol
from engines.phantoms.ct.volume import ct_volume
from engines.phantoms.people.draw import draw_person
from engines.phantoms.xray.exposure import Exam
from engines.phantoms.xray.films import Order, take

#: Two training films a second on two cores, each of which makes its own.
AIM_PER_SECOND = 1.0

#: A CT of 300 slices in 20 seconds on two cores, which share its slices.
AIM_CTS_PER_SECOND = 1 / 20
SLICES = 300


@dataclass(frozen=True)
class Load:
    """Images of one kind.

    Attributes
    ----------
    name : str
        What is made.
    count : int
        How many are timed; one more is made first, so that templates are drawn.
    make : callable
        Makes one image of a seed.
    aim : float
        Images a second; 0 for none.
    """

    name: str
    count: int
    make: Callable[[int], Any]
    aim: float = 0.0


@dataclass(frozen=True)
class Figure:
    load: Load
    per_second: float


def film(exam: Exam, shape: tuple[int, int], seed: int) -> Any:
    return take(draw_person(seed), seed, Order(exam, shape))


def ct(seed: int) -> Any:
    build = replace(draw_build(draw_person(seed), lying=True), arms_raised=True)
    protocol = CtProtocol(slice_thickness_mm=1.5)
    whole = grid_of(build, protocol)
    spacing_mm = (whole.count - 1) * protocol.spacing_mm / (SLICES - 1)
    return ct_volume(build, replace(protocol, spacing_mm=spacing_mm), seed)


LOADS = (
    Load("chest PA 512", 12, partial(film, Exam.CHEST_PA, (512, 512)), AIM_PER_SECOND),
    Load("chest lateral 512", 12, partial(film, Exam.CHEST_LATERAL, (512, 512)), AIM_PER_SECOND),
    Load("pelvis 512", 12, partial(film, Exam.PELVIS, (512, 512)), AIM_PER_SECOND),
    Load("hip 512", 12, partial(film, Exam.HIP, (512, 512)), AIM_PER_SECOND),
    Load("chest PA 2500 x 2048", 2, partial(film, Exam.CHEST_PA, (2500, 2048))),
    Load("pelvis 2048 x 2500", 2, partial(film, Exam.PELVIS, (2048, 2500))),
    Load("CT of 300 slices, two cores", 1, ct, AIM_CTS_PER_SECOND),
)


def measure(load: Load) -> Figure:
    load.make(0)
    start = time.perf_counter()
    for seed in range(1, load.count + 1):
        load.make(seed)
    return Figure(load, load.count / (time.perf_counter() - start))


def show(figures: list[Figure]) -> Table:
    table = Table("image", "a second", "aim")
    for figure in figures:
        met = "met" if figure.per_second >= figure.load.aim else "missed"
        aim = f"{figure.load.aim:.2f}, {met}" if figure.load.aim else ""
        table.add_row(figure.load.name, f"{figure.per_second:.2f}", aim)
    return table


if __name__ == "__main__":
    Console().print(show([measure(load) for load in LOADS]))
