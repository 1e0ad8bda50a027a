"""Real public images as a contact sheet shows them, each with where it is from.

They are not in the project; ``shared/data`` beside it holds them, with licences in MANIFEST.csv.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from scipy.ndimage import gaussian_filter

from engines.images import read_radiograph


@dataclass(frozen=True)
class Picture:
    """A picture for a sheet: grey values 0 to 1, shape (row, column), and what stands under it."""

    grey: np.ndarray
    words: str


def windowed(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values from low to high as 0 to 1."""
    return np.clip((np.asarray(values, np.float64) - low) / (high - low), 0.0, 1.0)


def chests(data: Path) -> Iterator[Picture]:
    """Four PA films and one AP."""
    for name, words in (("00000078_000", "PA, woman, 73"), ("00000006_000", "PA, man, 81")):
        yield Picture(_png(data / f"cxr/nih/{name}.png"), f"{words} (NIH)")
    film = read_radiograph(dcmread(data / "cxr/dicom/RG1_J2KI.dcm"))
    yield Picture(film.pixels, "PA, woman, 64 (NEMA)")
    yield Picture(_png(data / "cxr/hannover/19073f37.png"), "in bed (Hannover)")
    yield Picture(_png(data / "cxr/nih/00000097_000.png"), "PA, woman, 83 (NIH)")


def _png(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"), np.float64) / 255


def hips(data: Path) -> Iterator[Picture]:
    """A real CT seen through from the front, as there is no adult film, and two children's."""
    hu, _ = whole_ct(data)
    # the lower 75 slices hold pelvis and hips; rays run from front to back
    water_cm = np.clip(1 + hu[:, :, :75] / 1000, 0, None).sum(axis=1).T[::-1] * 0.3
    flat = water_cm - 0.7 * gaussian_filter(water_cm, 8)
    half = flat.shape[1] // 2
    for part, words in ((flat, "from a CT (TotalSegmentator)"), (flat[10:, half:], "its left hip")):
        yield Picture(windowed(part, *np.quantile(part, (0.1, 0.995))), words)
    for name in ("331_DDH_1", "331_DDH_121"):
        pixels = dcmread(data / f"hip/paediatric/{name}.dcm").pixel_array
        yield Picture(pixels.mean(axis=-1) / 255, "child (Fraiwan 2022)")


def whole_ct(data: Path) -> tuple[np.ndarray, dict[str, int]]:
    """Return HU of voxels of 3 mm, and which slices are L1 and L3.

    Columns as shown, from the front to the back, from the feet to the head.
    """
    folder = data / "ct/totalseg"
    hu, labels = (_nifti(folder / f"{name}.nii.gz") for name in ("example_ct", "totalseg"))
    heights = {
        level: round(float(np.argwhere(labels == label)[:, 2].mean()))
        for level, label in (("L1", 31), ("L3", 29))
    }
    return hu[:, ::-1].astype(np.float64), heights


def _nifti(path: Path) -> np.ndarray:
    stored = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(stored[42:48], "<i2")
    kind = {2: "u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 512: "<u2"}
    code = int(np.frombuffer(stored[70:72], "<i2")[0])
    values = np.frombuffer(stored, kind[code], int(np.prod(shape)), 352)
    return values.reshape(shape, order="F")


def ct(data: Path) -> Iterator[Picture]:
    """A native CT at three heights and from the front, and a portal venous one."""
    hu, heights = whole_ct(data)
    for words, k in (("L1", heights["L1"]), ("L3", heights["L3"]), ("hips", 12)):
        yield Picture(windowed(hu[:, :, k].T, -160, 240), f"{words} (TotalSegmentator)")
    yield Picture(windowed(hu[:, 62].T[::-1], -160, 340), "coronal, 3 mm")
    ds = _by_height(data / "ct/CRLM-CT-1004")[10]
    hu = ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
    yield Picture(windowed(hu, -160, 240), "portal venous (CRLM)")


def _by_height(folder: Path) -> list[Dataset]:
    read = [dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    return sorted(read, key=lambda ds: float(ds.ImagePositionPatient[2]))


def mri(data: Path) -> Iterator[Picture]:
    """T2-weighted coronal slices through the hips, and a localizer."""
    slices = [dcmread(path) for path in sorted((data / "mri/PROSTATEx-0000-t2-cor").glob("*.dcm"))]
    slices.sort(key=lambda ds: float(ds.ImagePositionPatient[1]))
    for index in (5, 8):
        yield Picture(_mr(slices[index]), "T2 (PROSTATEx-0000)")
    scouts = [dcmread(p) for p in sorted((data / "mri/PROSTATEx-0001-localizer").glob("*.dcm"))]
    across = [ds for ds in scouts if abs(float(ds.ImageOrientationPatient[0])) > 0.9]
    coronal = [ds for ds in across if abs(float(ds.ImageOrientationPatient[5])) > 0.9]
    coronal.sort(key=lambda ds: float(ds.ImagePositionPatient[1]))
    for ds in coronal[-2:]:
        yield Picture(_mr(ds), "localizer (PROSTATEx-0001)")


def _mr(ds: Dataset) -> np.ndarray:
    values = np.asarray(ds.pixel_array, np.float64)
    return windowed(values, 0.0, float(np.quantile(values, 0.995)))
