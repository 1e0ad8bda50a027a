"""From path lengths to a film: beam, scatter, noise, the vendor's processing, the marker."""

from dataclasses import dataclass

import numpy as np

from engines.phantoms.anatomy import draw_anatomy
from engines.phantoms.person import ChestPatient
from engines.phantoms.projector import Map, View, blur, enlarge
from engines.phantoms.skeleton import bone_of, bones
from engines.phantoms.soft_tissue import soft_tissue

#: Per mm at the effective energy of a filtered, hardened chest beam (about 60 keV).
SOFT_PER_MM = 0.0205
COMPACT_BONE_PER_MM = 0.038

#: Finest pitch at which the body is drawn, mm; larger films are interpolated, then get their noise.
_FINEST_MM = 0.45

#: Of focal spot and detector together, standard deviation.
_BLUR_MM = 0.48


@dataclass(frozen=True)
class Exposure:
    """What varies between films and says nothing about bone.

    Attributes
    ----------
    field_mm, off_x_mm, off_y_mm, rotation_deg : float
        Field of view (width) and how the patient stands in it.
    hardness : float
        Bone's attenuation against that at the usual tube voltage.
    quanta : float
        Detected per square millimetre behind nothing.
    scatter : float
        Against the primary beam, after the grid.
    detail, equalise : float
        Vendor's edge enhancement and dynamic-range compression.
    low, high, gamma : float
        Window as quantiles of the body, and the look-up table's bend.
    collimation : (top, bottom, left, right)
        Covered border, as a part of the film.
    marker : str
        ``L``, ``R`` or empty.
    """

    field_mm: float
    off_x_mm: float
    off_y_mm: float
    rotation_deg: float
    hardness: float
    quanta: float
    scatter: float
    detail: float
    equalise: float
    low: float
    high: float
    gamma: float
    collimation: tuple[float, float, float, float]
    marker: str


def draw_exposure(seed: int) -> Exposure:
    """Draw an exposure; it depends on the seed alone, never on the patient."""
    rng = np.random.default_rng([seed, 4])
    edges = rng.uniform(0.0, 0.05, 4) * (rng.random(4) < 0.3)
    return Exposure(
        field_mm=float(rng.uniform(335, 400)),
        off_x_mm=float(rng.normal(0, 7)),
        off_y_mm=float(rng.normal(0, 10)),
        rotation_deg=float(rng.normal(0, 2.0)),
        hardness=float(rng.normal(1.0, 0.025)),
        quanta=float(np.exp(rng.uniform(np.log(5e4), np.log(4e5)))),
        scatter=float(rng.uniform(0.15, 0.5)),
        detail=float(rng.uniform(0.0, 0.7)),
        equalise=float(rng.uniform(0.0, 0.4)),
        low=float(rng.uniform(0.005, 0.05)),
        high=float(rng.uniform(0.96, 0.999)),
        gamma=float(np.exp(rng.normal(0, 0.15))),
        collimation=(float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3])),
        marker=str(rng.choice(["L", "R", ""], p=[0.45, 0.35, 0.2])),
    )


def chest_film(
    patient: ChestPatient, seed: int, shape: tuple[int, int] = (256, 256), lateral: bool = False
) -> Map:
    """Take one chest film of a virtual patient.

    Parameters
    ----------
    patient : ChestPatient
        Whose bone density the film shows.
    seed : int
        Draws the body and the exposure; both films of one seed show the same body.
    shape : (rows, columns)
        Of the film.
    lateral : bool
        Left lateral instead of PA.

    Returns
    -------
    ndarray
        float32, shape (row, column), range [0, 1], bone white: what
        :attr:`engines.images.Radiograph.pixels` holds.
    """
    exposure = draw_exposure(seed)
    view = _view(exposure, shape, lateral)
    coarse = _coarser(view)
    growth = np.random.default_rng([seed, 3])
    body = draw_anatomy(patient, growth)
    water = soft_tissue(body, coarse, growth)
    rng = np.random.default_rng([seed, 5, int(lateral)])
    bone = bones(body, bone_of(patient.skeleton_t, body.cortex), coarse, rng)
    path = SOFT_PER_MM * water + COMPACT_BONE_PER_MM * exposure.hardness * bone
    path = blur(path, _sharpness_px(coarse))
    if coarse.shape != view.shape:
        path = enlarge(path, view.shape)
    return _finish(_process(_expose(path, exposure, view, rng), exposure, view), exposure)


