"""Regions as pixels: the voxels that were read, found again on slices that lie in another way."""

from dataclasses import replace

import numpy as np
import pytest
from column import Column, vertebra

from engines.anatomy.vertebral_body import look_closely
from engines.ct_attenuation.masks import bone_mask, on_source, wall_contour
from engines.ct_attenuation.region import measure, oval_in
from engines.planes import Plane
from engines.volume import Volume


def with_planes(volume: Volume, turned: bool) -> Volume:
    """Return the slices that a volume was read from; turned ones run from left and from behind."""
    z_mm, y_mm, x_mm = volume.spacing_mm
    _, rows, columns = volume.hu.shape
    way = -1.0 if turned else 1.0
    corner = np.array(volume.origin_mm)
    if turned:
        corner = corner + np.array([(columns - 1) * x_mm, (rows - 1) * y_mm, 0])
    planes = tuple(
        Plane(
            SOPInstanceUID=f"1.{number}",
            frame=0,
            position_mm=corner + np.array([0, 0, number * z_mm]),
            along_row=np.array([way, 0, 0]),
            down_column=np.array([0, way, 0]),
            spacing_mm=(y_mm, x_mm),
            shape=(rows, columns),
            slope=1.0,
            intercept=0.0,
            localizer=False,
        )
        for number in range(len(volume.hu))
    )
    return replace(volume, planes=planes)


@pytest.mark.parametrize("turned", [False, True])
def test_a_mask_marks_the_voxels_that_were_read(turned):
    volume = with_planes(Column(noise_hu=10.0).volume(), turned)
    body = look_closely(volume, vertebra("L1"))
    oval = oval_in(body, volume.spacing_mm[0])
    region = measure(volume, body, oval)
    mask = bone_mask(volume, body, oval)
    read = []
    for (uid, frame), pixels in mask.pixels.items():
        shown = volume.hu[int(uid.removeprefix("1."))]
        read.append((shown[::-1, ::-1] if turned else shown)[pixels])
        assert frame == 0 and pixels.shape == volume.hu.shape[1:]
    np.testing.assert_array_equal(np.sort(np.concatenate(read)), np.sort(region.hu))
    assert (mask.site, mask.what) == ("L1", "trabecular bone")


@pytest.mark.parametrize("turned", [False, True])
def test_what_is_marked_in_a_slice_is_marked_on_its_source(turned):
    volume = with_planes(Column().volume(), turned)
    marked = np.zeros(volume.hu.shape[1:], bool)
    marked[10:30, 5:20] = True
    [((uid, _), pixels)] = on_source(volume, 40, marked).items()
    assert uid == "1.40"
    np.testing.assert_array_equal(pixels[::-1, ::-1] if turned else pixels, marked)


@pytest.mark.parametrize("lean", [0.0, 0.3])
def test_the_walls_of_a_body_are_drawn_around_it_on_a_slice_of_its_middle(lean):
    volume = with_planes(Column(lean=lean).volume(), False)
    body = look_closely(volume, vertebra("L1"))
    drawn = wall_contour(volume, body)
    assert drawn.SOPInstanceUID == "1.58" and drawn.what == "vertebral body"
    # voxels are of a millimetre; the first point is in front, the others go round
    front, one, behind, other = drawn.points[::18]
    assert behind[1] - front[1] == pytest.approx(body.depth_mm / np.cos(lean), abs=0.1)
    assert abs(one[0] - other[0]) == pytest.approx(body.width_mm, abs=0.1)
