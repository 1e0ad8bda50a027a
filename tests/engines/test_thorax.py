"""The cheap look accepts frontal chests, real and simulated, and refuses what is laid out else."""

from functools import cache

import numpy as np
import pytest
from radiographs import cr, picture, shared, shown

from engines.anatomy.thorax import (
    THRESHOLD,
    look_like_frontal_chest,
    require_frontal_chest,
)
from engines.errors import NotEligible, Reason, Verdict
from engines.images import Radiograph, read_image, read_radiograph
from engines.phantoms.people.draw import draw_person
from engines.phantoms.xray.films import chest_film


def chests() -> list[Radiograph]:
    pictures = sorted([*shared("cxr/nih").glob("*.png"), *shared("cxr/hannover").glob("*.png")])
    dicom = sorted(shared("cxr/dicom").glob("*.dcm"))
    return [*map(picture, pictures), *(read_radiograph(read_image(path)) for path in dicom)]


@cache
def simulated(seed: int, view: str = "PA") -> Radiograph:
    return shown(chest_film(draw_person(seed), seed, (320, 300), view))


def test_every_real_chest_film_is_accepted() -> None:
    films = chests()
    assert len(films) == 30
    assert min(map(look_like_frontal_chest, films)) > THRESHOLD + 0.05


def test_no_real_chest_film_is_accepted_upside_down_negative_or_on_its_side() -> None:
    for film in chests():
        for turned in (film.pixels[::-1], 1 - film.pixels, np.rot90(film.pixels)):
            assert look_like_frontal_chest(shown(turned)) < THRESHOLD - 0.05


def test_tibia_pelvis_and_slices_are_refused() -> None:
    tibia = read_image(shared("cxr/not-chest/RG3_J2KI.dcm"))
    tibia.BodyPartExamined = "CHEST"
    pelves = [read_image(path) for path in shared("hip/paediatric").glob("*.dcm")]
    films = [read_radiograph(tibia), *(shown(ds.pixel_array.mean(-1) / 255) for ds in pelves)]
    for folder in ("ct/CRLM-CT-1004", "mri/PROSTATEx-0000-t2-cor", "mri/PROSTATEx-0001-localizer"):
        for path in sorted(shared(folder).glob("*.dcm"))[::3]:
            films.append(read_radiograph(read_image(path)))
    assert len(films) > 20
    assert max(map(look_like_frontal_chest, films)) < THRESHOLD - 0.1
    with pytest.raises(NotEligible) as caught:
        require_frontal_chest(films[0])
    assert caught.value.reason is Reason.UNLIKE_EXAM


@pytest.mark.parametrize("seed", [8_000_000, 8_000_001])
def test_simulated_films_are_accepted_frontal_and_refused_lateral_or_upside_down(
    seed: int,
) -> None:
    film = simulated(seed)
    require_frontal_chest(film)
    assert look_like_frontal_chest(simulated(seed, "LL")) < THRESHOLD
    assert look_like_frontal_chest(shown(film.pixels[::-1])) < THRESHOLD


def test_window_and_gamma_do_not_matter() -> None:
    film = simulated(8_000_000)
    darker = shown(0.2 + 0.5 * film.pixels**2.5)
    assert look_like_frontal_chest(darker) == pytest.approx(look_like_frontal_chest(film), abs=0.05)


def drawings() -> dict[str, Radiograph]:
    y, x = np.mgrid[0:1:256j, 0:1:256j]
    stripe = np.exp(-(((x - 0.5) / 0.1) ** 2))
    return {
        "noise": shown(np.random.default_rng(3).random((256, 256))),
        "from left to right": shown(x),
        "from top to bottom": shown(y),
        "disk": shown(np.hypot(x - 0.5, y - 0.5) < 0.4),
        "stripe": shown(stripe),
        "black": shown(np.zeros((64, 64))),
        "one line": shown(np.linspace(0, 1, 500)[None]),
    }


@pytest.mark.parametrize("name", list(drawings()))
def test_drawings_are_refused(name: str) -> None:
    with pytest.raises(Verdict) as caught:
        require_frontal_chest(drawings()[name])
    assert caught.value.reason is Reason.UNLIKE_EXAM


def test_a_film_whose_header_lies_about_its_polarity_is_refused() -> None:
    film = simulated(8_000_001)
    stored = np.rint(film.pixels * 4095).astype(np.uint16)
    require_frontal_chest(read_radiograph(cr(stored)))
    with pytest.raises(NotEligible):
        require_frontal_chest(read_radiograph(cr(stored, PhotometricInterpretation="MONOCHROME1")))
