"""Contrast phase from header and image, and the other facts beside a number."""

import json
from functools import cache

import numpy as np
import pytest
from bench.virtual_slabs import Slab, slab
from pydicom import Dataset
from radiographs import shared

from engines.anatomy.contrast import Phase, contrast_of, header_phase
from engines.anatomy.spine import Vertebra
from engines.ct_attenuation.quality import noise_hu, quality
from engines.images import read_image
from engines.phantoms.ct.protocol import Phase as Taken
from engines.volume import Volume, read_volume

#: By eye, on CRLM-CT-1004: slice, row, column of the middle of a vertebral body.
BODIES = ((2, 262, 249), (8, 268, 249))


@cache
def scan(phase: Taken, kvp: int = 120) -> Slab:
    return slab(
        3,
        matrix=192,
        slice_thickness_mm=5.0,
        spacing_mm=5.0,
        phase=phase,
        kvp=kvp,
        noise_hu=10.0,
        oral_contrast=False,
    )


def said(description: str, agent: str = "") -> Dataset:
    ds = Dataset()
    ds.SeriesDescription, ds.ContrastBolusAgent = description, agent
    return ds


@pytest.mark.parametrize(
    ("description", "agent", "phase", "given"),
    [
        ("Abdomen nativ 3.0 B30f", "", Phase.NATIVE, False),
        ("ABD/PEL WITHOUT", "", Phase.NATIVE, False),
        ("Abdomen art 1.0", "Iomeron", Phase.ARTERIAL, True),
        ("PV 5mm ST", "OMNI 300", Phase.PORTAL_VENOUS, True),
        ("Abd portalvenös", "Ultravist", Phase.PORTAL_VENOUS, True),
        ("delayed 5 min", "APPLIED", Phase.DELAYED, True),
        ("art + pv", "Iomeron", Phase.UNKNOWN, True),
        ("nativ", "Iomeron", Phase.UNKNOWN, True),
        ("Abdomen 5.0", "", Phase.UNKNOWN, False),
        ("Abdomen 5.0", "NONE", Phase.UNKNOWN, False),
        ("party", "", Phase.UNKNOWN, False),
    ],
)
def test_the_header_names_a_phase_or_none(
    description: str, agent: str, phase: Phase, given: bool
) -> None:
    assert header_phase(said(description, agent)) == (phase, given)


@pytest.mark.parametrize(
    ("taken", "kvp", "phase"),
    [
        (Taken.NONE, 120, Phase.NATIVE),
        (Taken.ARTERIAL, 120, Phase.ARTERIAL),
        (Taken.PORTAL_VENOUS, 120, Phase.PORTAL_VENOUS),
    ],
)
def test_the_image_tells_the_phase_of_a_virtual_scan(taken: Taken, kvp: int, phase: Phase) -> None:
    one = scan(taken, kvp)
    assert contrast_of([], one.volume, [one.vertebra]).image is phase


def test_a_header_that_contradicts_the_image_leaves_the_phase_unknown() -> None:
    one = scan(Taken.ARTERIAL)
    found = contrast_of([said("nativ")], one.volume, [one.vertebra])
    assert (found.phase, found.agree) == (Phase.UNKNOWN, False)
    found = contrast_of([said("art", "Iomeron")], one.volume, [one.vertebra])
    assert (found.phase, found.agree) == (Phase.ARTERIAL, True)


def test_calcified_walls_do_not_make_a_native_scan_an_arterial_one() -> None:
    one = scan(Taken.NONE)
    plain = contrast_of([], one.volume, [one.vertebra])
    row_mm, column_mm = one.volume.spacing_mm[1:]
    rows, columns = np.indices(one.volume.hu.shape[1:], dtype=np.float64)
    # a ring of 10 mm about a place before the left half of L3's body
    middle = (one.vertebra.middle_mm - np.array(one.volume.origin_mm)) / [column_mm, row_mm, 1.0]
    away = np.hypot(
        (columns - middle[0]) * column_mm - 9,
        (rows - middle[1]) * row_mm + one.vertebra.depth_mm / 2 + 12,
    )
    hu = one.volume.hu.copy()
    hu[:, (away > 8.5) & (away < 10.5)] = 700.0
    walled = Volume(hu, one.volume.spacing_mm, one.volume.origin_mm, ())
    found = contrast_of([], walled, [one.vertebra])
    assert plain.aorta_hu is not None
    assert found.image is Phase.NATIVE
    assert found.aorta_hu == pytest.approx(plain.aorta_hu, abs=12)


def test_a_body_without_vessels_tells_nothing() -> None:
    one = scan(Taken.NONE)
    empty = Volume(np.full_like(one.volume.hu, -100.0), one.volume.spacing_mm, (0.0, 0.0, 0.0), ())
    found = contrast_of([], empty, [one.vertebra])
    assert (found.phase, found.aorta_hu, found.agree) == (Phase.UNKNOWN, None, None)


def test_noise_is_told_apart_from_more_noise() -> None:
    rng = np.random.default_rng(1)
    flat = np.full((4, 120, 120), 50.0, np.float32)
    flat[:, :, 60:] = -100.0
    noisy = [flat + sd * rng.standard_normal(flat.shape).astype(np.float32) for sd in (5.0, 25.0)]
    quiet, loud = (noise_hu(Volume(one, (5.0, 1.0, 1.0), (0.0, 0.0, 0.0), ())) for one in noisy)
    assert quiet is not None
    assert loud is not None
    assert quiet == pytest.approx(5.0, rel=0.15)
    assert loud == pytest.approx(25.0, rel=0.15)
    nothing = np.full((3, 40, 40), np.nan, np.float32)
    assert noise_hu(Volume(nothing, (5.0, 1.0, 1.0), (0.0, 0.0, 0.0), ())) is None


def test_a_real_scan_with_contrast_medium_says_all_that_a_reader_needs() -> None:
    images = [read_image(path) for path in sorted(shared("ct/CRLM-CT-1004").iterdir())]
    volume = read_volume(images)
    up, front = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])
    seen = [Vertebra("L3", volume.point_mm(place), up, front, 27.0, 36.0, 48.0) for place in BODIES]
    known = quality(images, volume, seen)
    assert json.loads(json.dumps(known)) == known
    assert (known["kvp"], known["kernel"], known["slice_thickness_mm"]) == (120.0, "STANDARD", 5.0)
    assert known["contrast_phase"] == "portal venous"
    assert known["contrast_agrees"] is True
    assert 130 < known["aorta_hu"] < 170
    assert 6 < known["noise_hu"] < 14
