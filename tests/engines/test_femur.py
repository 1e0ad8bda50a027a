"""The femora of virtual hips: found where they are, mirrored alike, refused where they must be."""

from functools import cache

import numpy as np
import pytest

from engines.anatomy.femur import CUT_PX, RADIUS_PX, cut_box, find_femora, metal_opposite
from engines.errors import Reason
from engines.images import Radiograph
from engines.phantoms.body.build import draw_build
from engines.phantoms.body.extra import Extra
from engines.phantoms.people.draw import draw_person
from engines.phantoms.xray.exposure import Exam
from engines.phantoms.xray.films import Film, Order, take

OUTWARDS = {"L": 1, "R": -1}


@cache
def taken(seed, exam=Exam.PELVIS, side="L", extras=()) -> Film:
    shape = (420, 512) if exam is Exam.PELVIS else (400, 400)
    return take(draw_person(seed), seed, Order(exam, shape, side, extras=extras))


def shown(pixels, spacing_mm=None):
    return Radiograph(np.asarray(pixels, np.float32), spacing_mm, "", "", pixels.shape, "")


def film(seed, **order):
    found = taken(seed, **order)
    return shown(found.pixels, found.geometry.pitch_mm)


def head_px(seed, side, **order):
    """Return row and column of the middle of a femoral head, as the phantom knows it."""
    middle = draw_build(draw_person(seed), lying=True).femoral_head_mm(side)
    row, column, _ = taken(seed, **order).geometry.project(middle[None])
    return float(row[0]), float(column[0])


@pytest.mark.parametrize("seed", [3, 12])
def test_both_heads_of_a_pelvis_are_found_where_they_are(seed):
    found = {femur.outwards: femur for femur in find_femora(film(seed))}
    assert set(found) == {1, -1}
    for side, outwards in OUTWARDS.items():
        row, column = head_px(seed, side)
        off = np.hypot(found[outwards].row - row, found[outwards].column - column)
        assert off * film(seed).spacing_mm < 8
        assert found[outwards].refused is None


def test_the_pitch_of_the_film_need_not_be_known():
    blind = find_femora(shown(film(3).pixels))
    sighted = find_femora(film(3))
    for one, other in zip(blind, sighted, strict=True):
        assert np.hypot(one.row - other.row, one.column - other.column) < 0.3 * other.radius_px


def test_a_right_femur_is_cut_out_as_the_left_one_of_the_mirrored_film():
    upright = film(5, exam=Exam.HIP, side="R")
    (right,) = find_femora(upright)
    (left,) = find_femora(shown(upright.pixels[:, ::-1], upright.spacing_mm))
    assert (right.outwards, left.outwards) == (-1, 1)
    assert right.cut_out.shape == (CUT_PX, CUT_PX)
    assert np.corrcoef(right.cut_out.ravel(), left.cut_out.ravel())[0, 1] > 0.99


def test_the_head_lies_at_the_same_place_of_every_cut_out():
    for femur in find_femora(film(3)):
        left, top, right, bottom = cut_box(femur)
        assert right - left == pytest.approx(bottom - top)
        assert (right - left) / CUT_PX == pytest.approx(femur.radius_px / RADIUS_PX)


def test_a_replaced_hip_is_refused_and_the_other_one_is_not():
    extras = (Extra.HIP_LEFT,)
    found = {femur.outwards: femur for femur in find_femora(film(12, extras=extras))}
    assert found[OUTWARDS["R"]].refused is None
    replaced = found.get(OUTWARDS["L"])
    if replaced is None:
        assert metal_opposite(film(12, extras=extras), found[OUTWARDS["R"]])
    else:
        assert replaced.refused is Reason.HIP_METAL


def test_a_nailed_femur_is_refused():
    (femur,) = find_femora(film(5, exam=Exam.HIP, side="R", extras=(Extra.NAIL_RIGHT,)))
    assert femur.refused is Reason.HIP_METAL


@pytest.mark.parametrize("kept", [0.2, 1.3])
def test_a_femur_that_the_film_cuts_is_never_taken(kept):
    """As far as so many head radii outwards from the middle of the head."""
    whole = film(5, exam=Exam.HIP, side="R")
    (femur,) = find_femora(whole)
    edge = round(femur.column - kept * femur.radius_px)
    cut = np.zeros_like(whole.pixels)
    cut[:, edge:] = whole.pixels[:, edge:]
    for pixels in (cut, whole.pixels[:, edge:]):
        found = find_femora(shown(pixels, whole.spacing_mm))
        assert all(one.refused for one in found if one.outwards == -1)


def test_noise_and_smooth_films_show_no_femur():
    rng = np.random.default_rng(1)
    for pixels in (rng.random((400, 400)), np.mgrid[:400, :400][0] / 400, np.full((400, 400), 0.5)):
        assert find_femora(shown(pixels, 0.7)) == ()
