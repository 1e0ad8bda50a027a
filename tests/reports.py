"""Made-up sources, films and reports for the tests of what we write; no file, no real person."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)

from engines.cards import Card, Claim, OperatingPoint, TrainedOn, Weights
from engines.errors import Verdict
from engines.exams import Exam
from engines.findings import Finding, Result, Saliency
from engines.images import Radiograph
from workers.objects import secondary_capture, structured_report
from workers.report import Predecessor, Provenance, Report

NAMESPACE = uuid.UUID("6d6b2ab1-3c86-4a0c-9fd0-8b4f2b2f9c11")
ROWS, COLUMNS = 250, 200


def read(path: Path) -> Dataset:
    """Read a file back."""
    return dcmread(path)


def cr_source(**changes: Any) -> Dataset:
    """Return a CR chest film that is right in every attribute; ``None`` leaves one out."""
    ds = _film_header(ComputedRadiographyImageStorage, "CR")
    ds.ViewPosition = "PA"
    return _change(ds, changes)


def dx_source(**changes: Any) -> Dataset:
    """Return a DX chest film, FOR PRESENTATION, that is right in every attribute."""
    ds = _film_header(DigitalXRayImageStorageForPresentation, "DX")
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.PresentationLUTShape = "IDENTITY"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "NO"
    ds.ImageLaterality = "U"
    ds.AnatomicRegionSequence = [_code("816094009", "SCT", "Chest")]
    ds.ViewCodeSequence = [_code("399348003", "SCT", "antero-posterior")]
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = []
    ds.PatientOrientation = ["L", "F"]
    ds.DetectorType = "DIRECT"
    ds.ImagerPixelSpacing = ["0.2", "0.2"]
    ds.PositionerType = "NONE"
    ds.AcquisitionContextSequence = []
    return _change(ds, changes)


def film(source: Dataset, rows: int = ROWS, columns: int = COLUMNS) -> Radiograph:
    """Return a smooth grey film of a source."""
    y, x = np.mgrid[0 : 1 : complex(rows), 0 : 1 : complex(columns)]
    pixels = (0.2 + 0.7 * np.exp(-((x - 0.5) ** 2) * 30) * y).astype(np.float32)
    return Radiograph(
        pixels=pixels,
        spacing_mm=0.2,
        SOPInstanceUID=source.SOPInstanceUID,
        SOPClassUID=source.SOPClassUID,
        source_shape=(rows, columns),
        sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
    )


def grey(rows: int, columns: int) -> Image.Image:
    """Return a ramp from black to white."""
    ramp = np.linspace(0, 255, rows * columns).astype(np.uint8)
    return Image.fromarray(ramp.reshape(rows, columns))


def report(
    source: Dataset | None = None,
    probability: float = 0.83,
    verdict: Verdict | None = None,
    predecessor: Predecessor | None = None,
    **provenance: Any,
) -> Report:
    """Return a report on a source: a result of that probability, or the verdict."""
    source = dx_source() if source is None else source
    return Report(
        source=source,
        card=card(),
        weights=weights(),
        outcome=verdict or result(source, probability),
        provenance=made_by(**provenance),
        configuration={"min_age_years": "50"},
        predecessor=predecessor,
    )


def result(source: Dataset, probability: float, **changes: Any) -> Result:
    """Return a chest film result with a heat map."""
    heat = np.zeros((8, 8), np.float32)
    heat[4:7, 3:5] = 1.0
    fields: dict[str, Any] = {
        "model": "cxr_osporscreen",
        "version": "0.1.0",
        "findings": (Finding("osteoporosis", "chest", probability, 0.5),),
        "film": film(source),
        "saliency": Saliency(heat, "Grad-CAM"),
        "quality": {"view": "PA", "input size px": 256},
    }
    return Result(**{**fields, **changes})


def with_result(report: Report, **changes: Any) -> Report:
    """Return a report whose result differs."""
    assert isinstance(report.outcome, Result)
    return replace(report, outcome=replace(report.outcome, **changes))


def card() -> Card:
    """Return the card of a chest film model."""
    return Card(
        model="cxr_osporscreen",
        title="Chest film osteoporosis score",
        exam=Exam.CHEST_XRAY,
        paper="Jang 2022",
        claims=(Claim("AUC 0.91", "the paper's internal test set"),),
        deviations=("backbone: not stated by the paper",),
    )


def weights(**changes: Any) -> Weights:
    """Return weights that were never trained on a patient; no file behind them."""
    fields: dict[str, Any] = {
        "folder": Path("nowhere"),
        "model": "cxr_osporscreen",
        "version": "0.1.0",
        "trained_on": TrainedOn.SIMULATED,
        "training": "2000 simulated films, seed 7, 20 epochs",
        "operating_points": {"osteoporosis": OperatingPoint(0.5, "Youden on simulated films")},
        "engines": {"score": ("score.onnx", "ab" * 32)},
        "parameters": {"input_size_px": 256},
    }
    return Weights(**{**fields, **changes})


def made_by(**changes: Any) -> Provenance:
    """Return the provenance of a test installation at a fixed time."""
    fields: dict[str, Any] = {
        "namespace": NAMESPACE,
        "node": "node-1",
        "analysed_at": datetime(2026, 11, 20, 9, 30, 15, 250000, tzinfo=UTC),
        "runtime": "ONNX Runtime 1.31.1 CPU FP32",
        "stage": "research",
    }
    return Provenance(**{**fields, **changes})


def _film_header(SOPClassUID: str, modality: str) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = SOPClassUID
    ds.SOPInstanceUID = "2.25.1001"
    ds.StudyInstanceUID = "2.25.1002"
    ds.SeriesInstanceUID = "2.25.1003"
    ds.Modality = modality
    _add_patient_and_study(ds)
    ds.SeriesNumber, ds.InstanceNumber = 1, 1
    ds.Manufacturer, ds.ManufacturerModelName = "ACME", "Filmer 3"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "A1", "3.2"
    ds.InstitutionName = "Spital Zürich"
    ds.BodyPartExamined = "CHEST"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.PatientOrientation = ["L", "F"]
    ds.AcquisitionDate = ds.ContentDate = "20261119"
    ds.AcquisitionTime = ds.ContentTime = "101500"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.WindowCenter, ds.WindowWidth = "2048", "4096"
    ds.PixelData = np.arange(ROWS * COLUMNS, dtype="<u2").clip(0, 4095).tobytes()
    return ds


def _add_patient_and_study(ds: Dataset) -> None:
    ds.PatientName, ds.PatientID = "Müller^Änne", "P-77"
    ds.IssuerOfPatientID = "HOSP"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "19500302", "F", "076Y"
    ds.StudyDate, ds.StudyTime = "20261119", "101200"
    ds.AccessionNumber, ds.StudyID = "A-100", "S1"
    ds.StudyDescription = "Thorax p.a."
    ds.ReferringPhysicianName = "Meier^Dr"
    ds.SeriesDate, ds.SeriesTime = "20261119", "101400"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _change(ds: Dataset, changes: dict[str, Any]) -> Dataset:
    for keyword, value in changes.items():
        if value is None:
            if keyword in ds:
                delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def result_objects(
    report: Report, sr_classes: Sequence[str] = (Comprehensive3DSRStorage,)
) -> list[tuple[str, Dataset]]:
    """Write everything a report is sent as: kind SR for each class, then SC if there is a film."""
    objects = [("SR", structured_report(report, sop_class)) for sop_class in sr_classes]
    if isinstance(report.outcome, Result) and report.outcome.shown:
        objects.append(("SC", secondary_capture(report)))
    return objects
