"""The spinal canal is found on real scans, and where there is none it is not."""

import numpy as np
import pytest
from nifti import read_nifti
from radiographs import shared
from scipy import ndimage

from engines.anatomy.canal import find_canal
from engines.errors import BadSeries, Reason
from engines.images import read_image
from engines.volume import Volume, read_volume

#: By eye, on slices of CRLM-CT-1004 from its lowest: row and column of the canal's middle.
BY_EYE = {
    0: (294, 247),
    8: (301, 248),
    16: (313, 245),
    24: (328, 242),
    32: (340, 238),
    40: (346, 239),
}
SACRUM = 26


def test_it_runs_through_the_hole_of_every_vertebra_of_a_real_scan() -> None:
    canal = find_canal(read_nifti(shared("ct/totalseg/example_ct.nii.gz")))
    vertebrae = read_nifti(shared("ct/totalseg/totalseg.nii.gz")).hu
    seen = 0
    for number, labels in enumerate(vertebrae):
        bone = labels > SACRUM
        hole = ndimage.binary_fill_holes(bone) & ~bone
        if hole.sum() < 4:
            continue
        seen += 1
        away_mm = np.hypot(*(np.argwhere(hole) - canal.at[number]).T).min() * 3.0
        assert away_mm < 3.1, number
    assert seen > 10


def test_it_runs_through_the_canal_of_a_scan_with_contrast_medium() -> None:
    folder = shared("ct/CRLM-CT-1004")
    volume = read_volume([read_image(path) for path in sorted(folder.iterdir())])
    canal = find_canal(volume)
    for number, middle in BY_EYE.items():
        assert np.hypot(*(canal.at[number] - middle)) * volume.spacing_mm[1] < 5.0, number
    assert np.median(canal.enclosed) > 0.85


def test_it_is_the_same_upside_down() -> None:
    volume = read_nifti(shared("ct/totalseg/example_ct.nii.gz"))
    upper = Volume(volume.hu[50:], volume.spacing_mm, volume.origin_mm, ())
    turned = Volume(upper.hu[::-1], volume.spacing_mm, volume.origin_mm, ())
    off_mm = np.hypot(*(find_canal(upper).at - find_canal(turned).at[::-1]).T) * 3.0
    assert off_mm.max() < 3.1


def test_a_body_without_bones_has_none() -> None:
    rows, columns = np.indices((80, 80)) - 40
    body = np.where(np.hypot(rows, columns) < 35, 40.0, -1000.0).astype(np.float32)
    volume = Volume(np.stack([body] * 20), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0), ())
    with pytest.raises(BadSeries) as caught:
        find_canal(volume)
    assert caught.value.reason is Reason.SPINE_NOT_FOUND
