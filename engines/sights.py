"""Where in a CT something was measured: contours, masks, and what a picture of it shows."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Pixels = NDArray[np.bool_]
Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Scan:
    """The images that were measured.

    Attributes
    ----------
    SOPInstanceUIDs : tuple of str
        Each once.
    sha256 : str
        Of their values, whatever order and transfer syntax they came in.
    """

    SOPInstanceUIDs: tuple[str, ...]
    sha256: str


def scan_of(SOPInstanceUIDs: Sequence[str], hu: Grey) -> Scan:
    """Name the images of a volume and hash what was read from them.

    Parameters
    ----------
    SOPInstanceUIDs : sequence of str
        One for each plane; those of one image may be equal.
    hu : ndarray
        float32, in the patient's frame.
    """
    digest = hashlib.sha256(repr(hu.shape).encode())
    digest.update(np.ascontiguousarray(hu, "<f4").data)
    return Scan(tuple(sorted(set(SOPInstanceUIDs))), digest.hexdigest())


@dataclass(frozen=True)
class Contour:
    """A closed line on a source image.

    Attributes
    ----------
    site : str
        As in the measurements that it belongs to.
    what : str
        What it encloses, e.g. ``trabecular bone``, ``skeletal muscle``.
    SOPInstanceUID, frame
        The image, and the number of its frame from 1; 0 where it has one only.
    points : ndarray
        float64, shape (n, 2): (column, row) as SCOORD has it (PS3.3 C.18.6.1.2): 0\\0 is the upper
        left corner of the first pixel and its centre is 0.5\\0.5, so what
        :meth:`engines.planes.Plane.pixel` says and a half. Not closed: the last is not the first.
    laterality : {'L', 'R', None}
        Side, where the site is paired.
    """

    site: str
    what: str
    SOPInstanceUID: str
    frame: int
    points: Points
    laterality: str | None = None


@dataclass(frozen=True)
class Mask:
    """Pixels of source images that belong together.

    Attributes
    ----------
    site, what : str
        As in :class:`Contour`.
    pixels : mapping of (SOPInstanceUID, frame) to ndarray
        bool, shape (row, column) of that image; frame as in :class:`Contour`.
    laterality : {'L', 'R', None}
        Side, where it is paired.
    """

    site: str
    what: str
    pixels: Mapping[tuple[str, int], Pixels]
    laterality: str | None = None


@dataclass(frozen=True)
class Section:
    """A cut through a volume as a reader hangs it, head or front up, the patient's right left.

    Attributes
    ----------
    hu : ndarray
        float32, shape (row, column); NaN where nothing was measured. A sagittal section has the
        front on the left.
    spacing_mm : (row, column)
        From one to the next.
    site : str
        The level that it shows, where it shows one.
    outlines : tuple of ndarray
        float64, shape (n, 2): (row, column) from 0 at the first centre, closed lines to draw.
    masks : mapping of str to ndarray
        bool, shape of ``hu``: what to shade, by name, e.g. ``skeletal muscle``.
    """

    hu: Grey
    spacing_mm: tuple[float, float]
    site: str = ""
    outlines: tuple[Points, ...] = ()
    masks: Mapping[str, Pixels] = field(default_factory=dict)


@dataclass(frozen=True)
class Mark:
    """One vertebra on the sagittal section.

    Attributes
    ----------
    site : str
        E.g. ``L1``; empty where the level is not certain.
    at : (row, column)
        The middle of its body on the section, from 0 at the first centre.
    value : float or None
        Its trabecular attenuation, HU; None where it was set aside.
    band : {0, 1, 2, None}
        Where the value lies: up to the lower threshold, between both, above; None where no band is
        given.
    note : str
        Why it was set aside, or what is suspected, in a few words.
    ratio : float or None
        Its lowest height ratio.
    score : float or None
        What a network makes of it, range [0, 1].
    corners : ndarray or None
        float64, shape (6, 2), (row, column): anterior upper and lower, middle upper and lower,
        posterior upper and lower ends of the heights.
    """

    site: str
    at: tuple[float, float]
    value: float | None = None
    band: int | None = None
    note: str = ""
    ratio: float | None = None
    score: float | None = None
    corners: Points | None = None


@dataclass(frozen=True)
class Views:
    """What a picture of a measured CT shows.

    Attributes
    ----------
    sagittal : Section
        Along the canal.
    marks : tuple of Mark
        The vertebrae on it, from the head to the feet.
    bone : Section or None
        The axial slice with the region that was measured, L1 where there is one.
    muscle : Section or None
        The axial slice at L3: ``skeletal muscle``, ``intermuscular fat``, ``visceral fat`` and
        ``subcutaneous fat`` as masks, those that there are.
    bands_hu : (lower, upper) or None
        The thresholds that the bands lie between; None where no band is given.
    """

    sagittal: Section
    marks: tuple[Mark, ...]
    bone: Section | None = None
    muscle: Section | None = None
    bands_hu: tuple[float, float] | None = None


@dataclass(frozen=True)
class Prognosis:
    """What is expected of the years to come.

    Attributes
    ----------
    fracture_free : tuple of float
        Probability of no new fracture by the end of each year, from the first on; never rising.
    """

    fracture_free: tuple[float, ...]
