"""A made-up CT of a few slices and what a measuring model might say of it; no real person."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import reports
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from engines.cards import Card, Claim, TrainedOn, Weights
from engines.errors import Verdict
from engines.exams import Exam
from engines.findings import AT_MOST, HOUNSFIELD, Finding, Measurement, Result
from engines.sights import Contour, Mark, Mask, Section, Views, scan_of
from workers.report import Report

SLICES, ROWS, COLUMNS = 12, 48, 64
SPACING_MM = 5.0
L1, L3 = 8, 3
LEVELS = {"T12": 10, "L1": L1, "L2": 6, "L3": L3}


def slices(**changes: Any) -> list[Dataset]:
    """Return an abdominal CT, from the feet to the head; ``None`` leaves an attribute out."""
    hu = _body()
    return [_slice(place, hu[place], changes) for place in range(SLICES)]


def _slice(place: int, hu: np.ndarray, changes: dict[str, Any]) -> Dataset:
    ds = reports.cr_source(ViewPosition=None, PatientOrientation=None)
    ds.SOPClassUID, ds.Modality = CTImageStorage, "CT"
    ds.SOPInstanceUID = f"2.25.20{place:02}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.2002", "2.25.2003"
    ds.FrameOfReferenceUID = "2.25.2004"
    ds.PositionReferenceIndicator = ""
    ds.StudyDescription, ds.BodyPartExamined = "Abdomen", "ABDOMEN"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientPosition = "HFS"
    ds.InstanceNumber = place + 1
    ds.ImagePositionPatient = [-160.0, -120.0, place * SPACING_MM]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness = [SPACING_MM, SPACING_MM], SPACING_MM
    ds.KVP, ds.AcquisitionNumber = "120", "1"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    ds.PixelData = (hu + 1024).astype("<u2").tobytes()
    for keyword, value in changes.items():
        if value is None:
            del ds[keyword]
        else:
            setattr(ds, keyword, value)
    return ds


def _body() -> np.ndarray:
    """Return HU of an ellipse with a column of vertebrae, discs between them."""
    y, x = np.mgrid[-1 : 1 : complex(ROWS), -1 : 1 : complex(COLUMNS)]
    body = np.where((x / 0.85) ** 2 + (y / 0.8) ** 2 < 1, 40, -1000).astype(np.float32)
    hu = np.repeat(body[None], SLICES, 0)
    bone = (x / 0.12) ** 2 + ((y - 0.2) / 0.15) ** 2 < 1
    for place in LEVELS.values():
        hu[place, bone] = 130
    return hu


def mask(place: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Return an ellipse on one slice."""
    y, x = np.mgrid[-1 : 1 : complex(ROWS), -1 : 1 : complex(COLUMNS)]
    inside: np.ndarray = ((x - place[0]) / radii[0]) ** 2 + ((y - place[1]) / radii[1]) ** 2 < 1
    return inside


def result(mean: float = 93.2, ratio: float = 0.71, **changes: Any) -> Result:
    """Return a measured result: bone at four levels, muscle and fat at L3, one level set aside."""
    hu = _body()
    fields: dict[str, Any] = {
        "model": "ct_attenuation",
        "version": "1",
        "findings": (low_attenuation(mean), *(fracture(s, ratio) for s in ("T12", "L1"))),
        "measurements": (*_bone("L1", mean), *_bone("T12", 140.0), *_heights(ratio), *_muscle()),
        "quality": {"contrast_phase": "portal venous", "kvp": 120, "kernel": "B30f"},
        "scan": scan_of([f"2.25.20{place:02}" for place in range(SLICES)], hu),
        "contours": _contours(),
        "masks": _masks(),
        "set_aside": (("L2", "metal"),),
        "views": views(hu, mean),
    }
    return Result(**{**fields, **changes})


def low_attenuation(mean: float) -> Finding:
    """Return L1 held against 100 HU."""
    return Finding(
        "low trabecular attenuation",
        "L1",
        mean,
        100.0,
        quantity="trabecular attenuation",
        unit=HOUNSFIELD,
        flagged_when=AT_MOST,
        table="Pickhardt 2013",
        words="low" if mean <= 100 else "between 100 and 160 HU",
    )


def fracture(site: str, ratio: float) -> Finding:
    """Return a height ratio held against 0.8."""
    return Finding(
        "vertebral fracture",
        site,
        ratio if site == "T12" else 0.96,
        0.8,
        quantity="vertebral height ratio",
        flagged_when=AT_MOST,
        table="Genant 1993",
        words="grade 2 to be confirmed" if site == "T12" and ratio <= 0.75 else "",
    )


def _bone(site: str, mean: float) -> tuple[Measurement, ...]:
    return (
        Measurement("trabecular attenuation", site, mean, HOUNSFIELD),
        Measurement("trabecular attenuation SD", site, 31.5, HOUNSFIELD),
        Measurement("trabecular area", site, 3.1, "cm2"),
        Measurement("trabecular volume", site, 2.4, "cm3"),
    )


