"""What an image is, from its header alone."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from pydicom import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    MRImageStorage,
)

from engines.header import items, text
from engines.product import PRODUCT
from engines.regions import SOURCES, Region, by_source


class Exam(StrEnum):
    """An examination we have models for; the value names its queue and its settings."""

    CHEST_XRAY = "cxr"
    HIP_XRAY = "hip"
    ABDOMEN_CT = "ct"
    HIP_MRI = "mri"


#: What of the body each examination shows.
REGION: Final = {
    Exam.CHEST_XRAY: Region.CHEST,
    Exam.HIP_XRAY: Region.PELVIS,
    Exam.ABDOMEN_CT: Region.ABDOMEN,
    Exam.HIP_MRI: Region.PELVIS,
}

#: Of which examinations the best series of a study is measured and no other, and their Modality.
#: Of the others every series stands for itself.
PER_STUDY: Final = {Exam.ABDOMEN_CT: "CT", Exam.HIP_MRI: "MR"}

_FILMS: Final = (Exam.CHEST_XRAY, Exam.HIP_XRAY)
_BY_SOP_CLASS: Final[dict[str, tuple[Exam, ...]]] = {
    ComputedRadiographyImageStorage: _FILMS,
    DigitalXRayImageStorageForPresentation: _FILMS,
    DigitalXRayImageStorageForProcessing: _FILMS,
    CTImageStorage: (Exam.ABDOMEN_CT,),
    EnhancedCTImageStorage: (Exam.ABDOMEN_CT,),
    MRImageStorage: (Exam.HIP_MRI,),
    EnhancedMRImageStorage: (Exam.HIP_MRI,),
}
# RG is what scanned film called itself, and what some gateways still write.
_FILM_MODALITIES: Final = {"", "CR", "DX", "RG"}
_BY_MODALITY: Final[dict[str, tuple[Exam, ...]]] = {
    "CR": _FILMS,
    "DX": _FILMS,
    "CT": (Exam.ABDOMEN_CT,),
    "MR": (Exam.HIP_MRI,),
}


#: What of a header :func:`classify` and :func:`own_result` read.
READ: Final = (
    "SOPClassUID",
    "Modality",
    "Manufacturer",
    "ContributingEquipmentSequence",
    *SOURCES,
)


def classify(headers: Sequence[Dataset]) -> Exam | None:
    """Say which examination a series is.

    The strongest part of the header that names a region at all decides (BodyPartExamined, then
    AnatomicRegionSequence, then the texts of the series, last StudyDescription); in a series of
    several images the majority of those that say anything.

    Parameters
    ----------
    headers : sequence of Dataset
        The images of one series, pixel data not needed. Images whose headers are alike may be
        given as one and the same data set, once each: it is looked at once.

    Returns
    -------
    Exam or None
        None for what no model of ours reads: other modalities and regions, and everything that is
        no image of an acquisition (secondary captures, SR, PR, KO, SEG, OT).
    """
    images = Counter(map(id, headers))
    votes: Counter[Exam] = Counter()
    for header in {id(header): header for header in headers}.values():
        if (exam := _exam_of(header)) is not None:
            votes[exam] += images[id(header)]
    return votes.most_common(1)[0][0] if votes else None


def own_result(ds: Dataset) -> bool:
    """Tell whether an object was made by us and has come back."""
    makers = [text(ds, "Manufacturer")]
    for item in items(ds, "ContributingEquipmentSequence"):
        makers += [text(item, "Manufacturer"), text(item, "ManufacturerModelName")]
    return PRODUCT in (maker.casefold() for maker in makers)


def _exam_of(ds: Dataset) -> Exam | None:
    regions = next(iter(by_source(ds).values()), frozenset())
    return next((exam for exam in _candidates(ds) if REGION[exam] in regions), None)


def _candidates(ds: Dataset) -> tuple[Exam, ...]:
    """Return what the SOP class allows.

    A modality counts where no SOP class is given, and where it says that an image in a film's
    class is none: a mammogram or a panoramic view kept as a CR.
    """
    sop_class, modality = text(ds, "SOPClassUID"), text(ds, "Modality").upper()
    if not sop_class:
        return _BY_MODALITY.get(modality, ())
    candidates = _BY_SOP_CLASS.get(sop_class, ())
    return () if candidates == _FILMS and modality not in _FILM_MODALITIES else candidates
