"""An image unlike those that the weights were made on is refused; one like them is not."""

from dataclasses import replace

import films
import numpy as np
import pytest
from radiographs import picture, shared

pytest.importorskip("pandas", reason="the bench needs the extra `lab`")

from engines.cards import read_weights
from engines.cases import read_case
from engines.cxr_osporscreen import model
from engines.cxr_osporscreen.inputs import prepare
from engines.errors import NotEligible, Reason
from engines.exams import Exam
from engines.images import read_radiograph
from engines.lab.likeness import likeness_of
from engines.likeness import KEY, read_likeness, require_like_training, unlike, written

WEIGHTS = read_weights("cxr_osporscreen")
RNG = np.random.default_rng(0)
PEOPLE = np.array([f"P{i // 2}" for i in range(40)], object)


def discs(count: int, row: float = 0.5) -> np.ndarray:
    """Draw bright discs of several sizes and exposures about one place."""
    y, x = np.mgrid[0.0:1.0:64j, 0.0:1.0:64j]
    at = row + RNG.normal(0, 0.03, (count, 1, 1))
    wide = RNG.uniform(0.2, 0.3, (count, 1, 1))
    bright = np.exp(-(((y - at) / wide) ** 2) - ((x - 0.5) / wide) ** 2)
    noisy = bright + RNG.normal(0, 0.02, bright.shape)
    return np.clip(noisy, 0, 1)[:, None] ** RNG.uniform(0.5, 2, (count, 1, 1, 1))


LIKENESS = likeness_of(discs(40), PEOPLE, "drawings")
WITH = replace(WEIGHTS, parameters={KEY: written(LIKENESS)})


def test_what_is_like_the_training_passes_and_what_is_elsewhere_does_not() -> None:
    assert not unlike(discs(30), WITH).any()
    assert unlike(discs(30, row=0.05), WITH).all()
    assert unlike(1 - discs(30), WITH).all()


def test_exposure_does_not_count() -> None:
    images = discs(4)
    np.testing.assert_allclose(LIKENESS.distances(images), LIKENESS.distances(images * 0.5))


def test_it_is_read_as_it_was_written() -> None:
    again = read_likeness(written(LIKENESS))
    assert (again.most, again.source) == (LIKENESS.most, LIKENESS.source)
    assert "20 drawings" in again.source
    images = discs(5)
    np.testing.assert_allclose(again.distances(images), LIKENESS.distances(images), rtol=1e-4)


def test_weights_of_before_refuse_nothing() -> None:
    bare = {name: value for name, value in WEIGHTS.parameters.items() if name != KEY}
    assert not unlike(1 - discs(3), replace(WEIGHTS, parameters=bare)).any()


def test_a_distance_that_is_no_number_is_unlike() -> None:
    with pytest.raises(NotEligible) as verdict:
        require_like_training(discs(1), replace(WITH, parameters={KEY: broken()}))
    assert verdict.value.reason is Reason.UNLIKE_TRAINING


def broken() -> dict[str, object]:
    return written(replace(LIKENESS, rest=float("nan")))


@pytest.mark.parametrize("low_density", [True, False])
def test_a_virtual_film_passes_the_reference_weights_and_upside_down_it_does_not(
    low_density: bool,
) -> None:
    film = read_radiograph(films.taken(films.LOW if low_density else films.NORMAL, low_density))
    shown = prepare(film.pixels, 256)[None]
    assert not unlike(shown, WEIGHTS)[0]
    assert unlike(shown[:, :, ::-1], WEIGHTS)[0] and unlike(1 - shown, WEIGHTS)[0]


def test_a_real_tibia_is_unlike_and_a_real_chest_is_like_the_training() -> None:
    from pydicom import dcmread

    tibia = read_radiograph(dcmread(shared("cxr/not-chest/RG3_J2KI.dcm"))).pixels
    chest = picture(shared("cxr/nih/00000078_000.png")).pixels
    told = unlike(np.stack([prepare(film, 256) for film in (tibia, chest)]), WEIGHTS)
    assert told.tolist() == [True, False]


def test_a_film_that_is_unlike_ends_with_its_reason() -> None:
    told = read_likeness(WEIGHTS.parameters[KEY])
    narrow = {**WEIGHTS.parameters, KEY: written(replace(told, most=0.01))}
    case = read_case(Exam.CHEST_XRAY, [films.film(1)])
    with pytest.raises(NotEligible) as verdict:
        model.screen(case, lambda name, arrays: {}, replace(WEIGHTS, parameters=narrow))
    assert verdict.value.reason is Reason.UNLIKE_TRAINING
