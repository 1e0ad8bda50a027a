"""Scatter, grid, exposure control, blur and noise: from what gets through to a raw film."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from engines.phantoms.xray.beam import Quality, light
from engines.phantoms.xray.geometry import Geometry
from engines.phantoms.xray.scales import broad, shrink

Values = NDArray[np.float64]

#: Scattered over unscattered energy at a detector without grid, per cm of water before it, for the
#: large fields of chest and pelvis: about 3 behind 20 cm (Bushberg et al., The Essential Physics of
#: Medical Imaging, 3rd ed., figure 7-23).
_SCATTER_PER_CM = 0.155

#: How far it spreads at the detector: standard deviations, mm, and the part of each (ours).
_SPREAD = ((18.0, 0.4), (60.0, 0.6))

#: Effective attenuation of water in these beams, to tell a thickness from a signal.
_WATER_PER_CM = 0.2

#: Noise that the scintillator adds: variance against that of the photons alone (a Swank factor of
#: 0.85).
_SWANK = 1.18

#: Standard deviation of a square pixel's own blur, in pixels.
_APERTURE_PX = 0.29

#: Pixels in which the electronics' noise is given, mm.
_ELEMENT_MM = 0.15


@dataclass(frozen=True)
class Grid:
    """What lets through little of what comes askew.

    Attributes
    ----------
    primary, scatter : float
        Part of each that passes; 1 and 1 without a grid.
    """

    primary: float = 1.0
    scatter: float = 1.0


@dataclass(frozen=True)
class Panel:
    """A detector and its tube's focal spot.

    Attributes
    ----------
    scintillator_mm, focal_mm : float
        Blur, standard deviation at the detector: by light in the scintillator, and by the focal
        spot (and motion), which does not blur the noise.
    electronic_ugy : float
        Noise of one element of 0.15 mm, as air kerma.
    """

    scintillator_mm: float = 0.13
    focal_mm: float = 0.10
    electronic_ugy: float = 0.06


@dataclass(frozen=True)
class Control:
    """How the exposure is ended.

    Attributes
    ----------
    dose_ugy : float
        Air kerma that the sensing fields wait for, behind the grid.
    fields_mm : tuple of (across, down)
        Middles of the fields from the film's middle; each is a square of 50 mm.
    most_mas : float
        When the generator gives up.
    """

    dose_ugy: float = 3.0
    fields_mm: tuple[tuple[float, float], ...] = ((-75.0, -60.0), (75.0, -60.0))
    most_mas: float = 500.0


@dataclass(frozen=True)
class Shot:
    """One exposure's settings.

    Attributes
    ----------
    quality : Quality
        Tube voltage and filtration.
    grid : Grid
        Before the detector.
    panel : Panel
        The detector.
    control : Control
        Automatic exposure.
    heel : float
        How much less light falls on the film's lower edge than on its upper one.
    """

    quality: Quality
    grid: Grid = Grid()
    panel: Panel = Panel()
    control: Control = Control()
    heel: float = 0.0


@dataclass(frozen=True)
class Raw:
    """What a detector has measured.

    Attributes
    ----------
    dose_ugy : ndarray
        float64, shape (row, column): signal as air kerma.
    open_ugy : float
        What it would be without patient, with the same mAs.
    mas : float
        Tube load that the exposure control has let pass.
    sensed_ugy : float
        Mean in the sensing fields.
    """

    dose_ugy: Values
    open_ugy: float
    mas: float
    sensed_ugy: float


def falloff(geometry: Geometry, heel: float) -> Values:
    """Return light at each pixel against that at 1 m: float64, shape (row, column)."""
    rows, columns = (np.arange(size, dtype=np.float64) for size in geometry.shape)
    to = geometry.targets_mm(rows[:, None], columns[None, :]) - geometry.source_mm
    square = np.square(to[..., 0]) + np.square(to[..., 1]) + np.square(to[..., 2])
    slope = 1 - heel * (rows[:, None] / max(len(rows) - 1, 1) - 0.5)
    return np.asarray(slope * geometry.distance_mm * 1e6 / square**1.5, dtype=np.float64)


def scattered(primary: Values, open_light: Values, pitch_mm: float) -> Values:
    """Return the scatter before the grid: float64, same shape and unit as the primary light."""
    depth_cm = np.log(np.maximum(open_light, 1e-30) / np.maximum(primary, 1e-30)) / _WATER_PER_CM
    made = _SCATTER_PER_CM * primary * np.clip(depth_cm, 0.0, 40.0)
    return np.asarray(sum(part * broad(made, mm / pitch_mm) for mm, part in _SPREAD))


def sensed(signal: Values, fields_mm: tuple[tuple[float, float], ...], pitch_mm: float) -> float:
    """Return the mean signal in the sensing fields."""
    means = []
    for across, down in fields_mm:
        middle = [
            (size - 1) / 2 + off / pitch_mm
            for size, off in zip(signal.shape, (down, across), strict=True)
        ]
        half = max(25.0 / pitch_mm, 0.5)
        part = signal[tuple(slice(max(int(m - half), 0), int(m + half) + 1) for m in middle)]
        means.append(float(part.mean()))
    return float(np.mean(means))


def expose(
    primary: Values, lead: Values, geometry: Geometry, shot: Shot, rng: np.random.Generator
) -> Raw:
    """Take the film.

    Parameters
    ----------
    primary : ndarray
        float64, shape (row, column): :func:`~engines.phantoms.xray.beam.primary_kev_mm2`.
    lead : ndarray
        float64, same shape: part that shutters and lead letters let through.
    geometry : Geometry
        Whose pixels these are.
    shot : Shot
        The settings.
    rng : Generator
        For the noise.

    Returns
    -------
    Raw
        The detector's signal.
    """
    beam, grid = light(shot.quality), shot.grid
    fall = falloff(geometry, shot.heel)
    open_light = fall * float(beam.energy_kev.sum())
    bare = primary * fall
    haze = scattered(bare, open_light, geometry.pitch_mm)
    behind = (grid.primary * bare + grid.scatter * haze) / beam.kev_per_ugy
    per_mas = sensed(behind, shot.control.fields_mm, geometry.pitch_mm)
    mas = min(shot.control.dose_ugy / per_mas, shot.control.most_mas)
    ugy = mas * (grid.primary * bare * lead + grid.scatter * haze * _dimmed(lead, geometry))
    ugy = _noisy(ugy / beam.kev_per_ugy, geometry.pitch_mm, shot, rng)
    whole = mas * grid.primary * float(open_light.mean()) / beam.kev_per_ugy
    return Raw(ugy, whole, mas, mas * per_mas)


def _dimmed(lead: Values, geometry: Geometry) -> Values:
    """Letters lie on the detector and stop scatter too; behind shutters it comes from nearby."""
    if float(shrink(lead, 8).min()) > 0.9:
        return lead
    return np.maximum(lead, 0.5 * broad(lead, 6.0 / geometry.pitch_mm) * (lead > 0.0018))


def _noisy(ugy: Values, pitch_mm: float, shot: Shot, rng: np.random.Generator) -> Values:
    """Blur the signal, and add the photons' noise, which the scintillator blurs, and its own."""
    beam, panel = light(shot.quality), shot.panel
    sigma = np.hypot(panel.scintillator_mm, panel.focal_mm) / pitch_mm
    ugy = gaussian_filter(ugy, float(np.hypot(sigma, _APERTURE_PX)), mode="nearest", truncate=3.0)
    per_photon = _SWANK * beam.mean_kev / (beam.kev_per_ugy * pitch_mm**2)
    noise = np.sqrt(per_photon * np.maximum(ugy, 0.0)) * rng.standard_normal(ugy.shape)
    own_px = panel.scintillator_mm / pitch_mm
    if own_px > 0.25:
        noise = gaussian_filter(noise, own_px, mode="nearest", truncate=3.0)
    electronic = panel.electronic_ugy * _ELEMENT_MM / pitch_mm
    return np.maximum(ugy + noise + electronic * rng.standard_normal(ugy.shape), 1e-4)
