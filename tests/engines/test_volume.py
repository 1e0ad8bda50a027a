"""Slices become HU in the patient's frame, whatever way they lie and in whatever order."""

import random
import tracemalloc

import numpy as np
import pytest
from enhanced import enhanced
from pydicom import Dataset
from pydicom.uid import JPEGLSLossless, RLELossless
from radiographs import shared
from slices import AXIAL, ct_slice, ct_stack, ramp_hu

from engines.errors import BadSeries, Reason
from engines.images import read_image
from engines.progress import heard_by
from engines.volume import Volume, read_volume


def points_mm(volume: Volume) -> np.ndarray:
    """Return where each voxel is, shape (slice, row, column, 3)."""
    index = np.stack(np.indices(volume.hu.shape), axis=-1)[..., ::-1]
    return np.array(volume.origin_mm) + index * np.array(volume.spacing_mm[::-1])


def assert_shows_the_ramp(volume: Volume, within_hu: float = 0.51) -> None:
    known = np.isfinite(volume.hu)
    assert known.mean() > 0.5
    off_hu = np.abs(volume.hu - ramp_hu(points_mm(volume)))[known]
    assert off_hu.max() <= within_hu


def refused(images: list[Dataset]) -> Reason:
    with pytest.raises(BadSeries) as caught:
        read_volume(images)
    return caught.value.reason


def test_every_voxel_is_what_was_there() -> None:
    volume = read_volume(ct_stack())
    assert volume.hu.shape == (12, 24, 20) and volume.hu.dtype == np.float32
    assert volume.spacing_mm == (2.5, 2.0, 1.5)
    assert volume.origin_mm == (-15.0, -20.0, -10.0) and volume.remarks == ()
    assert_shows_the_ramp(volume)


def test_the_order_in_which_slices_come_changes_nothing() -> None:
    images = ct_stack()
    expected = read_volume(images)
    random.Random(1).shuffle(images)
    found = read_volume(images)
    np.testing.assert_array_equal(found.hu, expected.hu)
    assert found.origin_mm == expected.origin_mm


@pytest.mark.parametrize(
    ("directions", "corner", "upwards"),
    [
        pytest.param(((-1, 0, 0), (0, 1, 0)), (15, -20), 1, id="feet first"),
        pytest.param(((-1, 0, 0), (0, -1, 0)), (15, 20), 1, id="prone"),
        pytest.param(((0, 1, 0), (-1, 0, 0)), (15, -20), 1, id="on its side"),
        pytest.param(AXIAL, (-15, -20), -1, id="from the head down"),
    ],
)
def test_however_the_patient_lies_indices_grow_towards_head_back_and_left(
    directions: tuple[tuple[float, ...], ...], corner: tuple[float, float], upwards: int
) -> None:
    images = [
        ct_slice(ramp_hu, (*corner, 2.0 * upwards * n), directions, spacing_mm=(1.5, 1.5))
        for n in range(10)
    ]
    volume = read_volume(images)
    assert_shows_the_ramp(volume)
    assert volume.remarks == ()


def test_each_slice_has_its_own_rescale() -> None:
    images = ct_stack()
    for n, ds in enumerate(images):
        stored = np.frombuffer(ds.PixelData, "<u2").astype(int) + 7 * n
        ds.PixelData, ds.RescaleIntercept = stored.astype("<u2").tobytes(), -1024 - 7 * n
    assert_shows_the_ramp(read_volume(images))


@pytest.mark.parametrize("bits", [12, 14, 16])
@pytest.mark.parametrize("signed", [True, False])
def test_values_of_12_to_16_bits_are_read_signed_or_not(bits: int, signed: bool) -> None:
    images = ct_stack()
    for ds in images:
        stored = np.frombuffer(ds.PixelData, "<u2").astype(int) - (1024 if signed else 0)
        ds.RescaleIntercept, ds.PixelRepresentation = (0, 1) if signed else (-1024, 0)
        ds.BitsStored, ds.HighBit = bits, bits - 1
        # above the stored bits PS3.5 8.1.1 promises nothing
        ds.PixelData = (stored & (2**bits - 1)).astype("<u2").tobytes()
    assert_shows_the_ramp(read_volume(images))


