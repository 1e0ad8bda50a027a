"""What varies between films and says nothing about bone: drawn from the seed alone."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engines.phantoms.xray.beam import Quality
from engines.phantoms.xray.detector import Control, Grid, Panel, Shot
from engines.phantoms.xray.marks import Letter, Shutters
from engines.phantoms.xray.processing import Look

#: This module's random stream.
STREAM = 4301


class Exam(StrEnum):
    """What is taken."""

    CHEST_PA = "chest PA"
    CHEST_LATERAL = "chest lateral"
    CHEST_AP = "chest AP"
    PELVIS = "pelvis"
    HIP = "hip"


@dataclass(frozen=True)
class Flaws:
    """What goes wrong on purpose.

    Attributes
    ----------
    wrong_marker : bool
        The letter stands at the other side.
    burnt_in : str
        Text in the picture; empty for none.
    clipped : bool
        A part of the anatomy is cut off.
    """

    wrong_marker: bool = False
    burnt_in: str = ""
    clipped: bool = False


@dataclass(frozen=True)
class Posture:
    """How far this film is off the book's position.

    Attributes
    ----------
    turn_deg, tip_deg, tilt_deg : float
        As for :class:`~engines.phantoms.xray.geometry.Stand`.
    aim_off_mm : (across, down)
        Where the central ray goes instead.
    shift_mm : (across, down)
        The detector's middle against the central ray.
    gap_mm : float
        Between skin and detector.
    distance_mm : float
        Focal spot to detector.
    """

    turn_deg: float
    tip_deg: float
    tilt_deg: float
    aim_off_mm: tuple[float, float]
    shift_mm: tuple[float, float]
    gap_mm: float
    distance_mm: float


@dataclass(frozen=True)
class Exposure:
    """All that a technologist and a vendor decide.

    Attributes
    ----------
    exam : Exam
        What for.
    posture : Posture
        Where tube and detector are.
    field_mm : float
        Longer side of the film.
    shot : Shot
        Beam, grid, detector, dose.
    look : Look
        Processing.
    letter : Letter
        Lead letter.
    shutters : Shutters
        Collimation.
    """

    exam: Exam
    posture: Posture
    field_mm: float
    shot: Shot
    look: Look
    letter: Letter
    shutters: Shutters


@dataclass(frozen=True)
class _Habit:
    """Ranges of one exam (ours, after the European guidelines on quality criteria, EUR 16260)."""

    kvp: tuple[int, int]
    field_mm: tuple[float, float]
    distance_mm: float
    gap_mm: tuple[float, float]
    grid: bool
    dose_ugy: tuple[float, float]
    fields_mm: tuple[tuple[float, float], ...]
    turn_deg: float
    aim_mm: float


_HABITS = {
    Exam.CHEST_PA: _Habit(
        (110, 130), (395, 430), 1800, (25, 50), True, (2.0, 5.0), ((-80, -50), (80, -50)), 2.0, 8
    ),
    Exam.CHEST_LATERAL: _Habit(
        (115, 130), (395, 430), 1800, (25, 50), True, (2.0, 5.0), ((-20, -20),), 2.5, 10
    ),
    Exam.CHEST_AP: _Habit(
        (80, 100), (395, 430), 1050, (15, 40), False, (2.0, 6.0), ((0, -30),), 4.0, 15
    ),
    Exam.PELVIS: _Habit(
        (70, 83), (400, 430), 1150, (60, 90), True, (2.5, 6.0), ((-70, 0), (70, 0)), 2.0, 8
    ),
    Exam.HIP: _Habit((66, 80), (235, 290), 1150, (60, 90), True, (2.5, 6.0), ((0, 0),), 2.0, 8),
}


def draw_exposure(seed: int, exam: Exam, flaws: Flaws | None = None) -> Exposure:
    """Draw an exposure; it depends on seed, exam and flaws, never on the patient.

    Parameters
    ----------
    seed : int
        Of the film.
    exam : Exam
        What for.
    flaws : Flaws, optional
        They change nothing else.
    """
    flaws = flaws or Flaws()
    habit = _HABITS[exam]
    rng = np.random.default_rng([seed, STREAM, list(Exam).index(exam)])
    field_mm = float(rng.uniform(*habit.field_mm))
    return Exposure(
        exam=exam,
        posture=_posture(habit, rng),
        field_mm=field_mm,
        shot=_shot(habit, rng),
        look=_look(rng),
        letter=_letter(exam, field_mm, flaws, rng),
        shutters=_shutters(flaws, rng),
    )


def _posture(habit: _Habit, rng: np.random.Generator) -> Posture:
    across, down, shift_across, shift_down = rng.normal(0, [0.5, 1.0, 0.4, 0.4])
    return Posture(
        turn_deg=float(rng.normal(0, habit.turn_deg)),
        tip_deg=float(rng.normal(0, 1.5)),
        tilt_deg=float(rng.normal(0, 1.0)),
        aim_off_mm=(float(habit.aim_mm * across), float(habit.aim_mm * down)),
        shift_mm=(float(habit.aim_mm * shift_across), float(habit.aim_mm * shift_down)),
        gap_mm=float(rng.uniform(*habit.gap_mm)),
        distance_mm=float(habit.distance_mm * rng.normal(1.0, 0.01)),
    )


def _shot(habit: _Habit, rng: np.random.Generator) -> Shot:
    copper = float(rng.choice([0.0, 0.1, 0.2], p=[0.6, 0.25, 0.15]))
    storage = bool(rng.random() < 0.25)
    through = (float(rng.uniform(0.66, 0.74)), float(rng.uniform(0.07, 0.14)))
    dose = np.exp(rng.uniform(*np.log(habit.dose_ugy)))
    return Shot(
        quality=Quality(float(rng.integers(habit.kvp[0], habit.kvp[1] + 1)), 3.0, copper),
        grid=Grid(*through) if habit.grid else Grid(),
        # plates of storage phosphor blur more, and need more
        panel=Panel(
            scintillator_mm=float(rng.uniform(0.18, 0.24) if storage else rng.uniform(0.1, 0.16)),
            focal_mm=float(rng.uniform(0.05, 0.16)),
            electronic_ugy=float(rng.uniform(0.04, 0.12)),
        ),
        control=Control(float(dose * (1.5 if storage else 1.0)), habit.fields_mm),
        heel=float(rng.normal(0, 0.05)),
    )


def _look(rng: np.random.Generator) -> Look:
    return Look(
        lift=float(rng.uniform(0.1, 1.1)),
        edges=float(rng.uniform(0.2, 1.6)),
        flatten=float(rng.uniform(0.05, 0.45)),
        low=float(rng.uniform(0.002, 0.02)),
        high=float(rng.uniform(0.94, 0.995)),
        toe=float(rng.uniform(0.38, 0.58)),
        slope=float(rng.uniform(1.0, 2.2)),
        air=float(rng.choice([0.0, rng.uniform(0.02, 0.1)])),
    )


def _letter(exam: Exam, field_mm: float, flaws: Flaws, rng: np.random.Generator) -> Letter:
    """A letter at its own side: the patient's left is on the right, in front on a lateral."""
    text = str(rng.choice(["L", "R"], p=[0.6, 0.4]))
    inset, down = float(rng.uniform(0.36, 0.45)), float(rng.uniform(-0.46, -0.36))
    number = str(rng.integers(10, 99)) if rng.random() < 0.2 else ""
    shown = bool(rng.random() < 0.92)
    side = 1.0 if text == "L" else -1.0
    if exam is Exam.CHEST_LATERAL:
        text, side = "L", -1.0
    if flaws.wrong_marker:
        text = {"L": "R", "R": "L"}[text]
    return Letter(
        text=text + number if shown or flaws.wrong_marker else "",
        at_mm=(side * inset * field_mm, down * field_mm),
        height_mm=float(rng.uniform(9, 15)),
        turn_deg=float(rng.choice([0.0, 90.0, -90.0], p=[0.8, 0.1, 0.1]) + rng.normal(0, 6)),
        mirrored=bool(exam is Exam.CHEST_PA and rng.random() < 0.2),
        ring=bool(rng.random() < 0.15),
    )


def _shutters(flaws: Flaws, rng: np.random.Generator) -> Shutters:
    covered = rng.random(4) < 0.3
    borders = (rng.uniform(0.005, 0.06, 4) * covered).tolist()
    turn = float(rng.normal(0, 0.5))
    black = bool(rng.random() < 0.75)
    where, cut = int(rng.integers(4)), float(rng.uniform(0.14, 0.24))
    if flaws.clipped:
        borders[where] = cut
    return Shutters((borders[0], borders[1], borders[2], borders[3]), turn, black)
