"""Which series of an MR study of the hips is read: coronal, T1 or fluid-sensitive, no localizer.

T1 comes first: there fat marrow is bright and the dark band of an osteonecrosis stands out. All
points are ours; a model may read fewer weightings than are chosen from (its own gate says so).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from pydicom import Dataset

from engines.errors import NotEligible, Reason
from engines.header import terms, texts, words
from engines.mr_sequence import Weighting, weighting
from engines.planes import Plane
from engines.stack import Stack

_LOCALIZER: Final = frozenset(
    ["LOCALIZER", "LOCALISER", "LOC", "SCOUT", "SURVEY", "PILOT", "PLANSCAN", "REPERAGE"]
)
_COMPUTED: Final = frozenset(["SUB", "SUBTRACTION", "MIP", "MPR", "ADC", "COLOR", "COLOUR"])
_POINTS: Final = {Weighting.T1: 50.0, Weighting.FLUID: 40.0, Weighting.VESSELS: 5.0}
#: How far a coronal stack may lean.
_CORONAL_COSINE: Final = np.cos(np.deg2rad(30))
#: The heads with a slice before and behind: 60 mm.
_ENOUGH_MM = 60.0


def require_sequence(ds: Dataset) -> None:
    """Refuse localizers, what is computed from images, and weightings that nothing reads.

    Raises
    ------
    NotEligible
        LOCALIZER, DERIVED_IMAGE or SEQUENCE_UNSUITABLE.
    """
    spoken = words((*texts(ds, "SeriesDescription"), *texts(ds, "ProtocolName")))
    if "LOCALIZER" in terms(ds, "ImageType") or spoken & _LOCALIZER:
        raise NotEligible(Reason.LOCALIZER, "ImageType or the series' own words say localizer")
    if (set(terms(ds, "ImageType")) | spoken) & _COMPUTED:
        raise NotEligible(Reason.DERIVED_IMAGE, "the header names an image made of images")
    found = weighting(ds)
    if found is None:
        detail = "ScanningSequence, RepetitionTime or EchoTime do not say what it weighs"
        raise NotEligible(Reason.SEQUENCE_UNSUITABLE, detail)
    if found not in _POINTS:
        detail = f"the sequence is {found}; T1 and fluid-sensitive ones are read"
        raise NotEligible(Reason.SEQUENCE_UNSUITABLE, detail)


def require_coronal(plane: Plane) -> None:
    """Refuse a stack that is not coronal.

    Raises
    ------
    NotEligible
        SCAN_OBLIQUE.
    """
    if abs(plane.normal[1]) < _CORONAL_COSINE:
        raise NotEligible(Reason.SCAN_OBLIQUE, "its slices are not coronal")


def points(headers: Sequence[Dataset], stack: Stack | None) -> list[tuple[float, str]]:
    """Return what gives a series how many of 100 points, and why, in words."""
    found = weighting(headers[0])
    given = [(_POINTS.get(found, 1.0) if found else 1.0, f"{found}")]
    if stack is None:
        return [*given, (25.0, "how its slices lie is read with its pixels")]
    length_mm = float(stack.at_mm[-1] - stack.at_mm[0]) + stack.step_mm
    covered = 30 * min(1.0, length_mm / _ENOUGH_MM)
    closeness = float(np.interp(stack.step_mm, (3.0, 4.5, 6.5), (20.0, 16.0, 4.0)))
    return [
        *given,
        (round(covered, 1), f"{length_mm:.0f} mm from front to back"),
        (round(closeness, 1), f"slices {stack.step_mm:.2f} mm apart"),
    ]