def _heights(ratio: float) -> tuple[Measurement, ...]:
    return (
        Measurement("vertebral height ratio", "T12", ratio, "1"),
        Measurement("anterior/posterior height ratio", "T12", ratio, "1"),
        Measurement("middle/posterior height ratio", "T12", 0.88, "1"),
        Measurement("posterior height ratio to neighbours", "T12", 0.97, "1"),
        Measurement("anterior height", "T12", 17.8, "mm"),
        Measurement("middle height", "T12", 22.0, "mm"),
        Measurement("posterior height", "T12", 25.0, "mm"),
        Measurement("vertebral height ratio", "L1", 0.96, "1"),
    )


def _muscle() -> tuple[Measurement, ...]:
    return (
        Measurement("skeletal muscle area", "L3", 121.4, "cm2"),
        Measurement("skeletal muscle attenuation", "L3", 28.1, HOUNSFIELD),
        Measurement("skeletal muscle index", "L3", 41.2, "cm2/m2"),
        Measurement("intermuscular fat area", "L3", 9.8, "cm2"),
        Measurement("visceral fat area", "L3", 151.0, "cm2"),
        Measurement("subcutaneous fat area", "L3", 203.0, "cm2"),
    )


def _contours() -> tuple[Contour, ...]:
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = np.stack([32 + 3 * np.cos(turn), 27 + 2.5 * np.sin(turn)], 1)
    bone = [
        Contour(site, "trabecular bone", f"2.25.20{LEVELS[site]:02}", 0, points)
        for site in ("L1", "T12")
    ]
    around = np.array([[8.0, 10.0], [56.0, 10.0], [56.0, 40.0], [8.0, 40.0]])
    return (*bone, Contour("L3", "skeletal muscle", f"2.25.20{L3:02}", 0, around))


def _masks() -> tuple[Mask, ...]:
    at_l1, at_l3 = ("2.25.2008", 0), ("2.25.2003", 0)
    bone = mask((0, 0.2), (0.09, 0.1))
    return (
        Mask("L1", "trabecular bone", {at_l1: bone, ("2.25.2007", 0): bone}),
        Mask("L3", "psoas muscle", {at_l3: mask((-0.2, 0.2), (0.08, 0.12))}, "R"),
        Mask("L3", "psoas muscle", {at_l3: mask((0.2, 0.2), (0.08, 0.12))}, "L"),
    )


def views(hu: np.ndarray, mean: float) -> Views:
    """Return what the picture shows."""
    up = hu[::-1]
    marks = tuple(
        Mark(site, (SLICES - 1 - place, 28.0), None if site == "L2" else mean, _band(site, mean))
        for site, place in LEVELS.items()
    )
    marks = tuple(replace(one, note="metal") if one.site == "L2" else one for one in marks)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    outline = np.stack([28 + 3 * np.sin(turn), 32 + 3 * np.cos(turn)], 1)
    square = (SPACING_MM, SPACING_MM)
    shaded = {
        "skeletal muscle": mask((0, 0.3), (0.4, 0.2)),
        "visceral fat": mask((0, -0.3), (0.3, 0.2)),
    }
    return Views(
        sagittal=Section(up[:, :, COLUMNS // 2], square),
        marks=marks,
        bone=Section(hu[L1], square, "L1", (outline,)),
        muscle=Section(hu[L3], square, "L3", masks=shaded),
    )


def _band(site: str, mean: float) -> int | None:
    return None if site == "L2" else int(mean > 100) + int(mean > 160)


def report(
    mean: float = 93.2, verdict: Verdict | None = None, stage: str = "research", **changes: Any
) -> Report:
    """Return a report on the CT: a result, or the verdict."""
    outcome = verdict or result(mean, **changes)
    image = L1 if isinstance(outcome, Result) else 0
    return Report(
        source=slices()[image],
        card=card(),
        weights=settings(),
        outcome=outcome,
        provenance=reports.made_by(stage=stage, runtime="NumPy 2.3.4, SciPy 1.16.3"),
    )


def card() -> Card:
    """Return the card of a method that measures."""
    return Card(
        model="ct_attenuation",
        title="CT bone attenuation",
        exam=Exam.ABDOMEN_CT,
        paper="Pickhardt 2013",
        claims=(Claim("AUC 0.83", "the paper"),),
        deviations=("region: ours",),
    )


def settings() -> Weights:
    """Return what stands for weights where nothing was learned."""
    return Weights(
        folder=Path("nowhere"),
        model="ct_attenuation",
        version="1",
        trained_on=TrainedOn.NOTHING,
        training="measured, not learned",
        operating_points={},
        engines={},
        parameters={"bands_hu": [100, 160]},
    )


def items(ds: Dataset) -> Iterator[Dataset]:
    """Walk a content tree, the root first."""
    yield ds
    for child in ds.get("ContentSequence", ()):
        yield from items(child)


def named(ds: Dataset, code_value: str) -> list[Dataset]:
    """Return the content items of a concept."""
    return [i for i in items(ds) if i.ConceptNameCodeSequence[0].CodeValue == code_value]


def said(group: Dataset, code_value: str) -> str:
    """Return the text or the code of a group's one item of a concept."""
    [item] = named(group, code_value)
    return str(item.get("TextValue") or item.ConceptCodeSequence[0].CodeMeaning)
