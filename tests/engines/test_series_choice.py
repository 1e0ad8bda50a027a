"""Which series of a CT study is measured, from headers alone."""

import itertools

import pytest
from enhanced import enhanced
from pydicom.uid import EnhancedCTImageStorage
from radiographs import shared
from slices import ct_slice, ct_stack

from engines.errors import BadSeries, NotEligible, Reason
from engines.images import read_image
from engines.kernels import Sharpness, sharpness
from engines.rules import Rules
from engines.series_choice import appraise, not_chosen, ranked

FLAT = {"picture": lambda points: points[..., 0] * 0, "shape": (4, 4)}


def series(count=100, step_mm=2.5, **header):
    header = {"ConvolutionKernel": "STANDARD"} | header
    slices = ct_stack(count=count, step_mm=step_mm, **FLAT)
    for ds in slices:
        for keyword, value in header.items():
            setattr(ds, keyword, value)
    return slices


def score(**how):
    appraisal = appraise(series(**how))
    assert appraisal.verdict is None
    return appraisal.score


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ("B30s B31f B40f I30f Br36d Br40d Qr40 Bf44 T20s", Sharpness.SOFT),
        ("B50f B60s B80f I70f Br64d Bl57d Ur77", Sharpness.SHARP),
        ("STANDARD SOFT STND Body Smooth A B C FC08 FC18 FC03-H", Sharpness.SOFT),
        ("LUNG BONE BONEPLUS EDGE D YB FC30 FC51 FC86", Sharpness.SHARP),
        ("DETAIL CHST X 3", Sharpness.UNKNOWN),
    ],
)
def test_a_kernel_is_soft_or_sharp_by_its_makers_name(names, kind):
    for name in names.split():
        [ds] = series(count=1, ConvolutionKernel=name)
        assert sharpness(ds) is kind, name


def test_the_strength_of_iterations_beside_a_kernel_says_nothing():
    [ds] = series(count=1, ConvolutionKernel=["I40f", "3"])
    assert sharpness(ds) is Sharpness.SOFT


def test_soft_kernel_counts_before_coverage_before_spacing_before_phase():
    assert score() > score(ConvolutionKernel="DETAIL")
    assert score(step_mm=5, SeriesDescription="art") > score(count=12, step_mm=2.5)
    assert score(SeriesDescription="portal venous") > score(
        step_mm=5, count=50, SeriesDescription="nativ"
    )


def test_an_arterial_scan_of_thin_slices_comes_after_a_venous_one_of_thick_slices():
    thick = {"count": 60, "step_mm": 5.0}
    assert score(SeriesDescription="Abd ven", **thick) > score(SeriesDescription="Abd art")


def test_phases_come_in_the_order_of_what_contrast_medium_changes():
    said = ["native", "", "portal venous", "arterial"]
    scores = [score(SeriesDescription=words) for words in said]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == len(said)
    assert score(SeriesDescription="Abd W/O contrast") == score(SeriesDescription="native")


def test_more_than_the_lumbar_spine_earns_nothing():
    assert score(count=110) == score(count=200)
    assert score(count=40) < score(count=90) < score(count=110)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, Reason.LOCALIZER),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]}, Reason.DERIVED_IMAGE),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, Reason.SCREENSHOT),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "PROJECTION IMAGE"]}, Reason.DERIVED_IMAGE),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, Reason.SCREENSHOT),
        ({"ConvolutionKernel": "LUNG"}, Reason.KERNEL_TOO_SHARP),
    ],
)
def test_what_is_no_soft_axial_acquisition_is_never_tried(header, reason):
    appraisal = appraise(series(count=12, **header))
    assert isinstance(appraisal.verdict, NotEligible)
    assert (appraisal.verdict.reason, appraisal.refused, appraisal.told()) == (reason, True, None)


def test_a_site_whose_scanners_write_derived_for_all_they_make_may_say_so():
    rules = Rules(accept_derived_primary=True)
    mine = series(ImageType=["DERIVED", "PRIMARY", "AXIAL"])
    assert appraise(mine, rules).score == score()
    reformats = series(ImageType=["DERIVED", "PRIMARY", "MPR"])
    assert appraise(reformats, rules).verdict.reason == Reason.DERIVED_IMAGE


