"""Chest films of virtual patients as DICOM files, for tests and benchmarks; no real person."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.uid import generate_uid
from reports import dx_source

from engines.phantoms.film import chest_film
from engines.phantoms.person import low_density_patient, normal_density_patient

ROWS = COLUMNS = 1024
STUDY_DATE = date(2026, 11, 20)


def film(seed: int, low_density: bool = True, size: int = ROWS, **changes: Any) -> Dataset:
    """Return a PA chest film of a woman whose bone density is far on one side of the threshold."""
    patient = (low_density_patient if low_density else normal_density_patient)(seed)
    pixels = chest_film(patient, seed, (size, size))
    born = STUDY_DATE.replace(year=STUDY_DATE.year - patient.age_years)
    ds = dx_source(
        SOPInstanceUID=generate_uid(),
        SeriesInstanceUID=generate_uid(),
        StudyInstanceUID=generate_uid(),
        PatientID=f"PHANTOM-{seed}",
        PatientName=f"Phantom^Number {seed}",
        PatientSex=patient.sex,
        PatientAge=f"{patient.age_years:03d}Y",
        PatientBirthDate=f"{born:%Y%m%d}",
        StudyDate=f"{STUDY_DATE:%Y%m%d}",
        AcquisitionDate=f"{STUDY_DATE:%Y%m%d}",
        ImagerPixelSpacing=[f"{380 / size:.4f}"] * 2,
        Rows=size,
        Columns=size,
        WindowCenter="2047.5",
        WindowWidth="4096",
        PixelData=np.rint(pixels * 4095).astype("<u2").tobytes(),
    )
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def write(folder: Path, ds: Dataset) -> Path:
    """Write a film as a Part 10 file, named by its UID."""
    path = folder / f"{ds.SOPInstanceUID}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path
