"""Two real CTs: every region lies in the right vertebra, and what is not seen is not told."""

import random
from dataclasses import replace

import numpy as np
import pytest
from nifti import read_nifti
from radiographs import shared
from real_ct import as_series, example, example_levels
from scipy import ndimage

from engines.cards import read_weights
from engines.cases import read_case
from engines.ct_attenuation import model
from engines.errors import NotEligible, Reason
from engines.exams import Exam
from engines.findings import Result
from engines.images import read_image
from engines.rules import Rules
from engines.volume import Volume

LABEL = {"L5": 27, "L4": 28, "L3": 29, "L2": 30, "L1": 31, "T12": 32}


def screened(images, rules=None) -> Result:
    case = read_case(Exam.ABDOMEN_CT, images, rules=rules)
    model.eligible(case)
    return model.screen(case, lambda name, arrays: {}, read_weights("ct_attenuation"))


def value(result: Result, site: str, name: str = "trabecular attenuation") -> float:
    return next(one.value for one in result.measurements if (one.site, one.name) == (site, name))


@pytest.fixture(scope="module")
def native() -> Result:
    images = as_series(example())
    random.Random(1).shuffle(images)
    return screened(images)


def test_every_region_lies_in_the_right_vertebra(native):
    images = {ds.SOPInstanceUID: ds for ds in as_series(example())}
    labels = example_levels().hu
    assert {contour.site for contour in native.contours} >= {"L2", "L3", "L4"}
    for contour in (one for one in native.contours if one.what == "trabecular bone"):
        slices = images[contour.SOPInstanceUID].InstanceNumber - 1
        columns, rows = np.floor(contour.points).astype(int).T
        assert set(labels[slices, rows, columns]) == {LABEL[contour.site]}, contour.site


def test_spongy_bone_reads_what_the_front_of_a_careful_mask_reads(native):
    volume, labels = example(), example_levels()
    bodies = read_nifti(shared("ct/totalseg/totalseg_vertebrae_body.nii.gz")).hu > 0
    for site in ("L2", "L3", "L4"):
        own = bodies & (labels.hu == LABEL[site])
        core = ndimage.binary_erosion(own, iterations=2)
        core[:, round(np.argwhere(own)[:, 1].mean()) :] = False
        assert value(native, site) == pytest.approx(volume.hu[core].mean(), abs=6), site
    assert native.findings[0].site == "L2", "L1 is lower in front than behind"
    assert not native.findings[0].flagged


def test_the_cut_off_vertebra_at_the_top_is_not_measured(native):
    assert "T11" not in {one.site for one in native.measurements}
    assert "T12" not in {contour.site for contour in native.contours}


def test_contrast_medium_and_a_short_scan_are_no_reason_to_invent_levels():
    folder = shared("ct/CRLM-CT-1004")
    images = [read_image(path) for path in sorted(folder.iterdir())]
    with pytest.raises(NotEligible) as refused:
        screened(images)
    assert refused.value.reason is Reason.AGE_BELOW_MINIMUM
    found = screened(images, Rules(min_age_years=18))
    assert {one.site for one in found.measurements} <= {"T12", "L1", "L2", "L3"}
    assert 60 < found.findings[0].value < 300


def resliced(volume: Volume, slice_mm: float) -> Volume:
    """Return slices of another thickness, each the mean over it."""
    step_mm, *within = volume.spacing_mm
    ends = np.arange(0, len(volume.hu) * step_mm + 1e-6, slice_mm) / step_mm
    total = np.concatenate([np.zeros((1, *volume.hu.shape[1:])), np.cumsum(volume.hu, axis=0)])
    below = np.minimum(ends.astype(int), len(volume.hu) - 1)
    at = total[below] + (ends - below)[:, None, None] * volume.hu[below]
    x, y, z = volume.origin_mm
    origin = (x, y, z + (slice_mm - step_mm) / 2)
    hu = (np.diff(at, axis=0) * step_mm / slice_mm).astype(np.float32)
    return replace(volume, hu=hu, spacing_mm=(slice_mm, *within), origin_mm=origin)


def moved(volume: Volume) -> Volume:
    return replace(volume, hu=np.roll(volume.hu, 2, axis=2), origin_mm=(11.0, -7.0, 55.0))


@pytest.mark.parametrize(
    ("change", "off_hu"),
    [(moved, 0.5), (lambda one: resliced(one, 1.5), 3), (lambda one: resliced(one, 4.5), 3)],
    ids=["moved", "thin", "thick"],
)
def test_the_same_body_reads_the_same_however_it_was_sliced(native, change, off_hu):
    again = screened(as_series(change(example())))
    seen = {site: (value(native, site), value(again, site)) for site in ("L2", "L3", "L4")}
    assert all(abs(one - other) <= off_hu for one, other in seen.values()), seen
