"""The regions that were measured, as DICOM Segmentation: one segment for each thing in a place."""

from collections.abc import Sequence
from copy import deepcopy
from types import MappingProxyType
from typing import Final

import highdicom
import numpy as np
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage
from pydicom.valuerep import DSfloat

from engines.findings import Result
from engines.header import items
from engines.product import PRODUCT, VERSION
from engines.sights import Mask
from workers import codes, wording
from workers.reference import reference_header
from workers.report import Report
from workers.sc import BODY_PARTS
from workers.sr import local_time, model_equipment, pin
from workers.tid1500 import algorithm_family, tracking_identifier
from workers.uids import result_key, series_instance_uid, sop_instance_uid, stable_uid, tracking_uid

SERIES_NUMBER: Final = 9904
#: What of a slice says where it lies.
_GEOMETRY: Final = (
    "SOPClassUID",
    "SOPInstanceUID",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
#: As in the picture; recommended only, a viewer may choose others.
_COLOURS: Final = MappingProxyType(
    {
        "trabecular bone": (244, 178, 76),
        "psoas muscle": (226, 112, 118),
        "paraspinal muscle": (196, 88, 140),
        "skeletal muscle": (226, 112, 118),
        "intermuscular fat": (246, 222, 120),
        "visceral fat": (160, 130, 222),
        "subcutaneous fat": (84, 150, 204),
    }
)
_OTHER_COLOUR: Final = (158, 182, 206)


def segmentation(report: Report, images: Sequence[Dataset]) -> Dataset | None:
    """Write the masks of a result on the images that they were drawn on.

    Parameters
    ----------
    report : Report
        A result.
    images : sequence of Dataset
        The series, pixel data not needed.

    Returns
    -------
    Dataset or None
        Binary, empty frames left out, with file meta; Explicit VR Little Endian. None where there
        are no masks, where the images name no frame of reference, or where they are several of
        many frames each.

    Raises
    ------
    BadSeries
        If the source does not say whose study it is.
    """
    masks = report.outcome.masks if isinstance(report.outcome, Result) else ()
    sources = _sources(masks, images)
    if not _usable(sources):
        return None
    header = reference_header(report.source)
    at = local_time(report, header)
    made: Dataset = Segmentation(
        source_images=[_placed(header, source) for source in sources],
        pixel_array=_pixels(masks, sources),
        segmentation_type="BINARY",
        segment_descriptions=[_segment(report, n, one) for n, one in enumerate(masks, 1)],
        series_instance_uid=series_instance_uid(report, "SEG"),
        series_number=SERIES_NUMBER,
        series_description=wording.series(report, "SEG"),
        sop_instance_uid=sop_instance_uid(report, "SEG", SegmentationStorage),
        instance_number=1,
        manufacturer=PRODUCT,
        manufacturer_model_name=PRODUCT,
        software_versions=VERSION,
        device_serial_number=report.provenance.node,
        institution_name=header.get("InstitutionName") or None,
        content_label="REGIONS",
        content_description=wording.series(report, "SEG"),
        content_date=at.date(),
        content_time=at.time(),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        contributing_equipment=[model_equipment(report)],
    )
    made.BodyPartExamined = BODY_PARTS[report.card.exam]
    _pin_dimensions(made, report)
    pin(made, report, header)
    return made


def _sources(masks: Sequence[Mask], images: Sequence[Dataset]) -> list[Dataset]:
    """Return the images that a mask lies on, from one end of the stack to the other."""
    marked = {uid for mask in masks for uid, _ in mask.pixels}
    sources = [image for image in images if str(image.SOPInstanceUID) in marked]
    return sorted(sources, key=lambda image: (_height_mm(image), str(image.SOPInstanceUID)))


def _usable(sources: Sequence[Dataset]) -> bool:
    if not sources or not all(source.get("FrameOfReferenceUID") for source in sources):
        return False
    return len(sources) == 1 or all(len(_frames(source)) == 1 for source in sources)


def _height_mm(image: Dataset) -> float:
    return float((image.get("ImagePositionPatient") or (0, 0, 0))[2])


def _placed(header: Dataset, source: Dataset) -> Dataset:
    """Return patient and study as cleaned, and where the slice lies."""
    placed = deepcopy(header)
    for keyword in _GEOMETRY:
        if keyword in source:
            placed[keyword] = deepcopy(source[keyword])
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in placed.get(groups, ()):
            _shorten(group)
    return placed


def _shorten(group: Dataset) -> None:
    """Write a frame's place in the 16 characters of a DS (PS3.5 6.2): not all scanners do."""
    for item in (one for element in group for one in items(group, element.keyword)):
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            if keyword in item:
                exact = [float(value) for value in item[keyword].value]
                setattr(item, keyword, [DSfloat(value, auto_format=True) for value in exact])


def _pixels(masks: Sequence[Mask], sources: Sequence[Dataset]) -> NDArray[np.uint8]:
    """Stack the masks: (frame, row, column, segment), a frame for each plane of the sources."""
    planes = [
        (str(source.SOPInstanceUID), frame) for source in sources for frame in _frames(source)
    ]
    shape = (len(masks), len(planes), int(sources[0].Rows), int(sources[0].Columns))
    # each segment in one piece of memory: that is how it is read
    pixels = np.moveaxis(np.zeros(shape, np.uint8), 0, -1)
    for segment, mask in enumerate(masks):
        for place, plane in enumerate(planes):
            if plane in mask.pixels:
                pixels[place, :, :, segment] = mask.pixels[plane]
    return pixels


def _frames(source: Dataset) -> range:
    """Number the frames of an image from 1; an image of one has number 0."""
    several = "PerFrameFunctionalGroupsSequence" in source
    return range(1, int(source.NumberOfFrames) + 1) if several else range(1)


def _segment(report: Report, number: int, mask: Mask) -> SegmentDescription:
    name = tracking_identifier(mask)
    return SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=codes.ANATOMICAL_STRUCTURE,
        segmented_property_type=codes.STRUCTURES[mask.what],
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name=report.weights.model,
            family=algorithm_family(report),
            version=report.weights.version,
            source=PRODUCT,
        ),
        tracking_uid=tracking_uid(report, mask.what, mask.site, mask.laterality),
        tracking_id=name,
        anatomic_regions=[codes.SITES[mask.site]],
        display_color=highdicom.color.CIELabColor.from_rgb(*_COLOURS.get(mask.what, _OTHER_COLOUR)),
    )


def _pin_dimensions(made: Dataset, report: Report) -> None:
    """Replace the random UID of the dimensions by one of this result."""
    uid = stable_uid(report.provenance.namespace, "SEG dimensions", result_key(report))
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
