"""Films of whole virtual patients: each view, the same again, and what a film may not tell."""

from dataclasses import replace

import numpy as np
import pytest

from engines.phantoms.people.draw import draw_person
from engines.phantoms.xray.exposure import Exam, Flaws
from engines.phantoms.xray.films import Order, chest_film, hip_film, take

SHAPE = (128, 128)


@pytest.fixture(scope="module")
def person():
    return draw_person(3)


@pytest.fixture(scope="module")
def chest(person):
    return take(person, 3, Order(Exam.CHEST_PA, SHAPE))


def test_a_chest_film_has_dark_lungs_beside_a_white_middle(chest):
    rows = slice(40, 64)
    middle = chest.pixels[rows, 58:70].mean()
    lungs = (chest.pixels[rows, 34:46].mean(), chest.pixels[rows, 82:94].mean())
    assert max(lungs) + 0.2 < middle
    assert chest.pixels.min() >= 0 and chest.pixels.max() <= 1


def test_the_same_seed_takes_the_same_film_and_another_does_not(person, chest):
    assert (chest_film(person, 3, SHAPE) == chest.pixels).all()
    assert (chest_film(person, 4, SHAPE) != chest.pixels).any()


def test_exposure_does_not_hang_on_the_person_but_the_tube_load_does(person, chest):
    heavy = replace(person, weight_kg=person.weight_kg * 1.5)
    other = take(heavy, 3, Order(Exam.CHEST_PA, SHAPE))
    assert other.exposure == chest.exposure
    assert other.raw.sensed_ugy == pytest.approx(chest.raw.sensed_ugy)
    assert other.raw.mas > 1.1 * chest.raw.mas


def test_mineral_alone_changes_the_film_where_there_is_bone(person):
    dense, thin = (
        take(replace(person, trabecular_mg_cm3=mg, cortex=cortex), 3, Order(Exam.HIP, SHAPE)).raw
        for mg, cortex in ((180.0, 1.2), (60.0, 0.6))
    )
    depth = [np.log(raw.open_ugy / raw.dose_ugy) for raw in (dense, thin)]
    more = depth[0] - depth[1]
    # the femur's shaft against the muscle between the thighs' skin and it
    assert more.max() > 0.1 and np.median(np.abs(more)) < 0.1


@pytest.mark.parametrize("side", ["L", "R", None])
def test_hips_and_pelvis_are_filmed(person, side):
    film = hip_film(person, 3, SHAPE, side)
    assert film.shape == SHAPE and film.std() > 0.1


def test_a_wrong_letter_changes_the_letter_alone(person, chest):
    wrong = take(person, 3, Order(Exam.CHEST_PA, SHAPE, flaws=Flaws(wrong_marker=True)))
    changed = np.abs(
        wrong.raw.dose_ugy / wrong.raw.open_ugy - chest.raw.dose_ugy / chest.raw.open_ugy
    )
    rows, columns = np.nonzero(changed > 0.1)
    assert 0 < len(rows) < 200 and np.ptp(rows) < 20 and np.ptp(columns) < 20


def test_text_can_be_burnt_in(person, chest):
    burnt = take(person, 3, Order(Exam.CHEST_PA, SHAPE, flaws=Flaws(burnt_in="PORTABLE")))
    rows = np.nonzero(burnt.pixels != chest.pixels)[0]
    assert len(rows) > 0 and rows.max() < 20