def field_of(seed: int, shape: tuple[int, int], lateral: bool = False) -> View:
    """Return where the film of this seed lies; ``spacing_mm`` is in the body's middle plane."""
    return _view(draw_exposure(seed), shape, lateral)


def _view(exposure: Exposure, shape: tuple[int, int], lateral: bool) -> View:
    return View(
        shape=shape,
        spacing_mm=exposure.field_mm / shape[1],
        centre_mm=(exposure.off_x_mm + (0 if not lateral else -10), 128 + exposure.off_y_mm),
        rotation_deg=exposure.rotation_deg,
        lateral=lateral,
    )


def _coarser(view: View) -> View:
    factor = max(1.0, _FINEST_MM / view.spacing_mm)
    shape = (round(view.shape[0] / factor), round(view.shape[1] / factor))
    spacing = view.spacing_mm * view.shape[1] / shape[1]
    return View(shape, spacing, view.centre_mm, view.rotation_deg, view.lateral)


def _sharpness_px(view: View) -> float:
    """Blur of focal spot and detector, less what drawing on this grid has blurred already."""
    drawn = 0.41
    return float(np.sqrt(max(0.0, (_BLUR_MM / view.spacing_mm) ** 2 - drawn**2)))


def _expose(path: Map, exposure: Exposure, view: View, rng: np.random.Generator) -> Map:
    """Beer-Lambert, scatter and quantum noise; the logarithm of what the detector saw."""
    primary = np.exp(-path)
    haze = _spread(primary, 45 / view.spacing_mm)
    seen = (primary + exposure.scatter * haze * 0.6) / (1 + exposure.scatter * 0.6)
    count = exposure.quanta * view.spacing_mm**2
    noise = rng.standard_normal(view.shape, dtype=np.float32) * np.sqrt(seen / count)
    return np.asarray(-np.log(np.maximum(seen + noise, 1e-5)), dtype=np.float32)


def _spread(film: Map, sigma_px: float) -> Map:
    """Blur widely at an eighth of the size."""
    small = (max(8, film.shape[0] // 8), max(8, film.shape[1] // 8))
    rows = np.arange(small[0] + 1) * film.shape[0] // small[0]
    columns = np.arange(small[1] + 1) * film.shape[1] // small[1]
    sums = np.add.reduceat(np.add.reduceat(film, rows[:-1], axis=0), columns[:-1], axis=1)
    means = (sums / np.outer(np.diff(rows), np.diff(columns))).astype(np.float32)
    return enlarge(blur(means, sigma_px / 8), (film.shape[0], film.shape[1]))


def _process(raw: Map, exposure: Exposure, view: View) -> Map:
    """Edge enhancement, dynamic-range compression, window, look-up table; range [0, 1]."""
    fine = raw - _spread(raw, 9 / view.spacing_mm)
    broad = _spread(raw, 50 / view.spacing_mm)
    shown = raw + exposure.detail * fine
    body = raw > 0.35
    shown = shown - exposure.equalise * (broad - broad[body].mean())
    low, high = np.quantile(shown[body], [exposure.low, exposure.high])
    level = np.clip((shown - low * 0.9) / (high - low * 0.9), 0, 1) ** exposure.gamma
    # air around the patient stays black, whatever the compression did to it
    return np.asarray(level * np.clip(raw / 0.35, 0, 1), dtype=np.float32)


def _finish(film: Map, exposure: Exposure) -> Map:
    rows, columns = film.shape
    top, bottom, left, right = exposure.collimation
    if exposure.marker:
        _stamp(film, exposure.marker)
    film[: int(top * rows)] = 0
    film[rows - int(bottom * rows) :] = 0
    film[:, : int(left * columns)] = 0
    film[:, columns - int(right * columns) :] = 0
    return film


_LETTERS = {
    "L": ("1....", "1....", "1....", "1....", "1....", "1....", "11111"),
    "R": ("1111.", "1...1", "1...1", "1111.", "1.1..", "1..1.", "1...1"),
}


def _stamp(film: Map, letter: str) -> None:
    """A lead letter at the patient's own side: left is on the right of the film."""
    glyph = np.array([[c == "1" for c in line] for line in _LETTERS[letter]])
    size = max(1, film.shape[0] // 200)
    glyph = np.kron(glyph, np.ones((size, size), dtype=bool)).astype(bool)
    row = film.shape[0] // 14
    inset = film.shape[1] // 14
    column = inset if letter == "R" else film.shape[1] - inset - glyph.shape[1]
    film[row : row + glyph.shape[0], column : column + glyph.shape[1]][glyph] = 1.0
