"""What was measured, as pixels and lines of the source slices, however those lie in the patient."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engines.anatomy.vertebral_body import VertebralBody
from engines.ct_attenuation.region import WHAT, Oval
from engines.planes import Plane
from engines.sights import Contour, Mask, Pixels
from engines.volume import Volume

Points = NDArray[np.float64]
#: Tells of places in LPS, shape (..., 3), which lie in a region: bool, shape (...).
Inside = Callable[[Points], Pixels]


def bone_mask(volume: Volume, body: VertebralBody, oval: Oval) -> Mask:
    """Return the pixels whose centres lie in the oval cylinder of one level."""

    def inside(places: Points) -> Pixels:
        return oval.holds(body.axes.along_mm(places))

    middle = body.axes.place_mm(0.0, oval.front_mm, 0.0)
    reach_mm = float(np.linalg.norm([oval.deep_mm, oval.across_mm, oval.high_mm]))
    pixels = {}
    for plane in volume.planes:
        if abs((middle - plane.position_mm) @ plane.normal) <= reach_mm:
            marked = _around(plane, middle, reach_mm, inside)
            if marked.any():
                pixels[plane.SOPInstanceUID, plane.frame] = marked
    return Mask(body.level, WHAT, pixels)


def wall_contour(volume: Volume, body: VertebralBody) -> Contour:
    """Return the walls of a body on the source slice through its middle.

    The walls are those of its waist, followed along the body's own axis to the slice.
    """
    axes = body.axes
    plane = min(volume.planes, key=lambda one: abs((axes.middle_mm - one.position_mm) @ one.normal))
    turn = np.arange(len(body.wall_mm)) * 2 * np.pi / len(body.wall_mm)
    places = (
        axes.middle_mm
        + (body.wall_mm * np.cos(turn))[:, None] * axes.front
        + (body.wall_mm * np.sin(turn))[:, None] * axes.left
    )
    off_mm = (axes.middle_mm - places) @ plane.normal / (axes.up @ plane.normal)
    points = np.array([plane.pixel(place) for place in places + off_mm[:, None] * axes.up])
    at = plane.SOPInstanceUID, plane.frame
    return Contour(body.level, "vertebral body", *at, points + 0.5)


def on_source(volume: Volume, number: int, marked: Pixels) -> dict[tuple[str, int], Pixels]:
    """Return what is marked in one slice of a volume on the source slice nearest to it.

    Parameters
    ----------
    volume : Volume
        The CT.
    number : int
        Of its slice.
    marked : ndarray
        bool, shape (row, column) of the volume.

    Returns
    -------
    dict
        The ``pixels`` of a :class:`engines.sights.Mask`.
    """
    _, rows, columns = volume.hu.shape

    def inside(places: Points) -> Pixels:
        _, row, column = np.moveaxis(np.rint(volume.voxel_of(places)).astype(int), -1, 0)
        seen = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        within: Pixels = seen & marked[row.clip(0, rows - 1), column.clip(0, columns - 1)]
        return within

    middle = volume.point_mm((number, rows // 2, columns // 2))
    plane, _ = volume.source((number, rows // 2, columns // 2))
    reach_mm = float(np.hypot(*np.multiply((rows, columns), volume.spacing_mm[1:])))
    return {(plane.SOPInstanceUID, plane.frame): _around(plane, middle, reach_mm, inside)}


def _around(plane: Plane, middle_mm: Points, reach_mm: float, inside: Inside) -> Pixels:
    """Ask of the pixels of a plane within reach of a place which are inside."""
    column, row = plane.pixel(middle_mm)
    row_mm, column_mm = plane.spacing_mm
    marked = np.zeros(plane.shape, bool)
    box = tuple(
        slice(max(0, int(at - reach_mm / step)), min(size, int(at + reach_mm / step) + 2))
        for at, step, size in zip((row, column), plane.spacing_mm, plane.shape, strict=True)
    )
    rows, columns = np.mgrid[box]
    places = (
        plane.position_mm
        + rows[..., None] * row_mm * plane.down_column
        + columns[..., None] * column_mm * plane.along_row
    )
    marked[box] = inside(places)
    return marked
