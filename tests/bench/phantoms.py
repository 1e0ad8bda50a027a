"""How many films a second one core makes; ``python -m bench.phantoms`` prints them.

More images are one line each: a name, how many to make, and what makes one of a seed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from engines.phantoms.people.draw import draw_person
from engines.phantoms.xray.exposure import Exam
from engines.phantoms.xray.films import Order, take

#: Two training films a second on two cores, each of which makes its own.
AIM_PER_SECOND = 1.0


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
        Images a second on one core; 0 for none.
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


LOADS = (
    Load("chest PA 512", 12, partial(film, Exam.CHEST_PA, (512, 512)), AIM_PER_SECOND),
    Load("chest lateral 512", 12, partial(film, Exam.CHEST_LATERAL, (512, 512)), AIM_PER_SECOND),
    Load("pelvis 512", 12, partial(film, Exam.PELVIS, (512, 512)), AIM_PER_SECOND),
    Load("hip 512", 12, partial(film, Exam.HIP, (512, 512)), AIM_PER_SECOND),
    Load("chest PA 2500 x 2048", 2, partial(film, Exam.CHEST_PA, (2500, 2048))),
    Load("pelvis 2048 x 2500", 2, partial(film, Exam.PELVIS, (2048, 2500))),
)


def measure(load: Load) -> Figure:
    load.make(0)
    start = time.perf_counter()
    for seed in range(1, load.count + 1):
        load.make(seed)
    return Figure(load, load.count / (time.perf_counter() - start))


def show(figures: list[Figure]) -> Table:
    table = Table("image", "a second, one core", "aim")
    for figure in figures:
        met = "met" if figure.per_second >= figure.load.aim else "missed"
        aim = f"{figure.load.aim:.1f}, {met}" if figure.load.aim else ""
        table.add_row(figure.load.name, f"{figure.per_second:.2f}", aim)
    return table


if __name__ == "__main__":
    Console().print(show([measure(load) for load in LOADS]))
