"""A virtual patient's chest film as a DICOM image, with the header that real devices write."""

import datetime
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)

from engines.phantoms.dicom.uids import derived_uid
from engines.phantoms.film import chest_film, field_of
from engines.phantoms.person import ChestPatient
from engines.phantoms.projector import DETECTOR_MAGNIFICATION

#: No study of a virtual patient is older than the day this was written.
_STUDY_DATE = datetime.date(2026, 11, 2)


@dataclass(frozen=True)
class FilmFormat:
    """How a device writes a film; none of it says anything about bone.

    Attributes
    ----------
    modality : {'DX', 'CR'}
        Digital X-Ray (For Presentation) or Computed Radiography image.
    shape : (rows, columns)
        Of the film.
    bits : int
        BitsStored, 8 to 16.
    inverted : bool
        MONOCHROME1, bone stored dark.
    lateral : bool
        Left lateral instead of PA.
    """

    modality: str = "DX"
    shape: tuple[int, int] = (1024, 1024)
    bits: int = 12
    inverted: bool = False
    lateral: bool = False


def draw_format(seed: int, shape: tuple[int, int] = (1024, 1024)) -> FilmFormat:
    """Draw a device's way of writing from the seed alone, never from the patient."""
    rng = np.random.default_rng([seed, 7])
    return FilmFormat(
        modality="DX" if rng.random() < 0.7 else "CR",
        shape=shape,
        bits=int(rng.choice([10, 12, 12, 14, 16])),
        inverted=bool(rng.random() < 0.4),
    )


def chest_dicom(
    patient: ChestPatient, seed: int, form: FilmFormat | None = None, name: str = "Phantom^Chest"
) -> Dataset:
    """Take one chest film and write it as DICOM.

    Parameters
    ----------
    patient : ChestPatient
        Whose bone density the film shows.
    seed : int
        Body, exposure and every identifier; PA and lateral of one seed are two series of one study.
    form : FilmFormat, optional
        How the device writes; DX, 1024 x 1024, 12 bits where not given.
    name : str
        PatientName.

    Returns
    -------
    Dataset
        Complete with file meta information; the same arguments give the same bytes.
    """
    form = form or FilmFormat()
    ds = Dataset()
    ds.SOPClassUID = (
        DigitalXRayImageStorageForPresentation
        if form.modality == "DX"
        else ComputedRadiographyImageStorage
    )
    ds.SOPInstanceUID = derived_uid(seed, "image", form)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 192"
    _describe_patient(ds, patient, seed, name)
    _describe_study(ds, seed, form)
    _describe_device(ds)
    if form.modality == "DX":
        _describe_digital_film(ds, form)
    _describe_film(ds, seed, form)
    _write_pixels(ds, chest_film(patient, seed, form.shape, form.lateral), form)
    return ds


def chest_file(ds: Dataset) -> bytes:
    """Return a dataset as the bytes of a DICOM file (PS3.10)."""
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _describe_patient(ds: Dataset, patient: ChestPatient, seed: int, name: str) -> None:
    # the film is taken half a year after the birthday, so that age and birth date agree
    born = datetime.date(_STUDY_DATE.year - patient.age_years, 5, 2)
    ds.PatientName = name
    ds.PatientID = f"PHANTOM-{seed:08d}"
    ds.PatientBirthDate = born.strftime("%Y%m%d")
    ds.PatientSex = patient.sex
    ds.PatientAge = f"{patient.age_years:03d}Y"
    ds.PatientSize = f"{patient.height_m:.2f}"
    ds.PatientWeight = f"{patient.weight_kg:.1f}"
    ds.PatientComments = "Simulated: no person was imaged"


