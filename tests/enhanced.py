"""Enhanced CT made of classic slices: one image of many frames (PS3.3 A.38)."""

from collections.abc import Sequence
from copy import deepcopy

from pydicom import Dataset
from pydicom.uid import EnhancedCTImageStorage, generate_uid

IMAGE = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
    *("ReferringPhysicianName", "StudyDescription", "SeriesInstanceUID", "SeriesNumber"),
    *("Modality", "Manufacturer", "ManufacturerModelName", "FrameOfReferenceUID"),
    *("BodyPartExamined", "SeriesDescription", "ImageType", "Rows", "Columns", "SamplesPerPixel"),
    *("PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit"),
    "PixelRepresentation",
)
SHARED = {
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope", "RescaleType"),
    "CTReconstructionSequence": ("ConvolutionKernel",),
    "CTXRayDetailsSequence": ("KVP",),
}


def enhanced(images: Sequence[Dataset]) -> Dataset:
    """Put slices into one image of many frames, what all have in common in the shared groups."""
    first, ds = images[0], _with(images[0], IMAGE)
    ds.file_meta = deepcopy(first.file_meta)
    ds.SOPClassUID, ds.SOPInstanceUID = EnhancedCTImageStorage, generate_uid()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.InstanceNumber, ds.NumberOfFrames = 1, len(images)
    group = Dataset()
    for sequence, keywords in SHARED.items():
        setattr(group, sequence, [_with(first, keywords)])
    ds.SharedFunctionalGroupsSequence = [group]
    ds.PerFrameFunctionalGroupsSequence = [_frame(one) for one in images]
    ds.PixelData = b"".join(one.PixelData for one in images)
    ds["PixelData"].VR = "OW"
    return ds


def _with(source: Dataset, keywords: Sequence[str]) -> Dataset:
    part = Dataset()
    for keyword in keywords:
        if keyword in source:
            part[keyword] = source[keyword]
    return part


def _frame(one: Dataset) -> Dataset:
    frame = Dataset()
    frame.PlanePositionSequence = [_with(one, ("ImagePositionPatient",))]
    return frame
