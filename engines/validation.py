"""What an evaluation report says of itself for programs: of which weights it is, and on whom.

`osteoscreen-lab evaluate --report` writes it into the head of the page; who reveals a model reads
it there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape, unescape
from typing import Any, Final

from engines.cards import TrainedOn, Weights
from engines.rules import Measuring

NAME: Final = "osteoscreen-evaluation"
_MARK: Final = re.compile(rf'<meta name="{NAME}" content="([^"]*)">')
_SHARED: Final = 1e-6
_LONGEST: Final = 200
_TEXTS: Final = ("model", "version", "weights_sha256", "cohort")
FINDING: Final = ("finding", "patients", "positive", "auc", "sensitivity", "specificity")


@dataclass(frozen=True)
class Validation:
    """One evaluation.

    Attributes
    ----------
    model, version, weights_sha256 : str
        Of the weights that were measured.
    thresholds : mapping of str to float
        Their operating points, by finding.
    configuration : mapping of str to str
        The site's settings, where nothing is learned and they decide; else empty.
    cohort : str
        What the patients' table is called, with the first of its SHA-256.
    simulated : bool
        Whether any of its patients is a virtual one.
    patients, examples : int
        Who was seen.
    findings : tuple of mapping
        Of each that could be judged, what :data:`FINDING` names; the last three are text with their
        95 % intervals.
    """

    model: str
    version: str
    weights_sha256: str
    thresholds: Mapping[str, float]
    cohort: str
    simulated: bool
    patients: int
    examples: int
    findings: tuple[Mapping[str, Any], ...]
    configuration: Mapping[str, str] = field(default_factory=dict)

    def difference(self, weights: Weights, configuration: Mapping[str, str]) -> str:
        """Say why this is no evaluation of some weights as they serve; nothing where it is one.

        Parameters
        ----------
        weights : Weights
            In service.
        configuration : mapping of str to str
            In service, as :func:`configuration_of` tells it.
        """
        if self.model != weights.model:
            return f"the report is of {self.model}, not of {weights.model}"
        if (self.version, self.weights_sha256) != (weights.version, weights.sha256):
            ours = f"{weights.version} ({weights.sha256[:12]})"
            return (
                f"the report is of weights {self.version} ({self.weights_sha256[:12]}), not {ours}"
            )
        points = {name: point.threshold for name, point in weights.operating_points.items()}
        same = self.thresholds.keys() == points.keys() and all(
            abs(value - points[name]) <= _SHARED for name, value in self.thresholds.items()
        )
        if not same:
            return "the report is of other thresholds than those in service"
        if other := [
            name for name in configuration if self.configuration.get(name) != configuration[name]
        ]:
            return (
                f"the report is of another {', '.join(other)} than in service (evaluate --settings)"
            )
        return ""


def thresholds_of(weights: Weights) -> dict[str, float]:
    """Return the thresholds of weights, by finding."""
    return {name: float(point.threshold) for name, point in weights.operating_points.items()}


def configuration_of(weights: Weights, measuring: Measuring) -> dict[str, str]:
    """Return the settings that make results of weights what they are: of what is measured alone."""
    return measuring.told if weights.trained_on is TrainedOn.NOTHING else {}


def mark(validation: Validation) -> str:
    """Return the element that stands in the head of a report."""
    return f'<meta name="{NAME}" content="{escape(json.dumps(asdict(validation)))}">'


def read(report: str) -> Validation:
    """Return what a report says of itself.

    Raises
    ------
    ValueError
        If it is no such report.
    """
    found = _MARK.findall(report)
    if len(found) != 1:
        raise ValueError("it is no report of `osteoscreen-lab evaluate --report`")
    try:
        told = json.loads(unescape(found[0]))
        return Validation(
            **{name: str(told[name])[:_LONGEST] for name in _TEXTS},
            configuration={
                str(name): str(value)[:_LONGEST]
                for name, value in told.get("configuration", {}).items()
            },
            thresholds={str(name): float(at) for name, at in told["thresholds"].items()},
            simulated=told["simulated"] is not False,
            patients=int(told["patients"]),
            examples=int(told["examples"]),
            findings=tuple(
                {key: str(one[key])[:_LONGEST] for key in FINDING} for one in told["findings"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError("what the report says of itself cannot be read") from error