def test_coronal_slices_are_never_tried():
    coronal = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
    slices = [ct_slice(FLAT["picture"], (0.0, 2.0 * n, 0.0), coronal, (4, 4)) for n in range(12)]
    appraisal = appraise(slices)
    assert (appraisal.verdict.reason, appraisal.refused) == (Reason.SCAN_OBLIQUE, True)


def test_slices_that_make_no_volume_are_tried_only_where_there_is_nothing_else():
    gap = [ds for n, ds in enumerate(series(count=40)) if not 10 <= n < 20]
    appraisal = appraise(gap)
    assert isinstance(appraisal.verdict, BadSeries) and not appraisal.refused
    assert (appraisal.verdict.reason, appraisal.score) == (Reason.SLICES_MISSING, 0)
    assert ranked({"1.2": 0.0, "1.1": 0.0}) == ["1.1"]
    assert ranked({"1.2": 0.0, "1.3": 1.0, "1.4": 2.0}) == ["1.4", "1.3"]


def test_what_reading_will_resample_or_leave_out_is_said_and_costs_points():
    uneven = series()
    uneven[50].ImagePositionPatient[2] += 1.0
    twice = [*series(), *series()]
    for slices, words in ((uneven, "unevenly"), (twice, "came twice")):
        appraisal = appraise(slices)
        assert appraisal.score == score() - 2
        assert words in " ".join(appraisal.points)


def test_one_image_that_is_unlike_the_others_decides_nothing():
    slices = series()
    slices[0].ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    assert appraise(slices).verdict is None


def test_an_enhanced_image_whose_frames_were_not_read_is_left_to_reading():
    [ds] = series(count=1, SOPClassUID=EnhancedCTImageStorage)
    del ds.ImagePositionPatient
    appraisal = appraise([ds])
    assert appraisal.verdict is None
    assert "how its slices lie is read with its pixels" in " ".join(appraisal.points)


def test_an_enhanced_image_whose_frames_were_read_scores_as_the_slices_it_holds_would():
    assert appraise([enhanced(series())]).score == appraise(series()).score
    assert isinstance(appraise([enhanced(series(ConvolutionKernel="LUNG"))]).verdict, NotEligible)
    holed = appraise([enhanced([*series()[:40], *series()[50:]])])
    assert holed.verdict.reason is Reason.SLICES_MISSING
    assert not holed.gapless


def test_the_order_of_equals_does_not_depend_on_the_order_they_come_in():
    scores = {"1.3": 50.0, "1.1": 50.0, "1.2": 60.0}
    orders = [dict(some) for some in itertools.permutations(scores.items())]
    assert {tuple(ranked(order)) for order in orders} == {("1.2", "1.1", "1.3")}


def test_the_reason_of_a_series_not_chosen_names_the_chosen_and_both_scores():
    assert not_chosen("1.2.3", 91.5, 60.0) == "series 1.2.3 was chosen: score 91.5, this one 60"


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("series-geometry/notavolume-001", Reason.TOO_FEW_SLICES),
        ("series-geometry/sliceincrement-001", Reason.SCREENSHOT),
        # an MR of no kind that is read: that is said before how its slices lie
        ("series-geometry/sliceorientation-001", Reason.SEQUENCE_UNSUITABLE),
        ("ct/ct-3slice", Reason.TOO_FEW_SLICES),
    ],
)
def test_a_real_series_that_is_no_volume_says_why(folder, reason):
    files = sorted(shared(folder).rglob("*.dcm"))
    assert appraise([read_image(file, header_only=True) for file in files]).verdict.reason == reason


def test_a_real_abdomen_in_slices_of_5_mm_is_worth_measuring():
    files = sorted(shared("ct/CRLM-CT-1004").glob("*.dcm"))
    appraisal = appraise([read_image(file, header_only=True) for file in files])
    assert appraisal.verdict is None
    assert appraisal.points[0] == "kernel soft: 20"
