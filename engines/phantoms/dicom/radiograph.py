"""A virtual film as a CR or DX For Presentation image (PS3.3 A.2, A.26)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation

from engines.phantoms.dicom.films import Shown, store
from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.dicom.identity import Visit, in_charset, new_image, set_time
from engines.phantoms.dicom.states import state_of_image
from engines.phantoms.dicom.views import STUDIES, WORDS, View, ViewWords

_OTHER_SIDE = {"L": "R", "R": "L"}


@dataclass(frozen=True)
class Exposed:
    """A film as an imager gives it, and how it was taken.

    Attributes
    ----------
    pixels : ndarray
        Float, shape (row, column), range [0, 1], bone white. A row of a frontal film runs to the
        patient's left, one of the lateral to the back.
    spacing_mm : float
        Pixel pitch at the detector.
    view : View
        Of what, from where.
    kv, mas : float
        Tube voltage (peak), charge.
    source_detector_mm, source_patient_mm : float
        From the focus.
    grid : bool
        Whether there was a grid against scatter.
    """

    pixels: NDArray[np.floating]
    spacing_mm: float
    view: View
    kv: float
    mas: float
    source_detector_mm: float = 1800.0
    source_patient_mm: float = 1650.0
    grid: bool = True


def radiograph(visit: Visit, film: Exposed) -> Dataset:
    """Write one film.

    Parameters
    ----------
    visit : Visit
        Whose, when, with what.
    film : Exposed
        Pixels and how they were taken.

    Returns
    -------
    Dataset
        Complete with file meta information; the same arguments give the same one.
    """
    words, manner = WORDS[film.view], visit.device.film
    digital = manner.modality == "DX"
    sop_class = (
        DigitalXRayImageStorageForPresentation if digital else ComputedRadiographyImageStorage
    )
    ds = new_image(visit, sop_class, str(film.view), *film.pixels.shape)
    _describe_series(ds, visit, film, words)
    _describe_exposure(ds, visit, film)
    side = words.side
    if Flaw.WRONG_SIDE in visit.flaws:
        side = _OTHER_SIDE.get(side, side)
    if digital:
        _describe_digital(ds, visit, words, side)
        ds.Grid = ["FIXED", "FOCUSED"] if film.grid else "NONE"
    else:
        _describe_plate(ds, visit, film, side)
    bits = manner.bits[int(visit.rng().integers(len(manner.bits)))]
    mirrored = Flaw.WRONG_SIDE in visit.flaws and words.side in "UB"
    pixels = film.pixels[:, ::-1] if mirrored else film.pixels
    store(ds, pixels, Shown(bits, manner.inverted, manner.shown_by, digital))
    state_of_image(ds, visit)
    return ds


def _describe_series(ds: Dataset, visit: Visit, film: Exposed, words: ViewWords) -> None:
    language = visit.name.culture.language
    number = list(View).index(film.view) % 3 + 1
    ds.Modality = visit.device.film.modality
    ds.SeriesInstanceUID = visit.uid("series", str(film.view), *film.pixels.shape)
    ds.SeriesNumber, ds.InstanceNumber, ds.AcquisitionNumber = str(number), "1", "1"
    ds.StudyDescription = in_charset(visit, STUDIES[words.exam][language])
    ds.SeriesDescription = in_charset(visit, words.series[language])
    ds.ProtocolName = f"{words.body_part} {words.position}"
    wrong = Flaw.WRONG_BODY_PART in visit.flaws
    ds.BodyPartExamined = "SKULL" if wrong else words.body_part
    ds.ViewPosition = words.position
    ds.PatientOrientation = list(words.orientation)
    ds.BurnedInAnnotation = "NO"
    for event, seconds in (("Series", 20), ("Acquisition", 31), ("Content", 34)):
        set_time(ds, visit, event, seconds + 45 * number)


def _describe_exposure(ds: Dataset, visit: Visit, film: Exposed) -> None:
    maker, rng = visit.device, np.random.default_rng([visit.seed, 61])
    # mAs over a tube current that generators have
    current_ma = float(rng.choice([200, 250, 320, 400, 500]))
    ds.KVP = maker.ds(round(film.kv, 1))
    ds.XRayTubeCurrent = f"{current_ma:.0f}"
    ds.ExposureTime = f"{max(1, round(1000 * film.mas / current_ma))}"
    ds.Exposure = f"{max(1, round(film.mas))}"
    ds.ExposureInuAs = f"{round(1000 * film.mas)}"
    ds.DistanceSourceToDetector = maker.ds(film.source_detector_mm)
    ds.DistanceSourceToPatient = maker.ds(film.source_patient_mm)
    ds.ImagerPixelSpacing = [maker.ds(film.spacing_mm)] * 2
    ds.FocalSpots = maker.ds(0.6 if film.mas < 5 else 1.2)
    # readers made after IEC 62494-1 tell it; how far it misses the target is chance
    deviation = float(np.clip(rng.normal(0.0, 1.0), -3.0, 3.0))
    ds.DeviationIndex = f"{deviation:.1f}"
    ds.TargetExposureIndex = "400"
    ds.ExposureIndex = f"{400 * 10 ** (deviation / 10):.0f}"


def _describe_digital(ds: Dataset, visit: Visit, words: ViewWords, side: str) -> None:
    """Write what the DX modules ask beyond a CR image (PS3.3 C.8.11)."""
    old = visit.device.film.retired_codes
    region = words.region
    if Flaw.WRONG_BODY_PART in visit.flaws:
        region = ("69536005", "T-D1100", "Head")
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.ImageLaterality = side
    ds.AnatomicRegionSequence = Sequence([_code(region, old)])
    ds.ViewCodeSequence = Sequence([_code(words.view, old)])
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence()
    ds.AcquisitionContextSequence = Sequence()
    ds.PositionerType = "COLUMN"
    ds.DetectorType = "SCINTILLATOR"
    ds.DetectorID = f"D{ds.DeviceSerialNumber}"
    ds.DetectorConfiguration = "AREA"


def _describe_plate(ds: Dataset, visit: Visit, film: Exposed, side: str) -> None:
    """Write what readers of imaging plates tell (PS3.3 C.8.1)."""
    if side in "LR":
        ds.Laterality = side
    rows, columns = film.pixels.shape
    ds.PlateType = "ST"
    ds.PhosphorType = "5"
    ds.CassetteOrientation = "PORTRAIT" if rows >= columns else "LANDSCAPE"
    ds.CassetteSize = "35CMX43CM"
    ds.AcquisitionDeviceProcessingDescription = f"{WORDS[film.view].body_part},GENERAL"
    ds.Sensitivity = f"{200 * 10 ** (-float(ds.DeviationIndex) / 10):.0f}"
    # many readers give the pitch of the plate under this name, and say nothing of calibration
    ds.PixelSpacing = list(ds.ImagerPixelSpacing)


def _code(term: tuple[str, str, str], retired: bool) -> Dataset:
    item = Dataset()
    item.CodeValue = term[retired]
    item.CodingSchemeDesignator = "SRT" if retired else "SCT"
    item.CodeMeaning = term[2]
    return item
