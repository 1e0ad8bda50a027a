"""What a report has a group for: everything that was found and measured of one thing in one place.

The group of a thing has the same tracking identifiers as the segment of that thing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from engines.findings import Finding, Measurement, Result

_NAMES: Final = {
    "trabecular bone": "trabecular attenuation, trabecular attenuation SD, trabecular area,"
    " trabecular volume",
    "vertebral body": "vertebral height ratio, anterior/posterior height ratio,"
    " middle/posterior height ratio, posterior height ratio to neighbours, anterior height,"
    " middle height, posterior height",
    "vertebra": "vertebral fracture score",
    "skeletal muscle": "skeletal muscle area, skeletal muscle attenuation, skeletal muscle index",
    "intermuscular fat": "intermuscular fat area",
    "visceral fat": "visceral fat area",
    "subcutaneous fat": "subcutaneous fat area",
}
#: What a measurement is of, by its name.
MEASURED_OF: Final = MappingProxyType(
    {name: what for what, names in _NAMES.items() for name in names.split(", ")}
)


@dataclass(frozen=True)
class Topic:
    """One group.

    Attributes
    ----------
    what : str
        A structure (``codes.STRUCTURES``), or the name of the finding where nothing was measured.
    site, laterality
        As in the finding.
    findings : tuple of Finding
        One at most.
    measurements : tuple of Measurement
        All of this thing and place.
    """

    what: str
    site: str
    laterality: str | None
    findings: tuple[Finding, ...]
    measurements: tuple[Measurement, ...]

    @property
    def flagged(self) -> Finding | None:
        """The finding, where it is flagged."""
        return next((finding for finding in self.findings if finding.flagged), None)


def topics(result: Result) -> list[Topic]:
    """Return the groups of a result: the findings in their order, then what was measured beside.

    A second finding of one thing has a group of its own, with its own number only: a group says
    one finding.
    """
    found = [*_found(result)]
    told = {(topic.what, topic.site) for topic in found}
    beside: dict[tuple[str, str], None] = {}
    for each in result.measurements:
        what = MEASURED_OF.get(each.name)
        if what is not None and (what, each.site) not in told:
            beside[what, each.site] = None
    return found + [Topic(w, site, None, (), _of(result, w, site)) for w, site in beside]


def _found(result: Result) -> Iterator[Topic]:
    told = set()
    for finding in result.findings:
        place = finding.site, finding.laterality
        what = MEASURED_OF.get(finding.quantity)
        if what is None:
            here = tuple(
                each
                for each in result.measurements
                if each.site == finding.site and each.laterality in (None, finding.laterality)
            )
            yield Topic(finding.name, *place, (finding,), here)
        elif (what, *place) in told:
            own = Measurement(finding.quantity, finding.site, finding.value, finding.unit)
            yield Topic(finding.name, *place, (finding,), (own,))
        else:
            told.add((what, *place))
            yield Topic(what, *place, (finding,), _of(result, what, finding.site))


def _of(result: Result, what: str, site: str) -> tuple[Measurement, ...]:
    return tuple(
        each
        for each in result.measurements
        if each.site == site and MEASURED_OF.get(each.name) == what
    )
