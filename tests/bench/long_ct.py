"""A CT of 300 slices of 512 x 512, made once and kept: a virtual patient, T10 to the hips."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from engines.exams import Exam
from engines.phantoms.ct.protocol import CtProtocol
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.people.draw import draw_person
from engines.phantoms.scanning import one_ct

SLICES = 300
SEED = 7
PROTOCOL = CtProtocol(slice_thickness_mm=1.5, spacing_mm=1.25, top="T9")


def long_ct(folder: Path) -> list[Dataset]:
    """Return its slices from the feet up, read from a folder; made there where it is empty."""
    if not list(folder.glob("*.dcm")):
        folder.mkdir(parents=True, exist_ok=True)
        for n, ds in enumerate(_made()):
            ds.save_as(folder / f"{n:03}.dcm", enforce_file_format=True)
    return [dcmread(file) for file in sorted(folder.glob("*.dcm"))]


def _made() -> list[Dataset]:
    images = one_ct(Visit(draw_person(SEED), Exam.ABDOMEN_CT, SEED), PROTOCOL)
    return sorted(images, key=lambda ds: float(ds.ImagePositionPatient[2]))[-SLICES:]


def as_another_study(images: list[Dataset], name: str) -> Iterator[Dataset]:
    """Return copies under other UIDs."""
    for ds in images:
        other = deepcopy(ds)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(other, keyword, generate_uid(entropy_srcs=[name, str(ds[keyword].value)]))
        yield other
