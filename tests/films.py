"""Chest films of virtual patients as DICOM files, for tests and benchmarks; no real person."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.uid import generate_uid

from engines.exams import Exam
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.views import View
from engines.phantoms.filming import one_radiograph
from engines.phantoms.people.draw import low_density_person, normal_density_person

#: A body takes a second to film: these two are whoever comes. The weights flag the first.
LOW, NORMAL = 2, 1


def film(seed: int, low_density: bool = True, size: int = 384, **changes: Any) -> Dataset:
    """Return a PA film of a woman whose bone density is far on one side of the threshold.

    Her number and her UIDs are her own, the UIDs new each time; the body is one of two.
    """
    ds = deepcopy(taken(LOW if low_density else NORMAL, low_density, size))
    ds.PatientID = f"PHANTOM-{seed:08d}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


@cache
def taken(
    seed: int, low_density: bool = True, size: int = 384, view: View = View.CHEST_PA
) -> Dataset:
    """Take a square film of a woman of low or normal density; not to be changed."""
    person = (low_density_person if low_density else normal_density_person)(seed)
    return one_radiograph(Visit(person, Exam.CHEST_XRAY, seed), view, (size, size))


def write(folder: Path, ds: Dataset) -> Path:
    """Write a film as a Part 10 file, named by its UID."""
    path = folder / f"{ds.SOPInstanceUID}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path
