"""Small datasets for the tests of the science: built here, or read from data beside the repo."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

from engines.cases import Case, read_case
from engines.exams import Exam
from engines.images import Radiograph
from engines.rules import Rules

#: Real data that are no part of the repository; see README.md there.
SHARED = Path(__file__).parents[2] / "shared" / "data"


def shared(path: str) -> Path:
    """Return a file or folder of the shared data; skip the test where there is none."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"no real data here: {path} is not in ../shared/data")
    return found


def ramp(rows: int = 64, columns: int = 48, highest: int = 4095) -> NDArray[np.uint16]:
    """Return all values in a fixed disorder, lowest first and highest last; no line is a border."""
    values = np.rint(np.linspace(0, highest, rows * columns)).astype(np.uint16)
    values[1:-1] = np.random.default_rng(7).permutation(values[1:-1])
    return values.reshape(rows, columns)


def cr(pixels: NDArray[Any] | None = None, **changes: Any) -> Dataset:
    """Return a CR of a woman's chest, PA, that passes every gate; ``None`` removes an attribute."""
    pixels = ramp() if pixels is None else pixels
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ComputedRadiographyImageStorage
    ds.SOPInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.StudyInstanceUID = generate_uid()
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "CR", "CHEST", "PA"
    ds.PatientAge, ds.PatientSex, ds.StudyDate = "064Y", "F", "20261101"
    ds.PatientName, ds.PatientID = "Secret^Person", "SECRET-1"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = min(12, ds.BitsAllocated)
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds["PixelData"] = _pixel_data(pixels)
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def _pixel_data(pixels: NDArray[Any]) -> Any:
    holder = Dataset()
    holder.add_new("PixelData", "OB" if pixels.dtype.itemsize == 1 else "OW", pixels.tobytes())
    return holder["PixelData"]


def write(folder: Path, ds: Dataset, name: str = "") -> Path:
    """Write a Part 10 file."""
    path = folder / (name or f"{ds.SOPInstanceUID}.dcm")
    ds.save_as(path, enforce_file_format=True)
    return path


def case(*images: Dataset, min_age_years: int = 50) -> Case:
    """Return a chest film case of these images."""
    return read_case(Exam.CHEST_XRAY, images, rules=Rules(min_age_years))


def shown(pixels: NDArray[Any]) -> Radiograph:
    """Return a film as displayed from pixels in [0, 1]."""
    film = np.ascontiguousarray(pixels, dtype=np.float32)
    return Radiograph(film, None, "1.2.3", "1.2.4", (film.shape[0], film.shape[1]), "")


def picture(path: Path) -> Radiograph:
    """Return a PNG as a film."""
    return shown(np.asarray(Image.open(path).convert("L"), dtype=np.float32) / 255)
