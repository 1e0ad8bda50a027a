"""What the picture of a scored CT shows: the spine from the side, and the muscles it was fed."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from engines.anatomy.composition import Composition
from engines.ct_attenuation import views as measured_views
from engines.ct_attenuation.measured import Measured
from engines.sights import Mark, Section, Views


def views_of(scan: Measured, scores: Mapping[str, float]) -> Views:
    """Cut what a reader needs to check the score.

    Parameters
    ----------
    scan : Measured
        The CT.
    scores : mapping of str to float
        Of the vertebrae that were looked at, by level.
    """
    drawn = measured_views.views_of(scan.volume, scan.spine, scan.levels, None, None)
    marks = tuple(_scored(mark, scores.get(mark.site)) for mark in drawn.marks)
    return replace(drawn, marks=marks, muscle=_muscle(scan))


def _scored(mark: Mark, score: float | None) -> Mark:
    return replace(mark, value=None, note="", score=score)


def _muscle(scan: Measured) -> Section | None:
    found = scan.l3
    if not isinstance(found, Composition):
        return None
    return Section(
        hu=np.ascontiguousarray(scan.volume.hu[found.slice]),
        spacing_mm=scan.volume.spacing_mm[1:],
        site="L3",
        masks={
            "psoas muscle": np.any(found.psoas, axis=0),
            "paraspinal muscle": np.any(found.paraspinal, axis=0),
        },
    )
