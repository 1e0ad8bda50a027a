"""What a site holds a score against: its threshold, and what makes a probability of it there.

A manifest without calibration and groups is what a recipe releases; `osteoscreen-lab calibrate`
adds them on a site's own patients.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

PLATT, ISOTONIC = "platt", "isotonic"
METHODS: Final = (PLATT, ISOTONIC)

_EDGE = 1e-6


@dataclass(frozen=True)
class Calibration:
    """What makes a probability of a network's score, on the patients it was fitted on.

    Attributes
    ----------
    method : {'platt', 'isotonic'}
        A line over log odds (Platt 1999), or steps that only rise, joined by lines.
    numbers : tuple of tuple of float
        Of a line ``((slope, intercept),)``; else (score, probability), both rising.
    """

    method: str
    numbers: tuple[tuple[float, float], ...]

    def __call__(self, score: float) -> float:
        """Return the probability of a score, both in [0, 1]."""
        if self.method == PLATT:
            inside = min(max(score, _EDGE), 1 - _EDGE)
            slope, intercept = self.numbers[0]
            return 1 / (1 + math.exp(-(slope * math.log(inside / (1 - inside)) + intercept)))
        after = bisect_right([told for told, _ in self.numbers], score)
        if after in (0, len(self.numbers)):
            return self.numbers[min(after, len(self.numbers) - 1)][1]
        (low, first), (high, second) = self.numbers[after - 1 : after + 1]
        return first + (second - first) * (score - low) / (high - low)


@dataclass(frozen=True)
class GroupThreshold:
    """A threshold for some of the patients.

    Attributes
    ----------
    threshold : float
        Instead of the operating point's own.
    sex : {'F', 'M', None}
        None for both.
    from_age_years, to_age_years : float
        The second excluded.
    """

    threshold: float
    sex: str | None = None
    from_age_years: float = 0.0
    to_age_years: float = math.inf

    def is_for(self, sex: str | None, age_years: float | None) -> bool:
        """Tell whether a patient belongs to the group; one of unknown sex or age may not."""
        if self.sex is not None and sex != self.sex:
            return False
        if self.from_age_years <= 0 and self.to_age_years == math.inf:
            return True
        return age_years is not None and self.from_age_years <= age_years < self.to_age_years


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold in [0, 1] and where it came from.

    Attributes
    ----------
    threshold : float
        Of the calibrated score, where there is a calibration.
    source : str
        Whose patients, for the report.
    calibration : Calibration, optional
        Of a site.
    groups : tuple of GroupThreshold
        The first that a patient belongs to decides.
    """

    threshold: float
    source: str
    calibration: Calibration | None = None
    groups: tuple[GroupThreshold, ...] = ()

    def judge(
        self, score: float, sex: str | None = None, age_years: float | None = None
    ) -> tuple[float, float]:
        """Return a patient's probability and the threshold that it is held against."""
        value = self.calibration(score) if self.calibration else score
        of = (group.threshold for group in self.groups if group.is_for(sex, age_years))
        return value, next(of, self.threshold)


def read_point(told: Mapping[str, Any]) -> OperatingPoint:
    """Read an operating point from a manifest.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is not as :func:`written` writes it.
    """
    return OperatingPoint(
        told["threshold"],
        told["source"],
        _calibration(told["calibration"]) if told.get("calibration") else None,
        tuple(_group(one) for one in told.get("groups", ())),
    )


def written(point: OperatingPoint) -> dict[str, Any]:
    """Return an operating point as JSON values."""
    told: dict[str, Any] = {"threshold": point.threshold, "source": point.source}
    if point.calibration:
        numbers = [list(pair) for pair in point.calibration.numbers]
        told["calibration"] = {"method": point.calibration.method, "numbers": numbers}
    if point.groups:
        told["groups"] = [_written_group(group) for group in point.groups]
    return told


def _calibration(told: Mapping[str, Any]) -> Calibration:
    numbers = tuple((float(first), float(second)) for first, second in told["numbers"])
    if told["method"] not in METHODS or not _is_rising(told["method"], numbers):
        raise ValueError("a calibration that is none: unknown, or it turns scores round")
    return Calibration(told["method"], numbers)


def _is_rising(method: str, numbers: Sequence[tuple[float, float]]) -> bool:
    if method == PLATT:
        return len(numbers) == 1 and numbers[0][0] > 0
    return bool(numbers) and all(a < c and b <= d for (a, b), (c, d) in pairwise(numbers))


def _group(told: Mapping[str, Any]) -> GroupThreshold:
    oldest = told.get("to_age_years")
    return GroupThreshold(
        told["threshold"],
        told.get("sex"),
        told.get("from_age_years", 0.0),
        math.inf if oldest is None else oldest,
    )


def _written_group(group: GroupThreshold) -> dict[str, Any]:
    # JSON has no infinity
    oldest = None if group.to_age_years == math.inf else group.to_age_years
    return {
        "threshold": group.threshold,
        "sex": group.sex,
        "from_age_years": group.from_age_years,
        "to_age_years": oldest,
    }
