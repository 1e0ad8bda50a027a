"""Which MR series is read, and why others are not: from headers alone."""

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import MRImageStorage

from engines.errors import NotEligible, Reason
from engines.mr_sequence import Weighting, weighting
from engines.series_choice import appraise

CORONAL, AXIAL = [1, 0, 0, 0, 0, -1], [1, 0, 0, 0, 1, 0]
T1 = {"ScanningSequence": "SE", "RepetitionTime": 560, "EchoTime": 12}
STIR = {"ScanningSequence": ["SE", "IR"], "RepetitionTime": 4200, "EchoTime": 48}


def series(turned=CORONAL, count=18, **said):
    return [image(turned, n, **said) for n in range(count)]


def image(turned, number, **said):
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, f"1.2.{number}"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    ds.ImageOrientationPatient = turned
    across = np.cross(turned[:3], turned[3:])
    ds.ImagePositionPatient = list(4.0 * number * across)
    ds.PixelSpacing, ds.Rows, ds.Columns = [1, 1], 320, 320
    for name, value in said.items():
        setattr(ds, name, value)
    return ds


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (T1, Weighting.T1),
        ({**STIR, "InversionTime": 150}, Weighting.FLUID),
        ({**STIR, "InversionTime": 2300}, Weighting.OTHER),
        ({**T1, "SeriesDescription": "t1 fs cor"}, Weighting.OTHER),
        ({"ScanningSequence": "SE", "RepetitionTime": 4320, "EchoTime": 101}, Weighting.T2),
        (
            {
                "ScanningSequence": "SE",
                "RepetitionTime": 3500,
                "EchoTime": 40,
                "ScanOptions": "FS",
            },
            Weighting.FLUID,
        ),
        ({**T1, "ScanningSequence": "GR"}, Weighting.OTHER),
        ({"ScanningSequence": "SE", "EchoTime": 12}, None),
    ],
)
def test_times_and_words_say_what_a_series_weighs(said, found):
    assert weighting(image(CORONAL, 0, **said)) is found


def test_of_a_study_t1_comes_before_stir():
    t1, stir = appraise(series(**T1)), appraise(series(**STIR, InversionTime=150))
    assert t1.verdict is None and stir.verdict is None
    assert t1.score > stir.score > 0


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (series(**T1, SeriesDescription="t2_localizer"), Reason.LOCALIZER),
        (series(**T1, SeriesDescription="Survey"), Reason.LOCALIZER),
        (series(AXIAL, **T1), Reason.SCAN_OBLIQUE),
        (series(ScanningSequence="SE"), Reason.SEQUENCE_UNSUITABLE),
        (
            series(ScanningSequence="SE", RepetitionTime=4320, EchoTime=101),
            Reason.SEQUENCE_UNSUITABLE,
        ),
        (series(**T1, SeriesDescription="T1 cor SUB"), Reason.DERIVED_IMAGE),
    ],
)
def test_what_is_not_read_is_never_tried_and_says_why(headers, reason):
    appraisal = appraise(headers)
    assert appraisal.refused and appraisal.verdict.reason is reason
    assert isinstance(appraisal.verdict, NotEligible)


def test_a_stack_of_few_slices_is_no_volume():
    assert appraise(series(count=4, **T1)).verdict.reason is Reason.TOO_FEW_SLICES
