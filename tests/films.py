"""Chest films of virtual patients as DICOM files, for tests and benchmarks; no real person."""

from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.uid import generate_uid

from engines.phantoms.chest_dicom import FilmFormat, chest_dicom
from engines.phantoms.person import low_density_patient, normal_density_patient


def film(seed: int, low_density: bool = True, size: int = 1024, **changes: Any) -> Dataset:
    """Return a PA film of a woman whose bone density is far on one side of the threshold.

    The body follows from the seed; its UIDs are new each time.
    """
    patient = (low_density_patient if low_density else normal_density_patient)(seed)
    ds = chest_dicom(patient, seed, FilmFormat(shape=(size, size)))
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def write(folder: Path, ds: Dataset) -> Path:
    """Write a film as a Part 10 file, named by its UID."""
    path = folder / f"{ds.SOPInstanceUID}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path
