"""Vertebrae are found and named on real scans and on a virtual patient, or not named at all."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from nifti import read_nifti
from radiographs import shared

from engines.anatomy.discs import FRONT_MM, LEFT_MM
from engines.anatomy.vertebrae import find_spine, outline_mm
from engines.errors import BadSeries
from engines.images import read_image
from engines.phantoms.body.build import draw_build
from engines.phantoms.ct.protocol import CtProtocol
from engines.phantoms.ct.volume import ct_volume
from engines.phantoms.people.draw import draw_person
from engines.volume import Volume, read_volume

LABELS = {27: "L5", 28: "L4", 29: "L3", 30: "L2", 31: "L1", 32: "T12", 33: "T11"}


def test_each_body_of_a_real_scan_lies_in_the_vertebra_of_its_name() -> None:
    spine = find_spine(read_nifti(shared("ct/totalseg/example_ct.nii.gz")))
    labels = read_nifti(shared("ct/totalseg/totalseg.nii.gz"))
    for one in spine.vertebrae:
        off_mm = one.middle_mm - np.array(labels.origin_mm)
        column, row, number = np.rint(off_mm / np.array(labels.spacing_mm[::-1])).astype(int)
        assert LABELS[int(labels.hu[number, row, column])] == one.level
    assert {"L1", "L2", "L3", "L4", "L5"} <= {one.level for one in spine.vertebrae}


def test_no_fourth_lumbar_vertebra_is_made_up_where_the_view_ends_above_it() -> None:
    folder = shared("ct/CRLM-CT-1004")
    spine = find_spine(read_volume([read_image(path) for path in sorted(folder.iterdir())]))
    levels = [one.level for one in spine.vertebrae if one.level]
    assert levels[:4] == ["L3", "L2", "L1", "T12"]
    assert spine.confidence < 0.6


@pytest.fixture(scope="module")
def virtual() -> tuple[Volume, dict[str, np.ndarray]]:
    build = replace(draw_build(draw_person(0), lying=True), arms_raised=True)
    protocol = CtProtocol(matrix=192, slice_thickness_mm=4, spacing_mm=4, top="T11")
    scan = ct_volume(build, protocol, 0, threads=1)
    steps = np.diag(scan.affine)
    x, y, z = (float(one) for one in scan.affine[:3, 3])
    volume = Volume(
        scan.hu.astype(np.float32),
        (float(steps[2]), float(steps[1]), float(steps[0])),
        (x, y, z),
        (),
    )
    return volume, {level: build.vertebra_centre_mm(level) for level in build.levels}


def test_vertebrae_of_a_virtual_patient_are_where_they_are(
    virtual: tuple[Volume, dict[str, np.ndarray]],
) -> None:
    volume, truth = virtual
    spine = find_spine(volume)
    assert spine.confidence > 0.9
    assert {"T12", "L1", "L2", "L3", "L4", "L5"} <= {one.level for one in spine.vertebrae}
    for one in spine.vertebrae:
        assert np.linalg.norm(one.middle_mm - truth[one.level]) < 6, one.level


def test_a_view_of_the_loins_alone_has_no_names(
    virtual: tuple[Volume, dict[str, np.ndarray]],
) -> None:
    volume, truth = virtual
    low, high = (
        int((truth[level][2] - volume.origin_mm[2]) / volume.spacing_mm[0])
        for level in ("L4", "L1")
    )
    x, y, z = volume.origin_mm
    part = Volume(
        volume.hu[low:high], volume.spacing_mm, (x, y, z + low * volume.spacing_mm[0]), ()
    )
    spine = find_spine(part)
    assert spine.vertebrae
    assert spine.why
    assert not any(one.level for one in spine.vertebrae)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_next_to_nothing_in_view_is_no_crash(count: int) -> None:
    volume = read_nifti(shared("ct/totalseg/example_ct.nii.gz"))
    part = Volume(volume.hu[60 : 60 + count], volume.spacing_mm, volume.origin_mm, ())
    with contextlib.suppress(BadSeries):
        assert not any(one.level for one in find_spine(part).vertebrae)


@pytest.mark.parametrize("aorta_hu", [40, 200, 650])
@pytest.mark.parametrize(("deep_mm", "wide_mm"), [(26, 33), (34, 46)])
def test_what_lies_before_a_body_is_none_of_it_however_bright(
    deep_mm: float, wide_mm: float, aorta_hu: float
) -> None:
    front, left = FRONT_MM[:, None], LEFT_MM[None, :]
    slab = np.full((len(FRONT_MM), len(LEFT_MM)), 40.0, np.float32)

    def fill(from_mm: float, to_mm: float, aside_mm: float, hu: float) -> None:
        slab[(front >= from_mm) & (front < to_mm) & (np.abs(left) < aside_mm)] = hu

    fill(3, 3 + deep_mm, wide_mm / 2, 250)
    fill(5, 1 + deep_mm, wide_mm / 2 - 2, 60)
    fill(3 + deep_mm, 6 + deep_mm, wide_mm / 2, -60)
    fill(6 + deep_mm, 22 + deep_mm, 9, aorta_hu)
    back, ahead, right, aside = outline_mm(slab)
    assert ahead - back == pytest.approx(deep_mm, abs=2.5)
    assert aside - right == pytest.approx(wide_mm, abs=2.5)
