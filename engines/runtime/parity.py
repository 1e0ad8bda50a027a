"""How far an engine is off ONNX Runtime's full precision, on cases whose answers are known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.runtime import Arrays, Engine
from engines.runtime.known import KnownCases


@dataclass(frozen=True)
class Parity:
    """What the comparison found.

    Attributes
    ----------
    cases, patients : int
        How many were run; how many of them are virtual patients, the others are edge values.
    largest_error : float
        Against the largest value that the reference gives for that output in any case.
    worst_case, worst_output : str
        Where that was.
    flipped : tuple of str
        Cases in which a score is on the other side of a threshold, or another class is likeliest.
    tolerance : float
        The card's: the largest error that is let pass.
    """

    cases: int
    patients: int
    largest_error: float
    worst_case: str
    worst_output: str
    flipped: tuple[str, ...]
    tolerance: float

    @property
    def is_accepted(self) -> bool:
        """Whether the engine may serve."""
        return self.largest_error <= self.tolerance and not self.flipped

    @property
    def words(self) -> str:
        """One line for a person."""
        told = (
            f"at most {self.largest_error:.1e} off full precision in {self.cases} known cases "
            f"(allowed {self.tolerance:.0e}; worst: {self.worst_output}, {self.worst_case})"
        )
        flips = len(self.flipped)
        return told + (f"; {flips} decisions flipped: {', '.join(self.flipped)}" if flips else "")

    def told(self) -> dict[str, Any]:
        """Return it as JSON values; an engine that gave no number has no error that JSON knows."""
        largest = self.largest_error if np.isfinite(self.largest_error) else None
        return {**asdict(self), "largest_error": largest, "accepted": self.is_accepted}


@dataclass(frozen=True)
class Gate:
    """What an engine of a network is held against.

    Attributes
    ----------
    cases : KnownCases
        What it is run on.
    answers : mapping of str to ndarray
        Of the reference, by output.
    thresholds : tuple of float
        All that the model holds a score against.
    tolerance : float
        The card's.
    """

    cases: KnownCases
    answers: Arrays
    thresholds: tuple[float, ...]
    tolerance: float

    def judge(self, engine: Engine) -> Parity:
        """Run an engine on the cases, as one batch and one by one, and return the worse."""
        arrays = self.cases.arrays
        whole = engine(arrays)
        alone = [
            engine({name: array[i : i + 1] for name, array in arrays.items()})
            for i in range(len(self.cases.names))
        ]
        single = {name: np.concatenate([one[name] for one in alone]) for name in whole}
        return max(
            (self._compared(found) for found in (whole, single)),
            key=lambda one: (not one.is_accepted, one.largest_error),
        )

    def _compared(self, found: Arrays) -> Parity:
        worst = max(
            ((*_worst(self.answers[name], found[name]), name) for name in self.answers),
            key=lambda one: one[0],
        )
        error, case, output = worst
        return Parity(
            cases=len(self.cases.names),
            patients=self.cases.patients,
            largest_error=error,
            worst_case=self.cases.names[case],
            worst_output=output,
            flipped=tuple(self.cases.names[i] for i in sorted(self._flipped(found))),
            tolerance=self.tolerance,
        )

    def _flipped(self, found: Arrays) -> set[int]:
        """Return the cases in which a decision is another.

        Which of a network's outputs a model decides on is the model's own; here every score of
        every output counts, against every threshold, which is stricter (ours).
        """
        return {
            int(i)
            for name, wanted in self.answers.items()
            if wanted.ndim == 2
            for i in np.flatnonzero(_other_decision(wanted, found[name], self.thresholds))
        }


def _worst(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> tuple[float, int]:
    """Return the largest error and its case; infinite where one is no number."""
    if wanted.shape != found.shape:
        return float("inf"), 0
    scale = max(float(np.abs(wanted).max()), 1e-6)
    off = np.abs(found.astype(np.float64) - wanted).reshape(len(wanted), -1).max(axis=1) / scale
    off = np.where(np.isfinite(off), off, np.inf)
    case = int(off.argmax())
    return float(off[case]), case


#: What sums in float32 leave uncertain; ours.
_TIED = 1e-5


def _other_decision(
    wanted: NDArray[np.float32], found: NDArray[np.float32], thresholds: Sequence[float]
) -> NDArray[np.bool_]:
    """Return, shape (case,), whether a score passed a threshold or another class is likeliest."""
    if wanted.shape != found.shape:
        return np.ones(len(wanted), np.bool_)
    other = np.zeros(len(wanted), np.bool_)
    for threshold in thresholds:
        other |= ((wanted >= threshold) != (found >= threshold)).any(axis=1)
    if wanted.shape[1] > 1:
        # classes that the reference can hardly tell apart are none that changed places
        now_likeliest = np.take_along_axis(wanted, found.argmax(axis=1)[:, None], axis=1)[:, 0]
        other |= wanted.max(axis=1) - now_likeliest > _TIED
    return other
