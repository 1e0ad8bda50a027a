"""From shapes in millimetres to path lengths on a film.

Frame: x to the patient's left, y down (0 at the top of T1), z to the front; millimetres. A frontal
film shows x to the right, a left lateral film shows the front on the left. The beam diverges from a
point source behind the patient (or at the right side for the lateral).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Points = NDArray[np.float64]

#: Source to the middle of the body; with 150 mm more to the detector this is the usual 1.8 m.
SOURCE_MM = 1650.0
DETECTOR_MAGNIFICATION = 1.09


@dataclass(frozen=True)
class View:
    """Where the film lies and how the patient stands.

    Attributes
    ----------
    shape : (rows, columns)
        Of the film.
    spacing_mm : float
        Pixel pitch in the plane through the middle of the body.
    centre_mm : (horizontal, vertical)
        The body's point in the middle of the film.
    rotation_deg : float
        Of the patient around the vertical.
    lateral : bool
        Left lateral instead of frontal.
    """

    shape: tuple[int, int]
    spacing_mm: float
    centre_mm: tuple[float, float]
    rotation_deg: float = 0.0
    lateral: bool = False

    def axes(self) -> tuple[Map, Map]:
        """Return horizontal (1, column) and vertical (row, 1) positions of the pixels, mm."""
        rows, columns = self.shape
        u = (np.arange(columns) - (columns - 1) / 2) * self.spacing_mm + self.centre_mm[0]
        v = (np.arange(rows) - (rows - 1) / 2) * self.spacing_mm + self.centre_mm[1]
        return u[None, :].astype(np.float32), v[:, None].astype(np.float32)

    def turn(self) -> NDArray[np.float64]:
        """Return the matrix (3, 3) from body to view: across, down, along the beam."""
        angle = np.deg2rad(self.rotation_deg + (90.0 if self.lateral else 0.0))
        c, s = np.cos(angle), np.sin(angle)
        return np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])


def splat(view: View, points: Points, volumes_mm3: NDArray[np.float64]) -> Map:
    """Project small volumes onto the film.

    Parameters
    ----------
    view : View
        The film.
    points : ndarray
        float64, shape (point, 3), mm, body frame.
    volumes_mm3 : ndarray
        float64, shape (point,).

    Returns
    -------
    ndarray
        float32, shape (row, column): path length, mm.
    """
    turned = (points @ view.turn().T).astype(np.float32)
    # parts nearer the source (depth < 0) are magnified more
    scale = np.float32(SOURCE_MM / view.spacing_mm) / (np.float32(SOURCE_MM) + turned[:, 2])
    rows, columns = view.shape
    first = [
        (n - 1) / 2 - c / view.spacing_mm
        for n, c in zip((columns, rows), view.centre_mm, strict=True)
    ]
    column = turned[:, 0] * scale + np.float32(first[0])
    row = turned[:, 1] * scale + np.float32(first[1])
    inside = (column >= 0) & (column < columns - 1) & (row >= 0) & (row < rows - 1)
    column, row, volume = column[inside], row[inside], volumes_mm3[inside]
    left, top = column.astype(np.int32), row.astype(np.int32)
    right_part, lower_part = column - left, row - top
    corner = (top * columns + left).astype(np.intp)
    lower, upper = volume * lower_part, volume * (1 - lower_part)
    film = np.zeros(rows * columns)
    for part, below in ((upper, 0), (lower, columns)):
        film += np.bincount(corner + below, part * (1 - right_part), rows * columns)
        film += np.bincount(corner + (below + 1), part * right_part, rows * columns)
    return (film.reshape(view.shape) / view.spacing_mm**2).astype(np.float32)


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid; ``tilt_deg`` turns it in the coronal plane."""

    centre_mm: tuple[float, float, float]
    semi_axes_mm: tuple[float, float, float]
    tilt_deg: float = 0.0


