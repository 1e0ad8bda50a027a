"""Muscle and fat at L3: found on real and virtual scans, refused where they cannot be."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from bench.muscle_area import measure
from bench.virtual_slabs import Slab, slab
from nifti import read_nifti
from radiographs import shared

from engines.anatomy.canal import find_canal
from engines.anatomy.composition import Composition, Refused, compose, muscles
from engines.anatomy.spine import Spine, Vertebra
from engines.ct_attenuation.muscle_index import CUTOFFS, low_by, skeletal_muscle_index
from engines.volume import Volume

LABELS = {31: "L1", 30: "L2", 29: "L3", 28: "L4"}
UP, FRONT = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])


@cache
def example() -> tuple[Volume, Spine]:
    volume = read_nifti(shared("ct/totalseg/example_ct.nii.gz"))
    labels = read_nifti(shared("ct/totalseg/totalseg.nii.gz")).hu
    bodies = read_nifti(shared("ct/totalseg/totalseg_vertebrae_body.nii.gz")).hu > 0
    seen = []
    for number, level in LABELS.items():
        middle = volume.point_mm(np.argwhere((labels == number) & bodies).mean(axis=0))
        seen.append(Vertebra(level, middle, UP, FRONT, 27.0, 33.0, 44.0))
    return volume, Spine(find_canal(volume), tuple(seen[::-1]), 1.0, ())


def of_example() -> tuple[Volume, Spine, Composition]:
    volume, spine = example()
    l3 = spine.at("L3")
    assert l3 is not None
    found = compose(volume, spine.canal, l3)
    assert isinstance(found, Composition)
    return volume, spine, found


@cache
def virtual() -> Slab:
    return slab(0, matrix=192, slice_thickness_mm=5.0, spacing_mm=5.0)


def with_hu(one: Slab, hu: np.ndarray) -> Slab:
    return replace(one, volume=replace(one.volume, hu=hu))


def across_body(one: Slab) -> np.ndarray:
    """Return the columns of the body at the height of L3's middle, where no table is."""
    slice_mm, row_mm, _ = one.volume.spacing_mm
    away = one.vertebra.middle_mm - np.array(one.volume.origin_mm)
    return np.flatnonzero(one.volume.hu[round(away[2] / slice_mm), round(away[1] / row_mm)] > -200)


def measured(one: Slab) -> Composition:
    found = compose(one.volume, one.canal, one.vertebra)
    assert isinstance(found, Composition)
    return found


def test_a_real_native_scan_has_plausible_areas() -> None:
    _, _, found = of_example()
    # by eye on the picture, wall, psoas, quadratus and back filled: 135 to 150 cm2
    assert 130 < found.muscle_cm2 < 155
    assert 10 < found.muscle_hu < 45
    assert 110 < found.visceral_fat_cm2 < 170
    # the skin of the left flank lies in the picture's last column
    assert found.subcutaneous_fat_cm2 is None
    assert found.remarks == ("the field of view cuts off subcutaneous fat",)


def test_muscle_holds_the_places_of_muscles_and_no_organ_on_a_real_scan() -> None:
    _, _, found = of_example()
    # (row, column), by eye: psoas, back, flanks; kidneys, bowel, aorta, liver's tip
    for row, column in ((59, 51), (59, 75), (74, 50), (74, 73), (50, 13), (50, 115)):
        assert found.muscle[row, column], (row, column)
    for row, column in ((58, 36), (58, 90), (46, 72), (46, 59), (40, 92), (45, 20)):
        assert not found.muscle[row, column], (row, column)


def test_left_is_the_patients_left() -> None:
    _, _, found = of_example()
    middle = found.muscle.shape[1] / 2
    for left, right in (found.psoas, found.paraspinal):
        assert np.argwhere(left)[:, 1].mean() > middle > np.argwhere(right)[:, 1].mean()


def test_psoas_and_back_are_found_from_l1_to_l4() -> None:
    volume, spine = example()
    found = muscles(volume, spine)
    low, high = (spine.at(level) for level in ("L4", "L1"))
    assert low is not None
    assert high is not None
    shown = found["paraspinal left"].any(axis=(1, 2))
    heights = volume.origin_mm[2] + 3.0 * np.flatnonzero(shown)
    assert heights.min() == pytest.approx(low.middle_mm[2], abs=3.1)
    assert heights.max() == pytest.approx(high.middle_mm[2], abs=3.1)
    sides = [found[f"psoas {side}"].sum() for side in ("left", "right")]
    assert min(sides) > 0.6 * max(sides)


def test_the_area_of_a_virtual_patient_is_the_true_one() -> None:
    row = measure(7, slice_thickness_mm=5.0, spacing_mm=5.0, field_mm=400.0)
    assert abs(row.error) < 0.05
    assert row.overlap > 0.93
    assert row.psoas[0] == pytest.approx(row.psoas[1], rel=0.1)


def test_more_fat_within_the_muscles_is_no_more_muscle() -> None:
    one = virtual()
    plain = measured(one)
    hu = one.volume.hu.copy()
    streaks = plain.paraspinal[0] & (np.indices(hu.shape[1:])[1] % 8 < 3)
    hu[:, streaks] = -100.0
    fatty = measured(with_hu(one, hu))
    gone = streaks.sum() * np.prod(one.volume.spacing_mm[1:]) / 100
    assert plain.muscle_cm2 - fatty.muscle_cm2 == pytest.approx(gone, rel=0.25)
    assert fatty.intermuscular_fat_cm2 > plain.intermuscular_fat_cm2 + 0.7 * gone


def test_what_was_not_measured_counts_nowhere_and_cut_fat_is_not_given() -> None:
    one = virtual()
    plain = measured(one)
    hu = one.volume.hu.copy()
    body = across_body(one)
    hu[:, :, : body[0] + 5] = np.nan
    assert plain.subcutaneous_fat_cm2 is not None
    cut = measured(with_hu(one, hu))
    assert cut.subcutaneous_fat_cm2 is None
    assert any("field of view" in said for said in cut.remarks)
    assert cut.muscle_cm2 == pytest.approx(plain.muscle_cm2, rel=0.03)


def test_a_field_that_cuts_off_the_flanks_is_refused() -> None:
    one = virtual()
    hu = one.volume.hu.copy()
    body = across_body(one)
    hu[:, :, : body[0] + 40] = np.nan
    hu[:, :, body[-1] - 40 :] = np.nan
    found = compose(with_hu(one, hu).volume, one.canal, one.vertebra)
    assert isinstance(found, Refused)
    assert "field of view" in found.why


def test_a_scan_that_ends_above_l3_is_refused() -> None:
    one = virtual()
    away = replace(one.vertebra, middle_mm=one.vertebra.middle_mm - np.array([0.0, 0.0, 200.0]))
    assert compose(one.volume, one.canal, away) == Refused("the middle of L3 is not in the scan")


def test_the_index_needs_a_height_and_its_cutoff_a_name_and_a_sex() -> None:
    assert skeletal_muscle_index(120.0, None) is None
    index = skeletal_muscle_index(120.0, 1.75)
    assert index == pytest.approx(39.2, abs=0.05)
    assert low_by("prado", index, "M") is True
    assert low_by("prado", index, "F") is False
    assert low_by("prado", index, None) is None
    assert all(limits.men > limits.women for limits in CUTOFFS.values())
