"""Which engine serves a network: the first of an order that is there, and as right as it must be.

Nothing is given up silently: of every candidate that does not serve it is kept why not.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.candidates import ORDER, Candidate, read_order
from engines.cards import Weights
from engines.errors import BadSeries, EngineMismatch
from engines.runtime import Engine
from engines.runtime.gpu import GpuLost, NotHere
from engines.runtime.known import known_cases
from engines.runtime.making import Making, make
from engines.runtime.ort import OrtEngine
from engines.runtime.parity import Gate, Parity
from engines.runtime.plans import Plans
from engines.runtime.trt_build import Wanted

log = logging.getLogger(__name__)

Make = Callable[[Candidate, Making], Engine]


@dataclass(frozen=True)
class Terms:
    """On what terms engines serve.

    Attributes
    ----------
    order : tuple of Candidate
        The first that may serve does.
    threads : int, optional
        CPU cores for one run; all where not given.
    plans : Plans or None
        Where what costs to make is kept; without it only what needs nothing made can serve.
    wanted : Wanted
        How TensorRT builds.
    make : callable
        What makes an engine of a candidate.
    """

    order: tuple[Candidate, ...] = read_order(ORDER)
    threads: int | None = None
    plans: Plans | None = None
    wanted: Wanted = field(default_factory=Wanted)
    make: Make = make


@dataclass(frozen=True)
class Refusal:
    """Why a candidate does not serve.

    Attributes
    ----------
    candidate : Candidate
        Which.
    why : str
        In words.
    is_fault : bool
        Whether it is there and failed; else this machine just lacks it.
    parity : Parity or None
        How far it was off, where that is why.
    """

    candidate: Candidate
    why: str
    is_fault: bool
    parity: Parity | None = None


@dataclass(frozen=True)
class Served:
    """A network and what runs it.

    Attributes
    ----------
    engine : Engine
        To be run.
    candidate : Candidate
        What it is.
    gate : Gate or None
        What it is held against again while it serves; none for the reference itself.
    parity : Parity or None
        What that found before it served.
    refused : tuple of Refusal
        Of those before it in the order.
    """

    engine: Engine
    candidate: Candidate
    gate: Gate | None
    parity: Parity | None
    refused: tuple[Refusal, ...]

    @property
    def provenance(self) -> str:
        """What runs it, how far that is off, and what was refused before it, for a report."""
        told = []
        if self.parity:
            told.append(f"parity {self.parity.largest_error:.1e}")
        if refused := [str(one.candidate) for one in self.refused if one.is_fault]:
            told.append(f"refused: {', '.join(refused)}")
        return self.engine.description + (f" ({'; '.join(told)})" if told else "")

    def told(self) -> dict[str, Any]:
        """Return it as JSON values, for who looks from another process."""
        return {
            "serves": str(self.candidate),
            "runtime": self.engine.description,
            "parity": self.parity.told() if self.parity else None,
            "parity_words": self.parity.words if self.parity else None,
            "refused": [
                {
                    "candidate": str(one.candidate),
                    "why": one.why,
                    "fault": one.is_fault,
                    "parity": one.parity.told() if one.parity else None,
                }
                for one in self.refused
            ],
        }


def serve(weights: Weights, tolerance: float, terms: Terms) -> Mapping[str, Served]:
    """Return what runs each network of a model.

    Parameters
    ----------
    weights : Weights
        Checked against their manifest.
    tolerance : float
        Of the model's card.
    terms : Terms
        Of the site.

    Raises
    ------
    EngineMismatch
        If a network cannot be loaded at all, or nothing in the order may serve it.
    """
    return {name: _serve(weights, name, tolerance, terms) for name in weights.engines}


def _serve(weights: Weights, name: str, tolerance: float, terms: Terms) -> Served:
    network = weights.folder / weights.engines[name][0]
    refused: list[Refusal] = []
    gate: Gate | None = None
    reference = OrtEngine(network, terms.threads)
    for candidate in terms.order:
        if candidate.is_reference:
            return Served(reference, candidate, None, None, tuple(refused))
        making = Making(weights, name, terms.plans, terms.wanted, terms.threads)
        try:
            engine = terms.make(candidate, making)
            gate = gate or gate_of(weights, name, reference, tolerance)
            parity = gate.judge(engine)
        except (EngineMismatch, BadSeries, GpuLost, MemoryError) as error:
            refused.append(_refusal(weights.model, candidate, error))
            continue
        if parity.is_accepted:
            log.info("event=engine-accepted model=%s engine=%s", weights.model, candidate)
            return Served(engine, candidate, gate, parity, tuple(refused))
        refused.append(Refusal(candidate, parity.words, True, parity))
        log.warning(
            "event=engine-refused model=%s engine=%s why=%r",
            weights.model,
            candidate,
            parity.words,
        )
    told = "; ".join(f"{one.candidate}: {one.why}" for one in refused)
    raise EngineMismatch(f"{weights.model}: nothing in the order may serve {name}: {told}")


def _refusal(model: str, candidate: Candidate, error: Exception) -> Refusal:
    is_fault = not isinstance(error, NotHere)
    why = str(error) or type(error).__name__
    level = logging.WARNING if is_fault else logging.INFO
    log.log(level, "event=engine-not-used model=%s engine=%s why=%r", model, candidate, why)
    return Refusal(candidate, why, is_fault)


def gate_of(weights: Weights, name: str, reference: OrtEngine, tolerance: float) -> Gate:
    """Return what engines of a network are held against: the reference's answers.

    Raises
    ------
    EngineMismatch
        If the known cases that lie beside the weights are not for them.
    """
    cases = known_cases(weights.folder, name, reference.sizes)
    points = weights.operating_points.values()
    thresholds = {point.threshold for point in points}
    thresholds |= {group.threshold for point in points for group in point.groups}
    return Gate(cases, reference(cases.arrays), tuple(sorted(thresholds)), tolerance)
