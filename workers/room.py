"""The engines this process has loaded: chosen, held against full precision, run by one thread."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import scipy

from engines.cards import Weights, read_weights
from engines.catalog import Model
from engines.engine_records import write_record
from engines.errors import EngineMismatch
from engines.runtime import Arrays, Run
from engines.runtime.choosing import Served, Terms, serve
from workers.batching import Batcher, Batching

log = logging.getLogger(__name__)

MEASURED: Final = f"NumPy {np.__version__}, SciPy {scipy.__version__}"
"""What runs a method that was not learned, and so has no engine."""


@dataclass(frozen=True)
class Upkeep:
    """How engines are run and looked after.

    Attributes
    ----------
    batching : Batching
        How cases share batches.
    recheck_s : float
        How often an engine runs its known cases again while it serves; 0: never.
    records : Path or None
        The folder of engines, where it is written down what serves.
    """

    batching: Batching = field(default_factory=Batching)
    recheck_s: float = 0.0
    records: Path | None = None


@dataclass(frozen=True)
class Seat:
    """A model's weights with its engines, loaded and checked."""

    weights: Weights
    engines: Mapping[str, Served]
    run: Run

    @property
    def runtime(self) -> str:
        """What runs the engines, for the provenance of a result."""
        return ", ".join(sorted({one.provenance for one in self.engines.values()})) or MEASURED


class EngineRoom:
    """Loads engines once, keeps them warm, and runs them in one thread.

    Parameters
    ----------
    weights_root : Path or None
        A site's own weights.
    engine_threads : int
        CPU cores of one run.
    terms : Terms, optional
        Which engines may serve; ``engine_threads`` goes into them.
    upkeep : Upkeep, optional
        How they are run.
    """

    def __init__(
        self,
        weights_root: Path | None,
        engine_threads: int,
        terms: Terms | None = None,
        upkeep: Upkeep | None = None,
    ) -> None:
        self._root = weights_root
        self._terms = terms or Terms(threads=engine_threads)
        self._upkeep = upkeep or Upkeep()
        self._seats: dict[str, Seat] = {}
        self._checked_at: dict[str, float] = {}
        self._parked: dict[str, str] = {}
        self._loading = threading.Lock()
        self._batcher = Batcher(self._upkeep.batching)

    def seat(self, model: Model) -> Seat:
        """Return a model's weights and engines, loaded at the first call.

        Raises
        ------
        EngineMismatch
            If they are not what their manifest promises, or an engine no longer computes what it
            did when it was accepted.
        """
        name = model.CARD.model
        with self._loading:
            if name not in self._seats:
                weights = read_weights(name, self._root)
                tolerance = model.CARD.parity_tolerance
                self._seats[name] = self._batcher.ask(lambda: self._load(weights, tolerance))
                self._checked_at[name] = time.monotonic()
                log.info("event=engines-loaded model=%s version=%s", name, weights.version)
            elif self._is_due(name):
                self._batcher.ask(lambda: self._check(name))
            if name in self._parked:
                raise EngineMismatch(self._parked[name])
            return self._seats[name]

    def _load(self, weights: Weights, tolerance: float) -> Seat:
        engines = serve(weights, tolerance, self._terms)

        def run(name: str, arrays: Arrays) -> Arrays:
            return self._batcher.run(engines[name].engine, arrays)

        self._record(weights.model, engines)
        return Seat(weights, engines, run)

    def _is_due(self, name: str) -> bool:
        every_s = self._upkeep.recheck_s
        return every_s > 0 and time.monotonic() - self._checked_at[name] >= every_s

    def _check(self, name: str) -> None:
        """Run the known cases again; park the model, not the worker, if an engine is off."""
        self._checked_at[name] = time.monotonic()
        engines = self._seats[name].engines
        for network, served in engines.items():
            parity = served.gate.judge(served.engine) if served.gate else None
            if parity and not parity.is_accepted:
                why = f"{network} ({served.candidate}) went wrong while it served: {parity.words}"
                log.error("event=model-parked model=%s why=%r", name, why)
                self._parked[name] = why
                self._record(name, engines, why)

    def _record(self, model: str, engines: Mapping[str, Served], parked: str | None = None) -> None:
        if self._upkeep.records:
            told = {name: one.told() for name, one in engines.items()}
            write_record(self._upkeep.records, model, told, parked)
