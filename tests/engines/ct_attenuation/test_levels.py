"""Bodies of known size and density are measured; what is unlike bone is set aside by name."""

from dataclasses import replace

import numpy as np
import pytest
from column import DEPTH_MM, HEIGHT_MM, SPONGY_HU, WIDTH_MM, Column, spine, vertebra

from engines.anatomy.vertebral_body import boxed, look_closely
from engines.ct_attenuation.levels import look_at
from engines.ct_attenuation.region import measure, oval_in
from engines.volume import Volume


def looked_at(column: Column, change=None):
    volume = column.volume()
    if change is not None:
        change(volume)
    return {level.name: level for level in look_at(volume, spine(volume.hu.shape[0]))}


def test_a_body_has_its_size_wherever_one_began_to_look():
    volume = Column().volume()
    for off_mm in ((0, 0, 0), (2, -2, 2.5), (-2, 2, -2.5)):
        body = look_closely(volume, vertebra("L1", off_mm))
        assert np.abs(body.axes.middle_mm).max() < 1.0
        assert body.depth_mm == pytest.approx(DEPTH_MM, abs=1.5)
        assert body.width_mm == pytest.approx(WIDTH_MM, abs=2.0)
        heights = (body.anterior_mm, body.middle_mm, body.posterior_mm)
        assert heights == pytest.approx((HEIGHT_MM,) * 3, abs=1.2)


def test_a_body_that_leans_is_measured_along_itself():
    body = look_closely(Column(lean=0.2).volume(), vertebra("L1"))
    assert body.axes.up == pytest.approx([0, -np.sin(0.2), np.cos(0.2)], abs=0.03)
    assert body.axes.left == pytest.approx([1, 0, 0], abs=0.03)
    assert body.anterior_mm / body.posterior_mm == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("degrees", [10, 25])
def test_in_scoliosis_a_body_is_measured_along_itself(degrees):
    volume = Column(aside=np.deg2rad(degrees), noise_hu=15.0).volume()
    # the canal tells the lean of a level but for some degrees
    about = np.deg2rad(degrees - 8)
    rough = replace(vertebra("L1"), up=np.array([np.sin(about), 0.0, np.cos(about)]))
    body = look_closely(volume, rough)
    lean = np.deg2rad(degrees)
    assert body.axes.up == pytest.approx([np.sin(lean), 0, np.cos(lean)], abs=0.04)
    assert body.anterior_mm / body.posterior_mm == pytest.approx(1.0, abs=0.03)
    region = measure(volume, body, oval_in(body, 1.0))
    assert region.mean_hu == pytest.approx(SPONGY_HU, abs=3.0)


def test_a_nail_beside_the_spine_sets_no_level_aside():
    def nail(volume):
        volume.hu[:, 36:46, 78:] = 3000.0

    assert {level.why for level in looked_at(Column(), nail).values()} == {""}


@pytest.mark.parametrize("slice_mm", [1.0, 3.0, 5.0])
def test_spongy_bone_reads_what_it_is_in_slices_of_any_thickness(slice_mm):
    column = Column(spacing_mm=(slice_mm, 1.0, 1.0), noise_hu=15.0)
    for level in looked_at(column).values():
        assert not level.why
        assert level.region.mean_hu == pytest.approx(SPONGY_HU, abs=3.0)
        assert level.region.sd_hu == pytest.approx(15.0, abs=3.0)
        assert level.region.area_cm2 > 1.2


def test_spongy_bone_darker_than_the_disc_is_measured_too():
    dark = dict.fromkeys(("T12", "L1", "L2"), 40.0)
    for level in looked_at(Column(spongy_hu=dark)).values():
        assert level.region.mean_hu == pytest.approx(40.0, abs=3.0)


def test_a_wedge_is_suspected_and_its_grade_is_that_of_its_loss():
    for lost, grade in ((0.10, 0), (0.30, 2), (0.50, 3)):
        found = looked_at(Column(front_lost={"L1": lost}))["L1"]
        assert found.ratios.anterior == pytest.approx(1 - lost, abs=0.05)
        assert found.ratios.grade == grade
        assert ("suspected fracture" in found.why) is (grade > 0)


def ball(volume: Volume, hu: float, radius_mm: float) -> None:
    z, y, x = np.indices(volume.hu.shape)
    places = np.stack([x, y, z], axis=-1) * volume.spacing_mm[0] + volume.origin_mm
    volume.hu[np.linalg.norm(places - [0, -4, 0], axis=-1) < radius_mm] = hu


@pytest.mark.parametrize(
    ("hu", "radius_mm", "why"),
    [(3000.0, 4.0, "metal"), (1300.0, 6.0, "cement"), (600.0, 4.0, "dense spot")],
)
def test_what_is_no_spongy_bone_is_set_aside_by_name(hu, radius_mm, why):
    found = looked_at(Column(), lambda volume: ball(volume, hu, radius_mm))
    assert found["L1"].why == why
    assert found["L2"].why == found["T12"].why == ""


def test_cement_as_dense_as_metal_is_cement_and_a_screw_through_the_arch_is_metal():
    def screw(volume):
        z, y, x = np.indices(volume.hu.shape)
        off_mm = np.hypot(x - 42 - 12, z - 58)
        # from the front of the body through its back wall, 25 mm farther
        volume.hu[(off_mm < 3.1) & (y > 40 - 5) & (y < 40 + DEPTH_MM / 2 + 25)] = 3000.0

    def both(volume):
        ball(volume, 3000.0, 7.0)

    assert looked_at(Column(), both)["L1"].why == "cement"
    assert looked_at(Column(), screw)["L1"].why == "metal"


def test_a_box_has_the_size_of_what_is_roughly_known():
    rough = vertebra("L1")
    box = boxed(rough)
    assert (box.depth_mm, box.width_mm) == pytest.approx((rough.depth_mm, rough.width_mm))
    assert box.anterior_mm == box.middle_mm == box.posterior_mm == rough.height_mm


def test_a_level_much_denser_than_the_others_is_set_aside():
    found = looked_at(Column(spongy_hu={"L1": 330.0}))
    assert found["L1"].why == "sclerotic against its neighbours"
    assert found["T12"].why == ""


def test_a_body_partly_out_of_view_is_not_looked_at():
    def cut(volume):
        volume.hu[volume.hu.shape[0] - 20 :] = np.nan

    assert list(looked_at(Column(), cut)) == ["L2", "L1"]
