"""The measured regions as DICOM SEG: on their slices, known by the names that the SR uses."""

from pathlib import Path

import ct_reports
import numpy as np
import pytest
import reports
from ct_reports import named, said
from pydicom import Dataset
from pydicom.uid import EnhancedCTImageStorage
from validators import dcentvfy, dciodvfy

from engines.errors import BadSeries, Reason
from engines.sights import Mask
from workers.objects import part10_bytes, segmentation, structured_report


@pytest.fixture(scope="module")
def made() -> Dataset:
    return segmentation(ct_reports.report(), ct_reports.slices())


def frames(ds: Dataset) -> dict[tuple[int, str], np.ndarray]:
    """Return each frame's pixels by the number of its segment and the slice it lies on."""
    found = {}
    for frame, group in zip(ds.pixel_array, ds.PerFrameFunctionalGroupsSequence, strict=True):
        segment = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        image = group.DerivationImageSequence[0].SourceImageSequence[0]
        found[segment, str(image.ReferencedSOPInstanceUID)] = frame.astype(bool)
    return found


def test_each_mask_lies_on_its_own_slices_and_nowhere_else(made):
    found = frames(made)
    wanted = {
        (number, uid): pixels
        for number, mask in enumerate(ct_reports.result().masks, 1)
        for (uid, _), pixels in mask.pixels.items()
    }
    assert set(found) == set(wanted)
    for key, pixels in wanted.items():
        assert pixels.any()
        np.testing.assert_array_equal(found[key], pixels)


def test_a_segment_and_the_group_of_the_same_thing_have_one_name(made):
    segments = {s.TrackingID: s.TrackingUID for s in made.SegmentSequence}
    assert list(segments) == [
        "trabecular bone: L1",
        "psoas muscle: L3, right",
        "psoas muscle: L3, left",
    ]
    sr = structured_report(ct_reports.report())
    groups = {said(one, "112039"): named(one, "112040")[0].UID for one in named(sr, "125007")}
    assert segments["trabecular bone: L1"] == groups["trabecular bone: L1"]
    assert len(set(segments.values())) == 3


def test_the_same_masks_are_the_same_bytes_in_whatever_order_the_slices_came(made):
    again = segmentation(ct_reports.report(), ct_reports.slices()[::-1])
    assert part10_bytes(again) == part10_bytes(made)


def test_dciodvfy_and_dcentvfy_find_nothing_wrong(made, tmp_path: Path):
    paths = []
    for ds in ct_reports.slices(SpecificCharacterSet="ISO_IR 192"):
        paths.append(tmp_path / f"{ds.SOPInstanceUID}.dcm")
        ds.save_as(paths[-1], enforce_file_format=True)
    path = tmp_path / "seg.dcm"
    path.write_bytes(part10_bytes(made))
    assert dciodvfy(path) == []
    assert dcentvfy([*paths, path]) == []


def enhanced() -> Dataset:
    """Put the slices into one image of several frames."""
    slices = ct_reports.slices()
    ds = slices[0]
    ds.SOPClassUID, ds.SOPInstanceUID = EnhancedCTImageStorage, "2.25.2100"
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = ds.PixelSpacing, ds.SliceThickness
    orientation.ImageOrientationPatient = ds.ImageOrientationPatient
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    ds.SharedFunctionalGroupsSequence = [shared]
    ds.PerFrameFunctionalGroupsSequence = []
    for one in slices:
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = one.ImagePositionPatient
        frame.PlanePositionSequence = [position]
        ds.PerFrameFunctionalGroupsSequence.append(frame)
    ds.NumberOfFrames = len(slices)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        del ds[keyword]
    return ds


def test_a_frame_of_an_enhanced_image_carries_its_own_mask(tmp_path):
    pixels = ct_reports.mask((0, 0.2), (0.1, 0.1))
    mask = Mask("L1", "trabecular bone", {("2.25.2100", ct_reports.L1 + 1): pixels})
    made = segmentation(ct_reports.report(masks=(mask,)), [enhanced()])
    [group] = made.PerFrameFunctionalGroupsSequence
    image = group.DerivationImageSequence[0].SourceImageSequence[0]
    assert int(image.ReferencedFrameNumber) == ct_reports.L1 + 1
    position = group.PlanePositionSequence[0].ImagePositionPatient
    assert float(position[2]) == ct_reports.L1 * ct_reports.SPACING_MM
    np.testing.assert_array_equal(made.pixel_array.reshape(pixels.shape).astype(bool), pixels)


def test_without_masks_or_a_frame_of_reference_there_is_no_segmentation():
    assert segmentation(ct_reports.report(masks=()), ct_reports.slices()) is None
    assert segmentation(ct_reports.report(), ct_reports.slices(FrameOfReferenceUID=None)) is None
    failed = BadSeries(Reason.SLICES_MISSING, "two slices are missing")
    assert segmentation(ct_reports.report(verdict=failed), ct_reports.slices()) is None


def test_a_film_has_no_segmentation():
    report = reports.report()
    assert segmentation(report, [report.source]) is None
