"""Films in memory to findings, against the engine alone: ``python -m bench.whole_cases MODEL``.

What decoding, preparing and waiting for one another leave of the rate at which the engine itself
could run, with the worker's own threads and batches. Both take turns, so that what else the
machine does meets both.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import films
import hip_films
import numpy as np
from pydicom import Dataset
from rich.console import Console

from engines.candidates import ORDER, read_order
from engines.cases import Case, read_case
from engines.catalog import Model, named
from engines.exams import Exam
from engines.runtime import Arrays
from engines.runtime.choosing import Terms
from engines.runtime.plans import Plans
from workers.batching import Batching
from workers.room import EngineRoom, Seat, Upkeep

AIM = 0.7
"""Of the engine's own rate, on a GPU."""
FILM_PX = 2048


@dataclass(frozen=True)
class Load:
    """How the worker is set, and how much it is given."""

    threads: int = 8
    batch: int = 32
    cases: int = 64
    rounds: int = 5


@dataclass(frozen=True)
class Rates:
    """Cases a second, of each round."""

    whole: Sequence[float]
    engine: Sequence[float]

    @property
    def share(self) -> float:
        """Of the engine's rate that is left: the median of the rounds."""
        return median(whole / engine for whole, engine in zip(self.whole, self.engine, strict=True))


def image(exam: Exam) -> Dataset:
    """Return a film that every model of this exam reads."""
    return hip_films.pelvis() if exam is Exam.HIP_XRAY else films.film(1, size=FILM_PX)


def measure(model: Model, room: EngineRoom, case: Case, load: Load) -> Rates:
    """Measure a model, one way after the other in each round."""
    seat = room.seat(model)
    asked = _asked(model, seat, case)

    def whole() -> None:
        with ThreadPoolExecutor(load.threads) as threads:
            cases = [case] * load.cases
            list(threads.map(lambda one: model.screen(one, seat.run, seat.weights), cases))

    def engine() -> None:
        for name, arrays in asked:
            for _ in range(max(1, load.cases // load.batch)):
                many = {key: np.repeat(one, load.batch, axis=0) for key, one in arrays.items()}
                seat.run(name, many)

    whole(), engine()
    rounds = [(_rate(whole, load.cases), _rate(engine, load.cases)) for _ in range(load.rounds)]
    return Rates(*zip(*rounds, strict=True))


def _asked(model: Model, seat: Seat, case: Case) -> list[tuple[str, Arrays]]:
    """Return what a case asks of which engine."""
    asked: list[tuple[str, Arrays]] = []

    def listening(name: str, arrays: Arrays) -> Arrays:
        asked.append((name, arrays))
        return seat.run(name, arrays)

    model.screen(case, listening, seat.weights)
    return asked


def _rate(work: Callable[[], None], cases: int) -> float:
    began = time.perf_counter()
    work()
    return cases / (time.perf_counter() - began)


def main() -> None:
    """Print both rates and what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["cxr_osporscreen", "cxr_multimodal", "hip_vit"])
    for name, value in Load().__dict__.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--order", default=ORDER, help="which runtimes, in which order")
    args = parser.parse_args()
    console = Console(highlight=False)
    load = Load(args.threads, args.batch, args.cases, args.rounds)
    model = named(args.model)
    with TemporaryDirectory() as made:
        terms = Terms(read_order(args.order), 1, Plans(Path(made)))
        room = EngineRoom(None, 1, terms, Upkeep(Batching(most=load.batch)))
        case = read_case(model.CARD.exam, [image(model.CARD.exam)])
        rates = measure(model, room, case, load)
        console.print(f"{args.model} on {room.seat(model).runtime}, {load}")
    console.print(f"engine alone   {median(rates.engine):8.1f} cases/s")
    console.print(f"film to finding{median(rates.whole):8.1f} cases/s")
    console.print(f"left of it     {100 * rates.share:8.0f} %   (aim on a GPU: {100 * AIM:.0f} %)")


if __name__ == "__main__":
    main()
