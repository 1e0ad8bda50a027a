"""The engines this process has loaded, and the one thread that owns and runs them.

A GPU wants one owner and full batches; many screening threads hand their arrays to this one and
wait. What waits at the same moment for the same engine runs as one batch.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from engines.cards import Weights, read_weights
from engines.catalog import Model
from engines.runtime import Arrays, Engine, Run
from engines.runtime.loading import load
from workers.progress import moved_on

log = logging.getLogger(__name__)

MEASURED = f"NumPy {np.__version__}, SciPy {scipy.__version__}"
"""What runs a method that was not learned, and so has no engine."""
LARGEST_BATCH = 8
LOOK_S = 1.0
"""How often a case that waits for its batch looks whether the engines get on."""


@dataclass(frozen=True)
class _Wish:
    work: Callable[[], Any] | None
    engine: Engine | None
    arrays: Arrays
    answer: "Future[Any]"

    def fits(self, other: "_Wish") -> bool:
        """Whether both can run as one batch."""
        return (
            self.engine is not None
            and self.engine is other.engine
            and {k: a.shape[1:] for k, a in self.arrays.items()}
            == {k: a.shape[1:] for k, a in other.arrays.items()}
        )


@dataclass(frozen=True)
class Seat:
    """A model's weights with its engines, loaded and checked."""

    weights: Weights
    engines: dict[str, Engine]
    run: Run

    @property
    def runtime(self) -> str:
        """What runs the engines, for the provenance of a result."""
        descriptions = {engine.description for engine in self.engines.values()}
        return ", ".join(sorted(descriptions)) or MEASURED


class EngineRoom:
    """Loads engines once, keeps them warm, and runs them in one thread."""

    def __init__(self, weights_root: Path | None, engine_threads: int) -> None:
        self._root = weights_root
        self._engine_threads = engine_threads
        self._seats: dict[str, Seat] = {}
        self._batches = 0
        self._loading = threading.Lock()
        self._wishes: queue.Queue[_Wish] = queue.Queue()
        threading.Thread(target=self._work, name="engine", daemon=True).start()

    def seat(self, model: Model) -> Seat:
        """Return a model's weights and engines, loaded at the first call.

        Raises
        ------
        EngineMismatch
            If they are not what their manifest promises.
        """
        name = model.CARD.model
        with self._loading:
            if name not in self._seats:
                weights = read_weights(name, self._root)
                self._seats[name] = self._ask(lambda: self._load(weights))
                log.info("event=engines-loaded model=%s version=%s", name, weights.version)
            return self._seats[name]

    def _load(self, weights: Weights) -> Seat:
        engines = {
            name: load(weights.folder / file, self._engine_threads)
            for name, (file, _) in weights.engines.items()
        }

        def run(name: str, arrays: Arrays) -> Arrays:
            wish = _Wish(None, engines[name], arrays, Future())
            answer: Arrays = self._fulfilled(wish)
            return answer

        return Seat(weights, engines, run)

    def _ask(self, work: Callable[[], Any]) -> Any:
        return self._fulfilled(_Wish(work, None, {}, Future()))

    def _fulfilled(self, wish: _Wish) -> Any:
        """Wait for an answer; a case behind many others gets on as long as the engines do."""
        moved_on("infer")
        batches = self._batches
        self._wishes.put(wish)
        while not wait([wish.answer], LOOK_S).done:
            if self._batches != batches:
                batches = self._batches
                moved_on("infer")
        moved_on("prepare")
        return wish.answer.result()

    def _work(self) -> None:
        held: _Wish | None = None
        while True:
            batch = [held or self._wishes.get()]
            held = None
            while len(batch) < LARGEST_BATCH and not self._wishes.empty():
                wish = self._wishes.get()
                if not wish.fits(batch[0]):
                    held = wish
                    break
                batch.append(wish)
            _fulfil(batch)
            self._batches += 1


def _fulfil(batch: list[_Wish]) -> None:
    """Run one batch; whatever goes wrong is the callers' to hear, not the end of this thread."""
    try:
        answers = _answers(batch)
    except Exception as error:  # noqa: BLE001 - handed on to every caller
        for wish in batch:
            wish.answer.set_exception(error)
        return
    for wish, answer in zip(batch, answers, strict=True):
        wish.answer.set_result(answer)


def _answers(batch: list[_Wish]) -> list[Any]:
    first = batch[0]
    if first.work is not None:
        return [first.work()]
    assert first.engine is not None
    if len(batch) == 1:
        return [first.engine(first.arrays)]
    joined = {k: np.concatenate([w.arrays[k] for w in batch]) for k in first.arrays}
    sizes = [len(next(iter(wish.arrays.values()))) for wish in batch]
    cuts = np.cumsum(sizes)[:-1]
    outputs = {k: np.split(array, cuts) for k, array in first.engine(joined).items()}
    return [{k: parts[i] for k, parts in outputs.items()} for i in range(len(batch))]
