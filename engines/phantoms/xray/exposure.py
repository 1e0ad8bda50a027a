"""What varies between films and says nothing about bone: drawn from the seed alone."""

from dataclasses import dataclass, replace
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
    black: tuple[float, float]
    flatten: tuple[float, float]
    tones: tuple[float, ...]
    toe: tuple[float, float] = (0.38, 0.58)
    slope: tuple[float, float] = (1.0, 2.2)


_HABITS = {
    Exam.CHEST_PA: _Habit(
        kvp=(110, 130),
        field_mm=(370, 425),
        distance_mm=1800,
        gap_mm=(25, 50),
        grid=True,
        dose_ugy=(2.0, 5.0),
        fields_mm=((-80, -50), (80, -50)),
        turn_deg=2.0,
        aim_mm=8,
        black=(0.0, 0.012),
        flatten=(0.0, 0.3),
        tones=(0.37, 0.48, 0.58, 0.69, 0.82, 0.93),
        toe=(0.15, 0.42),
        slope=(1.2, 2.3),
    ),
    Exam.CHEST_LATERAL: _Habit(
        kvp=(115, 130),
        field_mm=(370, 425),
        distance_mm=1800,
        gap_mm=(25, 50),
        grid=True,
        dose_ugy=(2.0, 5.0),
        fields_mm=((-20, -20),),
        turn_deg=2.5,
        aim_mm=10,
        black=(0.0, 0.02),
        flatten=(0.0, 0.3),
        tones=(0.52, 0.6, 0.67, 0.74, 0.81, 0.89),
        toe=(0.4, 0.65),
        slope=(1.2, 2.3),
    ),
    Exam.CHEST_AP: _Habit(
        kvp=(80, 100),
        field_mm=(375, 440),
        distance_mm=1100,
        gap_mm=(15, 40),
        grid=False,
        dose_ugy=(2.0, 6.0),
        fields_mm=((0, -30),),
        turn_deg=4.0,
        aim_mm=15,
        black=(0.0, 0.012),
        flatten=(0.0, 0.3),
        tones=(0.33, 0.43, 0.52, 0.63, 0.79, 0.91),
        toe=(0.15, 0.42),
        slope=(1.2, 2.3),
    ),
    Exam.PELVIS: _Habit(
        kvp=(70, 83),
        field_mm=(395, 430),
        distance_mm=1150,
        gap_mm=(60, 90),
        grid=True,
        dose_ugy=(2.5, 6.0),
        fields_mm=((-70, 0), (70, 0)),
        turn_deg=2.0,
        aim_mm=8,
        black=(0.03, 0.12),
        flatten=(0.35, 0.75),
        tones=(0.4, 0.52, 0.6, 0.67, 0.75, 0.85),
    ),
    Exam.HIP: _Habit(
        kvp=(66, 80),
        field_mm=(235, 290),
        distance_mm=1150,
        gap_mm=(60, 90),
        grid=True,
        dose_ugy=(2.5, 6.0),
        fields_mm=((0, 0),),
        turn_deg=2.0,
        aim_mm=8,
        black=(0.08, 0.2),
        flatten=(0.35, 0.75),
        tones=(0.19, 0.34, 0.44, 0.54, 0.65, 0.77),
    ),
}


def draw_exposure(
    seed: int, exam: Exam, flaws: Flaws | None = None, side: str = "L", size: float = 1.0
) -> Exposure:
    """Draw an exposure; of the patient it knows the size alone, as who opens the shutters does.

    Parameters
    ----------
    seed : int
        Of the film.
    exam : Exam
        What for.
    flaws : Flaws, optional
        They change nothing else.
    side : {'L', 'R'}
        Of a hip, for its letter.
    size : float
        Of the field against that for a stature of 1.70 m.
    """
    flaws = flaws or Flaws()
    habit = _HABITS[exam]
    rng = np.random.default_rng([seed, STREAM, list(Exam).index(exam)])
    field_mm = float(rng.uniform(*habit.field_mm) * size)
    return Exposure(
        exam=exam,
        posture=_posture(habit, rng),
        field_mm=field_mm,
        shot=_shot(habit, rng),
        look=_look(habit, rng),
        letter=_flawed(_letter(exam, field_mm, side, rng), flaws),
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


def _look(habit: _Habit, rng: np.random.Generator) -> Look:
    return Look(
        lift=float(rng.uniform(0.0, 0.9)),
        edges=float(rng.uniform(0.1, 1.3)),
        flatten=float(rng.uniform(*habit.flatten)),
        low=float(rng.uniform(*habit.black)),
        high=float(rng.uniform(0.985, 0.9998)),
        toe=float(rng.uniform(*habit.toe)),
        slope=float(rng.uniform(*habit.slope)),
        air=float(rng.choice([0.0, rng.uniform(0.02, 0.1)])),
        white=float(rng.uniform(0.84, 1.0)),
        tones=habit.tones,
        adapting=float(rng.uniform(0.85, 1.0)),
    )


def _letter(exam: Exam, field_mm: float, hip: str, rng: np.random.Generator) -> Letter:
    """A letter at its own side: the patient's left is on the right, in front on a lateral."""
    text = str(rng.choice(["L", "R"], p=[0.6, 0.4]))
    inset, down = float(rng.uniform(0.36, 0.45)), float(rng.uniform(-0.46, -0.36))
    number = str(rng.integers(10, 99)) if rng.random() < 0.2 else ""
    shown = bool(rng.random() < 0.92)
    text = hip if exam is Exam.HIP else text
    side = 1.0 if text == "L" else -1.0
    if exam is Exam.CHEST_LATERAL:
        text, side = "L", -1.0
    return Letter(
        text=text + number if shown else "",
        at_mm=(side * inset * field_mm, down * field_mm),
        height_mm=float(rng.uniform(9, 15)),
        turn_deg=float(rng.choice([0.0, 90.0, -90.0], p=[0.8, 0.1, 0.1]) + rng.normal(0, 6)),
        mirrored=bool(exam is Exam.CHEST_PA and rng.random() < 0.2),
        ring=bool(rng.random() < 0.15),
    )


def _flawed(letter: Letter, flaws: Flaws) -> Letter:
    """The other letter at the same place; a film without a letter gets a wrong one."""
    if not flaws.wrong_marker:
        return letter
    right = letter.text[:1] or ("L" if letter.at_mm[0] > 0 else "R")
    return replace(letter, text={"L": "R", "R": "L"}[right] + letter.text[1:])


def _shutters(flaws: Flaws, rng: np.random.Generator) -> Shutters:
    covered = rng.random(4) < 0.3
    borders = (rng.uniform(0.005, 0.06, 4) * covered).tolist()
    turn = float(rng.normal(0, 0.5))
    black = bool(rng.random() < 0.92)
    where, cut = int(rng.integers(4)), float(rng.uniform(0.14, 0.24))
    if flaws.clipped:
        borders[where] = cut
    return Shutters((borders[0], borders[1], borders[2], borders[3]), turn, black)
