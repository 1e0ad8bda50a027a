"""Tell the phase of the contrast medium from the header and, apart from it, from the image.

The aorta is the roundest, evenest disc in front of the vertebral body's left half, the caval vein
that before the right half; of each the median of its core counts, so that plaques and stents, which
lie in the wall, do not. Limits are ours, for 120 kV; lower voltages brighten iodine, which moves a
portal venous phase towards an arterial one only where the caval vein is left behind, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from scipy import ndimage

from engines.anatomy.section import Section, section
from engines.anatomy.spine import Vertebra, readings
from engines.header import text, texts, words
from engines.volume import Volume

Grid = NDArray[np.float64]


class Phase(StrEnum):
    """When after the contrast medium a scan was made."""

    NATIVE = "native"
    ARTERIAL = "arterial"
    PORTAL_VENOUS = "portal venous"
    DELAYED = "delayed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Contrast:
    """The phase of a scan.

    Attributes
    ----------
    phase : Phase
        What header and image agree on, or the one of them that knows; unknown where they differ.
    header, image : Phase
        What each says alone.
    agent : bool
        Whether the header names a contrast medium.
    aorta_hu, cava_hu, cortex_hu, medulla_hu : float or None
        Of the image; None where it was not found.
    """

    phase: Phase
    header: Phase
    image: Phase
    agent: bool
    aorta_hu: float | None
    cava_hu: float | None
    cortex_hu: float | None
    medulla_hu: float | None

    @property
    def agree(self) -> bool | None:
        """Whether header and image say the same; None where one says nothing."""
        if self.image is Phase.UNKNOWN or (self.header is Phase.UNKNOWN and not self.agent):
            return None
        if self.header is Phase.UNKNOWN:
            # a medium in the header and none in the aorta: oral only, or much too early
            return self.image is not Phase.NATIVE
        return _same(self.header, self.image)


_WORDS = {
    Phase.NATIVE: "NATIVE NATIV NATIVO NAT NC NCCT WITHOUT WO OHNE PLAIN UNENHANCED NONCONTRAST "
    "NONENHANCED SANS SENZA SIN",
    Phase.ARTERIAL: "ART ARTERIAL ARTERIELL ARTERIELLE ARTERIEL CTA ANGIO AORTA",
    Phase.PORTAL_VENOUS: "PV PVP PORTAL PORTALVENOUS PORTOVENOUS PORTALVENOS PORTALVENOES "
    "VENOUS VEN VENOES VENOS VENOSE PORTALE PORTO",
    Phase.DELAYED: "DELAY DELAYED LATE SPAET SPAT EXCRETORY UROGRAPHIC EQUILIBRIUM TARDIVE",
}
# What stands for no medium in the element that names it.
_NO_AGENT = frozenset({"", "NO", "NONE", "NON", "N", "WITHOUT", "OHNE", "NATIV", "NATIVE"})

# HU; all ours. Blood is 30 to 60 without medium, less in anaemia.
_NATIVE_BELOW_HU, _ARTERIAL_FROM_HU, _PORTAL_FROM_HU = 78.0, 150.0, 105.0
# In an arterial phase the caval vein lags behind; late, a kidney's middle is bright with urine.
_CAVA_LAGS = 0.72
_EXCRETED_HU = 200.0
# Radii and where the middle may lie: beside the middle of the vertebral body, in front of it, mm.
_RADII_MM = (7.0, 8.5, 10.0, 12.0, 14.5)
_AORTA_LEFT_MM, _CAVA_LEFT_MM, _GAP_MM = (-6.0, 34.0), (-38.0, 2.0), (-2.0, 9.0)
_AORTA_USUAL_MM, _CAVA_USUAL_MM = 9.0, -20.0
# Radii of the circles that are its core, and its surroundings, as parts of its own.
_CORES, _RING = np.linspace(0.0, 0.65, 5), np.array([1.18, 1.3])
_STEP_MM = 1.5
# Where the kidneys lie.
_KIDNEYS_AT = frozenset({"L1", "L2", "L3"})
# How much brighter than its surroundings, on how many of its sides at least.
_EDGE_HU, _LEAST_EDGE, _BLOOD_HU = 35.0, 0.35, (15.0, 700.0)


def contrast_of(headers: Sequence[Dataset], volume: Volume, seen: Sequence[Vertebra]) -> Contrast:
    """Tell the phase.

    Parameters
    ----------
    headers : sequence of Dataset
        Of the series; the first is asked.
    volume : Volume
        The scan.
    seen : sequence of Vertebra
        Those of the scan; L1 to L3 are used where they have names, else all.
    """
    header, agent = header_phase(headers[0]) if headers else (Phase.UNKNOWN, False)
    chosen = [one for one in seen if readings(one.level) <= _KIDNEYS_AT] or list(seen)
    cuts = [cut for cut in (section(volume, one) for one in chosen) if cut is not None]
    aorta, cava = _vessels(cuts)
    cortex, medulla = _kidneys(cuts)
    image = _image_phase(aorta, cava, cortex, medulla)
    return Contrast(_decided(header, image), header, image, agent, aorta, cava, cortex, medulla)


def header_phase(ds: Dataset) -> tuple[Phase, bool]:
    """Return the phase that a header names, and whether it names a contrast medium."""
    agent = not words(texts(ds, "ContrastBolusAgent")) <= _NO_AGENT
    said = words([text(ds, "SeriesDescription"), text(ds, "ProtocolName")])
    if {"NON", "CONTRAST"} <= said:
        said |= {"NONCONTRAST"}
    named = [phase for phase, many in _WORDS.items() if said & set(many.split())]
    if len(named) != 1 or (named[0] is Phase.NATIVE and agent):
        return Phase.UNKNOWN, agent
    return named[0], agent


def _same(one: Phase, other: Phase) -> bool:
    # nobody can tell a late portal venous phase from an early delayed one
    late = {Phase.PORTAL_VENOUS, Phase.DELAYED}
    return one is other or {one, other} == late


def _decided(header: Phase, image: Phase) -> Phase:
    if image is Phase.UNKNOWN or _same(header, image):
        return header
    return image if header is Phase.UNKNOWN else Phase.UNKNOWN


def _image_phase(
    aorta: float | None, cava: float | None, cortex: float | None, medulla: float | None
) -> Phase:
    if aorta is None:
        return Phase.UNKNOWN
    if aorta < _NATIVE_BELOW_HU:
        return Phase.NATIVE
    lags = cava is None or cava < _CAVA_LAGS * aorta
    if aorta > _ARTERIAL_FROM_HU and lags:
        return Phase.ARTERIAL
    if cortex is not None and medulla is not None and medulla - cortex > _EXCRETED_HU:
        return Phase.DELAYED
    return Phase.PORTAL_VENOUS if aorta > _PORTAL_FROM_HU else Phase.DELAYED


@dataclass(frozen=True)
class _Disc:
    """A vessel in a slice: the median of its core, and where."""

    hu: float
    left_mm: float
    radius_mm: float


def _vessels(cuts: Sequence[Section]) -> tuple[float | None, float | None]:
    """Return HU of aorta and caval vein, the median over slices."""
    aortas, cavas = [], []
    for cut in cuts:
        aorta = _disc(cut, _AORTA_LEFT_MM, _AORTA_USUAL_MM)
        if aorta is None:
            continue
        aortas.append(aorta.hu)
        # two vessels do not lie in one another
        right = min(_CAVA_LEFT_MM[1], aorta.left_mm - aorta.radius_mm - _RADII_MM[0])
        cava = _disc(cut, (_CAVA_LEFT_MM[0], right), _CAVA_USUAL_MM)
        if cava is not None:
            cavas.append(cava.hu)
    known = [float(np.median(many)) if many else None for many in (aortas, cavas)]
    return known[0], known[1]


def _disc(cut: Section, left_mm: tuple[float, float], usual_mm: float) -> _Disc | None:
    """Return the likeliest vessel of a slice."""
    best, found = -np.inf, None
    for radius in _RADII_MM:
        front = cut.half_depth_mm + radius + np.arange(*_GAP_MM, _STEP_MM)
        middles = np.stack(np.meshgrid(np.arange(*left_mm, _STEP_MM), front, indexing="ij"), -1)
        core, ring = (_around(cut, middles, radius * share) for share in (_CORES, _RING))
        inside = np.median(core, axis=-1)
        uneven = np.percentile(core, 75, axis=-1) - np.percentile(core, 25, axis=-1)
        # fat around it, other vessels and bowel on some of its sides; the middle of a larger vessel
        # has itself around
        edge = np.mean(ring < inside[..., None] - _EDGE_HU, axis=-1)
        off = np.abs(middles[..., 0] - usual_mm)
        gap = np.abs(middles[..., 1] - radius - cut.half_depth_mm)
        score = 2.0 * edge - uneven / 25 - off / 30 - gap / 12 + radius / 30
        possible = (inside > _BLOOD_HU[0]) & (inside < _BLOOD_HU[1]) & (edge > _LEAST_EDGE)
        score = np.where(possible, score, -np.inf)
        place = np.unravel_index(int(score.argmax()), score.shape)
        if score[place] > best:
            best = float(score[place])
            found = _Disc(float(inside[place]), float(middles[place][0]), radius)
    return found


def _around(cut: Section, middles: Grid, radii_mm: Grid) -> Grid:
    """Sample circles about middles (..., 2): float64, shape (..., sample)."""
    turn = np.arange(16) * (2 * np.pi / 16)
    off = radii_mm[:, None, None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    places = middles[..., None, :] + off.reshape(-1, 2)
    return cut.at(cut.smooth_hu, places[..., 0], places[..., 1])


def _kidneys(cuts: Sequence[Section]) -> tuple[float | None, float | None]:
    """Return HU of cortex and of medulla: of the border of a kidney, and of what it encloses."""
    pairs = [pair for cut in cuts for side in (1, -1) if (pair := _kidney(cut, side)) is not None]
    if not pairs:
        return None, None
    cortex, medulla = np.median(np.array(pairs), axis=0)
    return float(cortex), float(medulla)


def _kidney(cut: Section, side: int) -> tuple[float, float] | None:
    aside = cut.left_mm * side - cut.half_width_mm
    window = (aside > 8) & (aside < 80) & (cut.front_mm > -50) & (cut.front_mm < 45)
    soft = ndimage.binary_opening(window & (cut.smooth_hu > 5), cut.pixels(6.0))
    labels, count = ndimage.label(soft)
    for number in range(1, count + 1):
        one = labels == number
        area = float(one.sum()) * cut.pixel_cm2
        depth = ndimage.distance_transform_edt(one, cut.spacing_mm)
        cortex, medulla = one & (depth > 2) & (depth < 6), one & (depth > 10)
        middle = float(aside[one].mean())
        if 9 < area < 45 and middle > 20 and medulla.sum() * cut.pixel_cm2 > 1:
            return float(np.median(cut.hu[cortex])), float(np.median(cut.hu[medulla]))
    return None