@pytest.mark.parametrize("padding_hu", [-2000, -3024])
@pytest.mark.parametrize("named", [True, False])
def test_padding_is_never_a_value(padding_hu: int, named: bool) -> None:
    images = ct_stack()
    for ds in images:
        stored = np.frombuffer(ds.PixelData, "<u2").astype("<i2") - 1024
        stored[:25], ds.PixelRepresentation, ds.RescaleIntercept = padding_hu, 1, 0
        ds.PixelData = stored.tobytes()
        if named:
            ds.PixelPaddingValue = padding_hu
    volume = read_volume(images)
    assert np.isnan(volume.hu).sum() == 25 * len(images)
    assert_shows_the_ramp(volume)


def test_a_padding_value_that_is_air_leaves_air_alone() -> None:
    images = ct_stack(lambda points: np.where(points[..., 0] > 0, -1024.0, 40.0))
    for ds in images:
        ds.PixelPaddingValue = 0
    assert np.isfinite(read_volume(images).hu).all()


def test_what_came_twice_counts_once_and_is_said() -> None:
    images = ct_stack()
    again = ct_stack()[4]
    volume = read_volume([*images, again])
    assert volume.remarks == ("1 slices came twice",)
    assert_shows_the_ramp(volume)


def test_two_different_slices_at_one_place_are_refused() -> None:
    other = ct_stack(lambda points: ramp_hu(points) + 50)[4]
    assert refused([*ct_stack(), other]) is Reason.SLICES_CONTRADICTORY


def test_a_small_gap_is_interpolated_and_said() -> None:
    images = ct_stack(count=20, step_mm=1.25)
    volume = read_volume(images[:7] + images[8:])
    assert volume.hu.shape[0] == 20 and "unevenly" in volume.remarks[0]
    assert_shows_the_ramp(volume, within_hu=1.01)


def test_a_gap_that_could_hide_an_end_plate_is_refused() -> None:
    images = ct_stack(step_mm=5)
    assert refused(images[:6] + images[7:]) is Reason.SLICES_MISSING


@pytest.mark.parametrize("tilt_deg", [-20, 8, 25])
def test_a_tilted_gantry_is_straightened_and_said(tilt_deg: float) -> None:
    tilt = np.deg2rad(tilt_deg)
    directions = (AXIAL[0], (0.0, np.cos(tilt), np.sin(tilt)))
    images = [
        ct_slice(ramp_hu, (-15, -20, 2.0 * n), directions, spacing_mm=(1.5, 1.5)) for n in range(30)
    ]
    volume = read_volume(images)
    assert f"turned by {abs(tilt_deg):.1f} degrees: resampled" in volume.remarks
    assert_shows_the_ramp(volume, within_hu=1.01)


def test_a_scan_across_the_patient_is_refused() -> None:
    half = np.sqrt(0.5)
    normal = np.array([0, -half, half])
    images = [
        ct_slice(ramp_hu, tuple(2.0 * n * normal), (AXIAL[0], (0, half, half))) for n in range(12)
    ]
    assert refused(images) is Reason.SCAN_OBLIQUE


def test_localizers_are_left_out_and_said() -> None:
    scout = ct_slice(ramp_hu, (0, 0, 0), ((1, 0, 0), (0, 0, -1)), shape=(50, 40))
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    volume = read_volume([scout, *ct_stack()])
    assert volume.remarks == ("1 images beside the stack were left out",)


def test_two_stacks_in_one_series_are_refused() -> None:
    coronal = [
        ct_slice(ramp_hu, (0, 2.0 * n, 0), ((1, 0, 0), (0, 0, -1)), shape=(24, 20))
        for n in range(12)
    ]
    assert refused([*ct_stack(), *coronal]) is Reason.GEOMETRY_MIXED