def ellipsoid(view: View, shape: Ellipsoid) -> Map:
    """Return the path length through an ellipsoid: float32, shape (row, column), mm."""
    t = np.deg2rad(shape.tilt_deg)
    tilt = np.array([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]])
    axes = view.turn() @ tilt
    a = axes @ np.diag(1.0 / np.square(shape.semi_axes_mm)) @ axes.T
    centre = (view.turn() @ np.array(shape.centre_mm)).tolist()
    scale = SOURCE_MM / (SOURCE_MM + centre[2])
    u, v = view.axes()
    du, dv = u / scale - centre[0], v / scale - centre[1]
    # plain floats keep the maps in single precision
    (uu, uv, ud), (_, vv, vd), (_, _, dd) = a.tolist()
    half = ud * du + vd * dv
    rest = uu * du**2 + 2 * uv * du * dv + vv * dv**2 - 1
    chord = 2 * np.sqrt(np.clip(half**2 - dd * rest, 0, None)) / dd
    return np.asarray(chord, dtype=np.float32)


def tube(path: Points, radii_mm: tuple[float, float], ring: int) -> tuple[Points, Points]:
    """Return the surface of tubes along paths.

    Parameters
    ----------
    path : ndarray
        float64, shape (tube, step, 3), mm.
    radii_mm : (along the vertical, across)
        Half-axes of the elliptic cross-section.
    ring : int
        Points around it.

    Returns
    -------
    offsets : ndarray
        float64, shape (tube, step, ring, 3): from path to surface, mm; scale them to fill the tube.
    steps_mm : ndarray
        float64, shape (tube, step): length that each step stands for.
    """
    tangent = np.gradient(path, axis=1)
    steps = np.linalg.norm(tangent, axis=2)
    tangent /= np.maximum(steps, 1e-9)[..., None]
    # a tube that runs vertically takes z as its first cross-direction
    upright = np.abs(tangent[..., 1:2]) > 0.9
    reference = np.where(upright, np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]))
    across = np.cross(tangent, reference)
    across /= np.linalg.norm(across, axis=2, keepdims=True)
    along = np.cross(across, tangent)
    angle = 2 * np.pi * (np.arange(ring) + 0.5) / ring
    offsets = (
        radii_mm[0] * np.cos(angle)[:, None] * along[..., None, :]
        + radii_mm[1] * np.sin(angle)[:, None] * across[..., None, :]
    )
    return offsets, steps


def curve(knots: Sequence[Sequence[float]], steps: int) -> Points:
    """Draw a smooth curve (Catmull-Rom) through knots: float64, shape (step, 3), mm."""
    k = np.asarray(knots, dtype=np.float64)
    k = np.vstack([2 * k[0] - k[1], k, 2 * k[-1] - k[-2]])
    where = np.linspace(0, len(k) - 3 - 1e-9, steps)
    i = where.astype(np.intp)
    t = (where - i)[:, None]
    p0, p1, p2, p3 = k[i], k[i + 1], k[i + 2], k[i + 3]
    bend = (2 * p0 - 5 * p1 + 4 * p2 - p3) * t + (3 * p1 - p0 - 3 * p2 + p3) * t**2
    return np.asarray(p1 + 0.5 * t * ((p2 - p0) + bend), dtype=np.float64)


def blur(film: Map, sigma_px: float) -> Map:
    """Blur with a Gaussian; float32, shape kept, edges renormalised."""
    if sigma_px < 0.05:
        return film
    vertical = _gaussian(film.shape[0], film.shape[0], sigma_px)
    across = _gaussian(film.shape[1], film.shape[1], sigma_px)
    return np.asarray(vertical @ film @ across.T, dtype=np.float32)


def enlarge(film: Map, shape: tuple[int, int]) -> Map:
    """Interpolate to a larger shape with a kernel of half a source pixel."""
    vertical = _gaussian(shape[0], film.shape[0], 0.5)
    across = _gaussian(shape[1], film.shape[1], 0.5)
    return np.asarray(vertical @ film @ across.T, dtype=np.float32)


def _gaussian(out: int, size: int, sigma_px: float) -> Map:
    at = ((np.arange(out) + 0.5) * (size / out) - 0.5).astype(np.float32)
    distance = (at[:, None] - np.arange(size, dtype=np.float32)) / np.float32(sigma_px)
    weight = np.exp(np.maximum(-0.5 * np.square(distance), -60))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float32)
