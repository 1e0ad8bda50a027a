"""A virtual CT study (PS3.3 A.3): localizer, axial series, a second kernel."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from engines.phantoms.ct.protocol import Phase
from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.dicom.identity import Visit, in_charset, set_time
from engines.phantoms.dicom.planes import new_slice
from engines.phantoms.dicom.slices import Slices, as_archived, numbered, tilted
from engines.phantoms.dicom.states import state_of_image

_STUDY = {
    "en": "CT abdomen and pelvis",
    "de": "CT Abdomen",
    "fr": "TDM abdomen et pelvis",
    "es": "TC abdomen y pelvis",
}
_SOFT = {"en": "Abdomen", "de": "Abdomen", "fr": "Abdomen", "es": "Abdomen"}
#: Centre and width that a viewer opens a series with.
_WINDOWS = {"soft": (40, 400), "standard": (40, 400), "bone": (500, 2000)}


_PHASE_WORDS = {
    Phase.NONE: "nat",
    Phase.ARTERIAL: "art",
    Phase.PORTAL_VENOUS: "ven",
    Phase.UNKNOWN: "C+",
}
_NUMBERS = {Phase.NONE: "1", Phase.ARTERIAL: "2", Phase.PORTAL_VENOUS: "3", Phase.UNKNOWN: "2"}
_DELAYS_S = {Phase.NONE: 0, Phase.ARTERIAL: 35, Phase.PORTAL_VENOUS: 70, Phase.UNKNOWN: 0}


@dataclass(frozen=True)
class Scan:
    """How slices were taken.

    Attributes
    ----------
    kv, mas : float
        Tube voltage; charge of one rotation.
    phase : Phase
        Of the contrast medium.
    kernel : {'soft', 'standard', 'bone'}
        What the values were reconstructed with; the header says it in the maker's word.
    """

    kv: float
    mas: float
    phase: Phase = Phase.NONE
    kernel: str = "standard"


def ct_series(visit: Visit, slices: Slices, scan: Scan, number: int = 2) -> Iterator[Dataset]:
    """Write one axial series.

    Parameters
    ----------
    visit : Visit
        Whose, when, with what.
    slices : Slices
        Axial, feet first, Hounsfield units; all series of a visit share one frame of reference.
        Cut anew where the flaw GANTRY_TILT asks for a tilt and they have none.
    scan : Scan
        How they were taken.
    number : int
        SeriesNumber.

    Yields
    ------
    Dataset
        The images by InstanceNumber, complete with file meta information.
    """
    if Flaw.GANTRY_TILT in visit.flaws and slices.tilt_deg == 0.0:
        slices = tilted(slices)
    slices = as_archived(slices, visit.flaws)
    manner = visit.device.ct
    for instance, index in numbered(len(slices.values), not manner.from_head, visit.flaws):
        ds = new_slice(visit, CTImageStorage, slices, (number, instance, index))
        _describe_series(ds, visit, slices, scan)
        _describe_scan(ds, visit, scan, index)
        ds.GantryDetectorTilt = visit.device.ds(slices.tilt_deg)
        if manner.spacing_told:
            ds.SpacingBetweenSlices = visit.device.ds(slices.spacing_mm())
        _store(ds, slices.values[index], visit, scan)
        state_of_image(ds, visit, "AXIAL", *manner.type_words)
        yield ds


def localizer(visit: Visit, slices: Slices, scan: Scan) -> Dataset:
    """Write the overview that a scan is planned on: the slices seen through from the front.

    Parameters
    ----------
    visit, slices, scan
        As :func:`ct_series`.

    Returns
    -------
    Dataset
        One image, 1 in ``SeriesNumber``.
    """
    plane, values = _seen_through(as_archived(slices, visit.flaws))
    ds = new_slice(visit, CTImageStorage, plane, (1, 1, 0))
    _describe_series(ds, visit, plane, scan)
    _describe_scan(ds, visit, replace(scan, mas=10.0, phase=Phase.NONE), 0)
    ds.SeriesDescription = "Topogram"
    for keyword in (
        "ScanOptions",
        "SpiralPitchFactor",
        "ConvolutionKernel",
        "RevolutionTime",
        "CTDIvol",
    ):
        if keyword in ds:
            del ds[keyword]
    _store(ds, values, visit, replace(scan, kernel="standard"), padded=False)
    ds.RescaleType = "US"
    state_of_image(ds, visit, "LOCALIZER")
    return ds


def _seen_through(slices: Slices) -> tuple[Slices, NDArray[np.float64]]:
    """Return the coronal plane in the middle of the stack, and mean values through it."""
    count, rows, _ = slices.values.shape
    between, pitch = slices.step_mm[2], slices.pixel_mm[1]
    mean = np.asarray(slices.values, np.float64).mean(axis=1)
    # from the head down, in square pixels
    height = (count - 1) * between
    at = np.arange(height, -1e-9, -pitch) / between
    low = np.minimum(at.astype(np.intp), max(count - 2, 0))
    high = np.minimum(low + 1, count - 1)
    shown = mean[low] + (at - low)[:, None] * (mean[high] - mean[low])
    # spread what a mean leaves of contrast; the densest parts may saturate
    dark, bright = (float(value) for value in np.percentile(shown, (1.0, 99.8)))
    values = -160.0 + 400.0 * np.clip((shown - dark) / (bright - dark or 1.0), 0.0, 1.0) ** 1.5
    x, y, z = slices.first_mm
    front = y + slices.pixel_mm[0] * (rows - 1) / 2
    plane = Slices(
        values[None],
        (x, front, z + height),
        (1, 0, 0),
        (0, 0, -1),
        (0, 1, 0),
        (pitch, pitch),
        slices.thickness_mm,
    )
    return plane, values


def _describe_series(ds: Dataset, visit: Visit, slices: Slices, scan: Scan) -> None:
    language = visit.name.culture.language
    between = visit.device.ds(slices.thickness_mm).rstrip("0").rstrip(".")
    words = (_SOFT[language], _PHASE_WORDS[scan.phase], between, _kernel(visit, scan))
    ds.Modality = "CT"
    ds.StudyDescription = in_charset(visit, _STUDY[language])
    ds.SeriesDescription = in_charset(visit, " ".join(words))
    ds.ProtocolName = "Abdomen routine"
    ds.BodyPartExamined = "HEAD" if Flaw.WRONG_BODY_PART in visit.flaws else "ABDOMEN"
    ds.PatientPosition = "FFS" if visit.rng().random() < 0.4 else "HFS"


def _kernel(visit: Visit, scan: Scan) -> str:
    manner = visit.device.ct
    return {"soft": manner.soft, "standard": manner.standard, "bone": manner.bone}[scan.kernel]


def _describe_scan(ds: Dataset, visit: Visit, scan: Scan, index: int) -> None:
    maker, manner = visit.device, visit.device.ct
    rotation_s, pitch = 0.5, 0.984375
    ds.KVP = maker.ds(scan.kv)
    ds.ExposureTime = f"{1000 * rotation_s:.0f}"
    ds.XRayTubeCurrent = f"{scan.mas / rotation_s:.0f}"
    ds.Exposure = f"{scan.mas:.0f}"
    ds.ConvolutionKernel = _kernel(visit, scan)
    ds.FilterType = "BODY FILTER" if manner.padding else "0"
    ds.RotationDirection = "CW"
    ds.TableHeight = maker.ds(round(130 + 40 * float(visit.rng().random()), 1))
    ds.RevolutionTime = rotation_s
    ds.SpiralPitchFactor = pitch
    # 6.8 mGy for 100 mAs at 120 kV in a body phantom is usual; with the voltage as power 2.5
    ds.CTDIvol = round(0.068 * scan.mas * (scan.kv / 120) ** 2.5, 2)
    if manner.spiral:
        ds.ScanOptions = manner.spiral
    ds.AcquisitionNumber = _NUMBERS[scan.phase]
    delay = _DELAYS_S[scan.phase]
    for event, seconds in (("Series", 60), ("Acquisition", 60 + 0.1 * index), ("Content", 90)):
        set_time(ds, visit, event, delay + seconds)
    if scan.phase is not Phase.NONE:
        _describe_contrast(ds, visit, delay)


def _describe_contrast(ds: Dataset, visit: Visit, delay_s: int) -> None:
    """Write the Contrast/Bolus module (PS3.3 C.7.6.4)."""
    volume_ml = 10 * round(1.4 * visit.person.weight_kg / 10)
    ds.ContrastBolusAgent = f"Iopromid 370 / {delay_s} s" if delay_s else "Iopromid 370"
    ds.ContrastBolusRoute = "IV"
    ds.ContrastBolusVolume = visit.device.ds(volume_ml)
    ds.ContrastFlowRate = visit.device.ds(3.0)
    ds.ContrastBolusIngredient = "IODINE"
    ds.ContrastBolusIngredientConcentration = visit.device.ds(370.0)


def _store(
    ds: Dataset, hu: NDArray[np.generic], visit: Visit, scan: Scan, padded: bool = True
) -> None:
    """Write Hounsfield units as this maker stores them."""
    manner = visit.device.ct
    low = -(2 ** (manner.bits - 1)) if manner.signed else 0
    high = low + 2**manner.bits - 1
    stored = np.clip(np.rint(np.asarray(hu, np.float64)) - manner.intercept_hu, low, high)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, manner.bits, manner.bits - 1
    ds.PixelRepresentation = int(manner.signed)
    if manner.padding is not None and padded:
        stored[_outside_circle(hu.shape)] = manner.padding
        ds.PixelPaddingValue = manner.padding
        ds["PixelPaddingValue"].VR = "SS"
    ds.RescaleIntercept = visit.device.ds(manner.intercept_hu)
    ds.RescaleSlope, ds.RescaleType = visit.device.ds(1), "HU"
    centre, width = _WINDOWS[scan.kernel]
    ds.WindowCenter, ds.WindowWidth = visit.device.ds(centre), visit.device.ds(width)
    ds.PixelData = stored.astype("<i2" if manner.signed else "<u2").tobytes()
    ds["PixelData"].VR = "OW"


def _outside_circle(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell which pixels lie outside the circle that touches the four edges."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    down = (rows - (shape[0] - 1) / 2) / (shape[0] / 2)
    across = (columns - (shape[1] - 1) / 2) / (shape[1] / 2)
    outside: NDArray[np.bool_] = down**2 + across**2 > 1.0
    return outside