def _describe_study(ds: Dataset, seed: int, form: FilmFormat) -> None:
    date = _STUDY_DATE.strftime("%Y%m%d")
    minute = seed % 480
    time = f"{8 + minute // 60:02d}{minute % 60:02d}"
    seconds = "40" if form.lateral else "10"
    ds.StudyInstanceUID = derived_uid(seed, "study")
    ds.SeriesInstanceUID = derived_uid(seed, "series", form.lateral, form.modality)
    ds.StudyID = f"{seed % 10**8}"
    ds.AccessionNumber = f"P{seed % 10**9:09d}"
    ds.StudyDescription = "Chest radiograph, simulated"
    ds.SeriesDescription = "Chest lateral" if form.lateral else "Chest PA"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = date
    ds.StudyTime = f"{time}00"
    ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = f"{time}{seconds}"
    ds.Modality = form.modality
    ds.SeriesNumber = "2" if form.lateral else "1"
    ds.InstanceNumber = "1"
    ds.ReferringPhysicianName = ""
    ds.BodyPartExamined = "CHEST"


def _describe_device(ds: Dataset) -> None:
    # not our own name: what carries that is a result of ours and is not screened
    ds.Manufacturer = "Virtual patients"
    ds.ManufacturerModelName = "Virtual chest stand"
    ds.DeviceSerialNumber = "0"
    ds.SoftwareVersions = "1"
    ds.InstitutionName = "Virtual hospital"
    ds.KVP = "120"


def _describe_film(ds: Dataset, seed: int, form: FilmFormat) -> None:
    """Write the geometry; spacing is that at the detector, as devices state it."""
    spacing = field_of(seed, form.shape, form.lateral).spacing_mm * DETECTOR_MAGNIFICATION
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""] if form.modality == "DX" else ["ORIGINAL", "PRIMARY"]
    ds.ViewPosition = "LL" if form.lateral else "PA"
    ds.PatientOrientation = ["P", "F"] if form.lateral else ["L", "F"]
    ds.ImagerPixelSpacing = [f"{spacing:.5f}"] * 2
    ds.DistanceSourceToDetector = "1800"
    ds.DistanceSourceToPatient = "1650"
    ds.BurnedInAnnotation = "NO"
    ds.LossyImageCompression = "00"
    ds.AcquisitionNumber = "1"


def _describe_digital_film(ds: Dataset, form: FilmFormat) -> None:
    """Write what the DX modules ask beyond a CR image (PS3.3 A.26, C.8.11)."""
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.ImageLaterality = "U"
    ds.AnatomicRegionSequence = Sequence([_code("51185008", "SCT", "Chest")])
    view = ("399173006", "left lateral") if form.lateral else ("272479007", "postero-anterior")
    ds.ViewCodeSequence = Sequence([_code(view[0], "SCT", view[1])])
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence()
    ds.AcquisitionContextSequence = Sequence()
    ds.PositionerType = "COLUMN"
    ds.DetectorType = "SCINTILLATOR"
    ds.PixelIntensityRelationship = "LOG"
    # the sign: does the stored value rise or fall with the X-rays that came through
    ds.PixelIntensityRelationshipSign = 1 if form.inverted else -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.PresentationLUTShape = "INVERSE" if form.inverted else "IDENTITY"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _write_pixels(ds: Dataset, film: NDArray[np.float32], form: FilmFormat) -> None:
    """Store the film in the middle of the range, with a window that shows just it."""
    top = 2**form.bits - 1
    low, high = round(0.04 * top), round(0.96 * top)
    shown = 1.0 - film if form.inverted else film
    stored = np.rint(low + shown * (high - low))
    wide = form.bits > 8
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME1" if form.inverted else "MONOCHROME2"
    ds.Rows, ds.Columns = film.shape
    ds.BitsAllocated = 16 if wide else 8
    ds.BitsStored, ds.HighBit = form.bits, form.bits - 1
    ds.PixelRepresentation = 0
    # PS3.3 C.11.2.1.2: values from centre - 0.5 - (width - 1) / 2 on are shown
    ds.WindowCenter = f"{(low + high) / 2 + 0.5:.1f}"
    ds.WindowWidth = f"{high - low + 1}"
    pixels = stored.astype("<u2" if wide else "u1").tobytes()
    ds.PixelData = pixels + b"\0" * (len(pixels) % 2)
    ds["PixelData"].VR = "OW" if wide else "OB"
