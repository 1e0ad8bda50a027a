"""Cohorts: the seeds of their patients, and a chest film of each with what it shall teach."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from engines.exams import Exam
from engines.images import read_radiograph
from engines.phantoms.exams import Setting, images
from engines.phantoms.parallel import for_each_patient
from engines.phantoms.people.draw import draw_person

Film = NDArray[np.float32]

#: Longer side of a film for training, px: above the input sizes in use, so that films are reduced
#: as in service, and various, so that the pixel size says nothing.
_FILM_PX = (320, 460)
_STREAM = 81

#: Seeds of one cohort are ``seed * _BLOCK + 0, 1, 2 ...``: cohorts of different seeds share nobody.
_BLOCK = 1_000_000


def seeds_of(cohort: int, patients: int, skip: int = 0) -> range:
    """Return the patients' seeds of a cohort."""
    return range(cohort * _BLOCK + skip, cohort * _BLOCK + skip + patients)


@dataclass(frozen=True)
class Cohort:
    """Patients to be filmed.

    Attributes
    ----------
    patients, seed : int
        Size and seed; the first patients of a larger cohort are the same.
    skip : int
        How many of the first ones are left out.
    kept : Path, optional
        A folder for the films, a file each. What lies there already is not taken again, so the
        same call goes on where a broken one ended; films of another release do not belong there.
    """

    patients: int
    seed: int
    skip: int = 0
    kept: Path | None = None


def labelled_films(
    prepare: Callable[[Film], Film], cohort: Cohort, console: Console
) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Take a chest film PA of each patient of a cohort, for training or evaluation.

    Parameters
    ----------
    prepare : callable
        The model's own preparation: film -> (1, row, column). Must be importable by name.
    cohort : Cohort
        Whose films.
    console : Console
        Where the progress bar goes.

    Returns
    -------
    inputs : ndarray
        float16, shape (patient, 1, row, column), range [0, 1].
    labels : ndarray
        float32, shape (patient, 2): 1 for a lowest T-score of -2.5 or less, that T-score.
    """
    if cohort.kept:
        cohort.kept.mkdir(parents=True, exist_ok=True)
    seeds = seeds_of(cohort.seed, cohort.patients, cohort.skip)
    work = partial(_prepared, prepare, cohort.kept)
    films = for_each_patient(work, seeds, "imaging virtual patients", console)
    labels = [(person.osteoporosis, person.t_lowest) for person in map(draw_person, seeds)]
    return np.stack(list(films)), np.array(labels, np.float32)


def chest_film(seed: int, px: int | None = None) -> Film:
    """Take the film PA of the patient of a seed, and read it as in service.

    Parameters
    ----------
    seed : int
        Of patient and film.
    px : int, optional
        Longer side; drawn where not given.

    Returns
    -------
    ndarray
        float32, shape (row, column), range [0, 1], bone white.
    """
    drawn = int(np.random.default_rng([seed, _STREAM]).integers(*_FILM_PX))
    setting = Setting(film_px=px or drawn)
    frontal = next(images(draw_person(seed), Exam.CHEST_XRAY, seed, setting))
    return read_radiograph(frontal).pixels


def _prepared(prepare: Callable[[Film], Film], kept: Path | None, seed: int) -> NDArray[np.float16]:
    return prepare(_film(kept, seed).astype(np.float32)).astype(np.float16)


def _film(kept: Path | None, seed: int) -> NDArray[np.float16]:
    file = kept / f"{seed}.npy" if kept else None
    if file and file.exists():
        film: NDArray[np.float16] = np.load(file)
        return film
    film = chest_film(seed).astype(np.float16)
    if file:
        # whole or not at all, should this end half way
        unfinished = file.with_suffix(f".{os.getpid()}.partial")
        with unfinished.open("wb") as out:
            np.save(out, film)
        unfinished.rename(file)
    return film