def test_slices_shifted_sideways_are_refused() -> None:
    images = ct_stack()
    images[5].ImagePositionPatient = [-9, -20, images[5].ImagePositionPatient[2]]
    assert refused(images) is Reason.GEOMETRY_MIXED


@pytest.mark.parametrize(
    "keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
)
def test_without_geometry_nothing_is_guessed(keyword: str) -> None:
    images = ct_stack()
    del images[3][keyword]
    assert refused(images) is Reason.GEOMETRY_MISSING


def test_a_few_slices_are_no_volume() -> None:
    assert refused(ct_stack(count=4)) is Reason.TOO_FEW_SLICES
    assert refused(ct_stack(step_mm=8)) is Reason.TOO_FEW_SLICES


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_slices_give_the_same_voxels(syntax: str) -> None:
    images = ct_stack()
    expected = read_volume(images).hu
    for ds in images:
        ds.compress(syntax, generate_instance_uid=False)
    np.testing.assert_array_equal(read_volume(images).hu, expected)


def test_a_voxel_is_found_again_on_its_slice() -> None:
    images = ct_stack()
    volume = read_volume(images)
    plane, (column, row) = volume.source((7, 5, 3))
    assert plane.SOPInstanceUID == images[7].SOPInstanceUID
    assert (round(column, 6), round(row, 6)) == (3, 5)


def test_an_enhanced_image_is_a_volume_too() -> None:
    images = ct_stack()
    ds = enhanced([images[n] for n in (3, 0, *range(4, 12), 2, 1)])
    volume = read_volume([ds])
    np.testing.assert_array_equal(volume.hu, read_volume(images).hu)
    plane, _ = volume.source((0, 0, 0))
    assert (plane.SOPInstanceUID, plane.frame) == (ds.SOPInstanceUID, 2)


def real(folder: str) -> list[Dataset]:
    return [read_image(path) for path in sorted(shared(folder).iterdir()) if path.is_file()]


def test_a_real_abdomen_stands_upright_and_its_padding_is_nothing() -> None:
    volume = read_volume(real("ct/CRLM-CT-1004"))
    assert volume.hu.shape == (41, 512, 512) and volume.spacing_mm[0] == pytest.approx(5.0)
    assert 0.1 < np.isnan(volume.hu).mean() < 0.35
    # lungs on top; the spine's bone behind the middle
    bottom, *_, top = volume.hu[:, 160:352, 128:384]
    assert np.mean(top < -700) > 0.2 > 5 * np.mean(bottom < -700)
    rows = np.argwhere(volume.hu[5] > 250)[:, 0]
    assert np.median(rows) > 256


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("ct/ct-3slice", Reason.TOO_FEW_SLICES),
        ("series-geometry/notavolume-001", Reason.TOO_FEW_SLICES),
        ("series-geometry/sliceincrement-001", Reason.TOO_FEW_SLICES),
        ("series-geometry/sliceorientation-001", Reason.GEOMETRY_MIXED),
    ],
)
def test_real_series_that_are_no_volume_are_refused(folder: str, reason: Reason) -> None:
    assert refused(real(folder)) is reason


def test_reading_says_with_every_image_that_it_gets_on():
    heard = []
    with heard_by(heard.append):
        read_volume(ct_stack(count=12))
    assert heard == ["decode"] * 12


def test_reading_takes_no_more_room_than_its_result_and_one_slice():
    slices = ct_stack(lambda points: points[..., 0] * 0, 40, shape=(256, 256))
    slices[3].ImagePositionPatient[2] += 0.5
    tracemalloc.start()
    volume = read_volume(slices)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "unevenly" in volume.remarks[0]
    # before and after the slices are made even
    assert peak < 2.2 * volume.hu.nbytes
