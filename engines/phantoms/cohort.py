"""Many virtual patients at once, over all cores."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from engines.phantoms.film import chest_film
from engines.phantoms.parallel import single_threaded_children
from engines.phantoms.person import ChestPatient, draw_patient

Film = NDArray[np.float32]
T = TypeVar("T")

#: Longer side of a film for training, px: above the input sizes in use, so that films are reduced
#: as in service, and various, so that the pixel size says nothing.
_FILM_PX = (300, 440)

#: Seeds of one cohort are ``seed * _BLOCK + 0, 1, 2 ...``: cohorts of different seeds share nobody.
_BLOCK = 1_000_000


def seeds_of(cohort: int, patients: int, skip: int = 0) -> range:
    """Return the patients' seeds of a cohort."""
    return range(cohort * _BLOCK + skip, cohort * _BLOCK + skip + patients)


def patient_film(seed: int) -> tuple[ChestPatient, Film]:
    """Draw one patient and a PA film of some shape."""
    patient = draw_patient(seed)
    rng = np.random.default_rng([seed, 6])
    aspect, side = float(rng.uniform(0.85, 1.18)), int(rng.integers(*_FILM_PX))
    shape = (side, round(side / aspect)) if aspect > 1 else (round(side * aspect), side)
    return patient, chest_film(patient, seed, shape)


def for_each(
    work: Callable[[int], T], seeds: Sequence[int], what: str, console: Console | None = None
) -> Iterator[T]:
    """Do some work for each seed on all cores, with a progress bar; results in the seeds' order."""
    cores = len(os.sched_getaffinity(0))
    # spawn: a forked child of a process that has used torch or ONNX Runtime may hang
    context = multiprocessing.get_context("spawn")
    bar = partial(
        track, description=what, total=len(seeds), console=console or Console(stderr=True)
    )
    if len(seeds) < 4 * cores or cores == 1:
        yield from bar(map(work, seeds), transient=True)
        return
    with single_threaded_children(), ProcessPoolExecutor(cores, mp_context=context) as pool:
        yield from bar(pool.map(work, seeds, chunksize=4), transient=True)


def labelled_films(
    prepare: Callable[[Film], Film], seeds: Sequence[int], console: Console | None = None
) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Image a cohort for training or evaluation.

    Parameters
    ----------
    prepare : callable
        The model's own preparation: film -> (1, row, column). Must be importable by name.
    seeds : sequence of int
        Of the patients.
    console : Console, optional
        Where the progress bar goes.

    Returns
    -------
    inputs : ndarray
        float16, shape (patient, 1, row, column), range [0, 1].
    labels : ndarray
        float32, shape (patient, 2): 1 for a lowest T-score of -2.5 or less, that T-score.
    """
    rows = list(for_each(partial(_example, prepare), seeds, "imaging virtual patients", console))
    labels = [(patient.osteoporosis, patient.t_lowest) for _, patient in rows]
    return np.stack([film for film, _ in rows]), np.array(labels, np.float32)


def _example(
    prepare: Callable[[Film], Film], seed: int
) -> tuple[NDArray[np.float16], ChestPatient]:
    patient, film = patient_film(seed)
    return prepare(film).astype(np.float16), patient
