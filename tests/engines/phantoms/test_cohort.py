"""Cohorts that weights learn from: who is in them, and films that are taken once."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from engines.phantoms import cohort
from engines.phantoms.cohort import Cohort, chest_film, labelled_films, seeds_of
from engines.phantoms.people.draw import draw_person

QUIET = Console(quiet=True)


def halved(film: NDArray[np.float32]) -> NDArray[np.float32]:
    return film[None, :160, :160] / 2


@pytest.fixture
def _alone() -> Iterator[None]:
    """Work in this process: another one takes seconds to begin."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


def test_cohorts_share_nobody() -> None:
    assert not set(seeds_of(0, 500)) & set(seeds_of(1, 500))
    assert not set(seeds_of(1, 500)) & set(seeds_of(1, 100, skip=500))


@pytest.mark.usefixtures("_alone")
def test_films_come_in_the_patients_order_with_their_labels_and_are_taken_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = Cohort(2, seed=6, skip=3, kept=tmp_path / "films")
    films, labels = labelled_films(halved, group, QUIET)
    people = [draw_person(seed) for seed in (6_000_003, 6_000_004)]
    assert labels.tolist() == [
        [float(person.osteoporosis), np.float32(person.t_lowest)] for person in people
    ]
    monkeypatch.setattr(cohort, "chest_film", None)
    again, _ = labelled_films(halved, group, QUIET)
    assert np.array_equal(films, again) and films.dtype == np.float16
    monkeypatch.undo()
    anew = chest_film(6_000_004).astype(np.float16).astype(np.float32)
    assert np.array_equal(films[1], halved(anew).astype(np.float16))
    assert sorted(file.name for file in (tmp_path / "films").iterdir()) == [
        "6000003.npy",
        "6000004.npy",
    ]
