"""What a reader who knows where the bones are measures there: in the image, not in the person.

The places come from the body's shape, as a reader finds them; the values from the pixels alone.
"""

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from engines.phantoms.body.build import Build, draw_build
from engines.phantoms.body.femur import FOOT
from engines.phantoms.body.ribs import rib_path
from engines.phantoms.people.person import Person
from engines.phantoms.xray.films import Film

Seen = dict[str, float]


def at_hip(film: Film, person: Person, side: str) -> Seen:
    """Measure cortex and texture of one femur on a film of hip or pelvis."""
    build = draw_build(person, lying=True)
    size, out = build.stature * build.width, 1.0 if side == "L" else -1.0
    head = build.femoral_head_mm(side)
    foot = head + size * FOOT * np.array([out, 1.0, 1.0])
    values = {
        f"{name} {key}": value
        for name, place in {"head": head, "neck": head + 0.55 * (foot - head), "foot": foot}.items()
        for key, value in _patch(film, place, 8 * size).items()
    }
    for below in (75.0, 95.0):
        shaft = np.array([foot[0], foot[1], head[2] - below * size])
        values |= {f"shaft {below:.0f} {k}": v for k, v in _shaft(film, shaft, size).items()}
    return values


def _shaft(film: Film, place: np.ndarray, size: float) -> Seen:
    """Return how a femur's shaft stands out from the thigh, and how much of it is cortex."""
    u = np.linspace(-30, 30, 121) * size
    rows = [place + np.array([0.0, 0.0, dz]) for dz in np.linspace(-6, 6, 13)]
    profile = np.mean([_along(film, row + u[:, None] * np.array([1.0, 0, 0])) for row in rows], 0)
    inner = np.abs(u) < 20 * size
    beside = float(np.median(profile[np.abs(u) > 24 * size]))
    lifted = profile - beside
    peak = float(np.quantile(lifted[inner], 0.97))
    wide = float(np.mean(lifted[inner] > 0.5 * peak))
    middle = float(np.mean(lifted[np.abs(u) < 4 * size]))
    area = float(np.mean(np.clip(lifted[inner], 0, None)))
    span = _span(film)
    return {
        "peak": peak / span,
        "area": area / span,
        "middle": middle / span,
        "hollow": middle / max(peak, 1e-3),
        "wide": wide,
    }


def _span(film: Film) -> float:
    low, high = np.quantile(film.pixels, (0.1, 0.95))
    return max(float(high - low), 0.05)


def _patch(film: Film, place: np.ndarray, radius_mm: float) -> Seen:
    """Return mean against the surroundings, and fine and coarse texture, of a round patch."""
    row, column, scale = (float(v[0]) for v in film.geometry.project(place[None]))
    pitch = film.geometry.pitch_mm / scale
    rows, columns = np.ogrid[: film.pixels.shape[0], : film.pixels.shape[1]]
    off = np.hypot(rows - row, columns - column) * pitch
    inside, around = off < radius_mm, (off > 3.2 * radius_mm) & (off < 4.5 * radius_mm)
    if inside.sum() < 5 or around.sum() < 5:
        return {"mean": np.nan, "fine": np.nan, "coarse": np.nan}
    span = _span(film)
    fine = film.pixels - gaussian_filter(film.pixels, 1.2 / pitch)
    coarse = gaussian_filter(film.pixels, 1.2 / pitch) - gaussian_filter(film.pixels, 4 / pitch)
    return {
        "mean": float(film.pixels[inside].mean() - film.pixels[around].mean()) / span,
        "fine": float(fine[inside].std()) / span,
        "coarse": float(coarse[inside].std()) / span,
    }


def _along(film: Film, points_mm: np.ndarray) -> np.ndarray:
    row, column, _ = film.geometry.project(points_mm)
    return map_coordinates(film.pixels, [row, column], order=1, mode="nearest")


def at_chest(film: Film, person: Person) -> Seen:
    """Measure ribs against the lung between them, and vertebrae against what lies beside them."""
    build = draw_build(person)
    span = _span(film)
    ribs = [_rib(film, build, number, side) for number in range(3, 10) for side in (-1, 1)]
    values: Seen = {
        "ribs": float(np.log(max(np.mean(ribs), 0.003))),
        "median rib": float(np.log(max(np.median(ribs), 0.003))),
        "span": float(np.log(span)),
    }
    for level in ("T3", "T5", "T7", "T9", "T11", "T12"):
        centre = build.vertebra_centre_mm(level)
        across = np.linspace(-30, 30, 61)[:, None] * np.array([1.0, 0, 0])
        heights = np.linspace(-0.3, 0.3, 7) * build.intact_mm(level)[2]
        profile = np.mean(
            [_along(film, centre + across + [0.0, 0.0, dz]) for dz in heights], axis=0
        )
        values[f"body {level}"] = float(
            profile[20:41].mean() - profile[[3, 4, 5, -6, -5, -4]].mean()
        )
        values[f"body {level}"] /= span
        values[f"texture {level}"] = float(np.std(np.diff(profile, 2))) / span
    return values


def _rib(film: Film, build: Build, number: int, side: int) -> float:
    """Return how much brighter the back part of a rib is than the spaces above and below."""
    path = rib_path(build, number, side, 4.0)
    path = path[len(path) // 10 : len(path) // 3]
    near, beside = (
        [float(_along(film, path + np.array([0.0, 0.0, dz])).mean()) for dz in heights]
        for heights in ((-3.0, 0.0, 3.0), (-14.0, 14.0))
    )
    return max(near) - float(np.mean(beside))
