"""A virtual MRI of the hips (PS3.3 A.4): coronal T1 and STIR, one study for each visit."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydicom import Dataset
from pydicom.uid import MRImageStorage

from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.dicom.identity import Visit, in_charset, set_time
from engines.phantoms.dicom.planes import new_slice
from engines.phantoms.dicom.slices import Slices, as_archived, numbered
from engines.phantoms.dicom.states import state_of_image

_STUDY = {"en": "MRI hips", "de": "MRT Hüfte bds.", "fr": "IRM hanches", "es": "RM caderas"}
_BITS = 12
#: Larmor frequency of protons, MHz for each tesla.
_MHZ_PER_TESLA = 42.577


class Contrast(StrEnum):
    """What is bright."""

    T1 = "t1"
    STIR = "stir"


@dataclass(frozen=True)
class Timing:
    """When is pulsed and listened, milliseconds."""

    repetition_ms: float
    echo_ms: float
    inversion_ms: float | None = None


#: As protocols of hips have them at 1.5 and 3 tesla; an imager may give its own.
TIMINGS = {
    (Contrast.T1, 1.5): Timing(560.0, 12.0),
    (Contrast.T1, 3.0): Timing(680.0, 11.0),
    (Contrast.STIR, 1.5): Timing(4200.0, 48.0, 150.0),
    (Contrast.STIR, 3.0): Timing(4600.0, 44.0, 210.0),
}


def mr_series(
    visit: Visit, slices: Slices, contrast: Contrast, timing: Timing | None = None
) -> Iterator[Dataset]:
    """Write one coronal series.

    Parameters
    ----------
    visit : Visit
        Whose, when (``visit.number``), with what.
    slices : Slices
        Signal, 0 and more in any unit; the series is scaled as a whole.
    contrast : Contrast
        Which of the two.
    timing : Timing, optional
        What the signal was computed for; the usual one of the scanner's field where not given.

    Yields
    ------
    Dataset
        The images by InstanceNumber, complete with file meta information.
    """
    manner = visit.device.mr
    timing = timing or TIMINGS[contrast, manner.field_t]
    number = 2 if contrast is Contrast.T1 else 3
    slices = as_archived(slices, visit.flaws)
    signal = np.clip(np.asarray(slices.values, np.float64), 0.0, None)
    # a few bright pixels may saturate, as they do
    scale = 1200.0 / (float(np.percentile(signal, 99.5)) or 1.0)
    stored = np.clip(np.rint(signal * scale), 0, 2**_BITS - 1).astype("<u2")
    for instance, index in numbered(len(stored), True, visit.flaws):
        ds = new_slice(visit, MRImageStorage, slices, (number, instance, index))
        _describe_series(ds, visit, contrast)
        _describe_sequence(ds, visit, contrast, timing)
        ds.SpacingBetweenSlices = visit.device.ds(slices.spacing_mm())
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, _BITS, _BITS - 1
        ds.PixelRepresentation = 0
        ds.SmallestImagePixelValue = int(stored[index].min())
        ds.LargestImagePixelValue = int(stored[index].max())
        ds.WindowCenter, ds.WindowWidth = visit.device.ds(620), visit.device.ds(1240)
        ds.PixelData = stored[index].tobytes()
        ds["PixelData"].VR = "OW"
        state_of_image(ds, visit, *(manner.type_words or ("OTHER",)))
        yield ds


def _describe_series(ds: Dataset, visit: Visit, contrast: Contrast) -> None:
    manner = visit.device.mr
    ds.Modality = "MR"
    ds.StudyDescription = in_charset(visit, _STUDY[visit.name.culture.language])
    ds.SeriesDescription = manner.t1 if contrast is Contrast.T1 else manner.stir
    ds.ProtocolName = ds.SeriesDescription
    ds.BodyPartExamined = "KNEE" if Flaw.WRONG_BODY_PART in visit.flaws else manner.body_part
    if ds.BodyPartExamined != "PELVIS":
        # of a pair, and both are there: scanners leave it empty
        ds.Laterality = ""
    ds.PatientPosition = "FFS" if visit.rng().random() < 0.3 else "HFS"
    begun = 240 if contrast is Contrast.T1 else 520
    ds.AcquisitionNumber = "1"
    for event, seconds in (("Series", begun), ("Acquisition", begun + 8), ("Content", begun + 200)):
        set_time(ds, visit, event, seconds)


def _describe_sequence(ds: Dataset, visit: Visit, contrast: Contrast, timing: Timing) -> None:
    """Write the MR Image module (PS3.3 C.8.3.1)."""
    maker, manner = visit.device, visit.device.mr
    inverted = contrast is Contrast.STIR
    ds.ScanningSequence = ["SE", "IR"] if inverted else "SE"
    ds.SequenceVariant = ["SK", "MP"] if inverted else "SK"
    ds.ScanOptions = "FS" if inverted else ""
    ds.MRAcquisitionType = "2D"
    name = manner.stir_sequence if inverted else manner.t1_sequence
    if name:
        ds.SequenceName = name
    ds.RepetitionTime, ds.EchoTime = maker.ds(timing.repetition_ms), maker.ds(timing.echo_ms)
    if timing.inversion_ms is not None:
        ds.InversionTime = maker.ds(timing.inversion_ms)
    ds.EchoTrainLength = "7" if inverted else "3"
    ds.EchoNumbers = "1"
    ds.NumberOfAverages = maker.ds(2)
    ds.MagneticFieldStrength = maker.ds(manner.field_t)
    ds.ImagingFrequency = maker.ds(round(manner.field_t * _MHZ_PER_TESLA, 6))
    ds.ImagedNucleus = "1H"
    ds.FlipAngle = maker.ds(150)
    ds.PixelBandwidth = maker.ds(200)
    ds.PercentSampling = ds.PercentPhaseFieldOfView = maker.ds(100)
    ds.NumberOfPhaseEncodingSteps = f"{ds.Rows}"
    ds.AcquisitionMatrix = [0, ds.Columns, ds.Rows, 0]
    ds.InPlanePhaseEncodingDirection = "ROW"
    ds.ReceiveCoilName = "Body"
