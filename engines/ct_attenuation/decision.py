"""What is told of the levels: every number, and the one that is held against a threshold."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from engines.anatomy.spine import readings
from engines.ct_attenuation import tables
from engines.ct_attenuation.corrections import Correction
from engines.ct_attenuation.levels import Level
from engines.findings import AT_MOST, HOUNSFIELD, Finding, Measurement

#: Where the decision is made, best first: the level of the published thresholds, then its
#: neighbours.
DECIDING: Final = ("L1", "L2", "T12", "L3")
FINDING: Final = "low trabecular attenuation"


def deciding_first(levels: Iterable[Level]) -> list[Level]:
    """Put the level that decides first; one of two counts as the worse of them."""
    order = {name: i for i, name in enumerate(DECIDING)}

    def place(level: Level) -> tuple[int, ...]:
        return tuple(sorted((order.get(n, len(order)) for n in readings(level.name)), reverse=True))

    return sorted(levels, key=place)


def deciding(counted: Iterable[Level]) -> Level | None:
    """Return the level that is held against the threshold, of those that count, best first."""
    return next((one for one in counted if readings(one.name) <= {*DECIDING} and one.region), None)


def findings(
    counted: Sequence[Level],
    bands: tables.Bands | None,
    corrected: Correction,
    uncertain: bool = False,
) -> tuple[Finding, ...]:
    """Hold the deciding level against the lower threshold.

    Parameters
    ----------
    counted : sequence of Level
        With a region, the deciding one first.
    bands : Bands or None
        None where no threshold may be applied.
    corrected : Correction
        What the site has configured.
    uncertain : bool
        Whether each level has two names.
    """
    level = deciding(counted)
    if level is None or level.region is None or bands is None:
        return ()
    value = corrected.of(level.region.mean_hu)
    words = tables.WORDS[bands.band(value)]
    if corrected.words:
        words += f" (corrected: {corrected.words}; {level.region.mean_hu:.1f} HU uncorrected)"
    if uncertain:
        words += "; level uncertain"
    found = Finding(
        name=FINDING,
        site=level.name,
        value=value,
        threshold=bands.low_hu,
        quantity="trabecular attenuation",
        unit=HOUNSFIELD,
        flagged_when=AT_MOST,
        table=f"{bands.name} ({bands.source})",
        words=words,
    )
    return (found,)


def measurements(levels: Sequence[Level]) -> Iterator[Measurement]:
    """Return every number, uncorrected, from the head to the feet."""
    for level in reversed(levels):
        if level.region is not None and not level.why:
            yield from _bone(level)
        yield from _heights(level)


def _bone(level: Level) -> Iterator[Measurement]:
    region = level.region
    assert region is not None, "only levels with one"
    for name, value, unit in (
        ("trabecular attenuation", round(region.mean_hu, 1), HOUNSFIELD),
        ("trabecular attenuation SD", round(region.sd_hu, 1), HOUNSFIELD),
        ("trabecular area", round(region.area_cm2, 2), "cm2"),
        ("trabecular volume", round(region.volume_cm3, 2), "cm3"),
    ):
        yield Measurement(name, level.name, value, unit)


def _heights(level: Level) -> Iterator[Measurement]:
    ratios, body = level.ratios, level.body
    if ratios is None:
        return
    for name, value, unit in (
        ("vertebral height ratio", round(ratios.lowest, 3), "1"),
        ("anterior/posterior height ratio", round(ratios.anterior, 3), "1"),
        ("middle/posterior height ratio", round(ratios.middle, 3), "1"),
        ("posterior height ratio to neighbours", round(ratios.neighbours or 0, 3), "1"),
        ("anterior height", round(body.anterior_mm, 1), "mm"),
        ("middle height", round(body.middle_mm, 1), "mm"),
        ("posterior height", round(body.posterior_mm, 1), "mm"),
    ):
        if value:
            yield Measurement(name, level.name, value, unit)
