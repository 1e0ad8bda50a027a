"""CT slices cut from a picture of space that is known everywhere, whatever way they lie."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

Vector = NDArray[np.float64]
Picture = Callable[[Vector], Vector]
AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def ramp_hu(points_mm: Vector) -> Vector:
    """Return HU that rise evenly in each direction, so that linear interpolation keeps them."""
    rising: Vector = 20 + points_mm @ np.array([1.5, -2.0, 0.75])
    return rising


def ct_slice(
    picture: Picture,
    corner_mm: Sequence[float],
    directions: Sequence[Sequence[float]] = AXIAL,
    shape: tuple[int, int] = (24, 20),
    spacing_mm: tuple[float, float] = (2.0, 1.5),
) -> Dataset:
    """Return a slice of the picture; a stored value is HU + 1024."""
    along, down = (np.array(one) for one in directions)
    rows, columns = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    points = (
        np.array(corner_mm)
        + rows[..., None] * spacing_mm[0] * down
        + columns[..., None] * spacing_mm[1] * along
    )
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
    ds.Modality, ds.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.Rows, ds.Columns = shape
    ds.PixelSpacing = list(spacing_mm)
    ds.ImagePositionPatient = [float(one) for one in corner_mm]
    ds.ImageOrientationPatient = [float(one) for one in (*along, *down)]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    ds.PixelData = np.round(picture(points) + 1024).astype("<u2").tobytes()
    return ds


def ct_stack(
    picture: Picture = ramp_hu, count: int = 12, step_mm: float = 2.5, **how: object
) -> list[Dataset]:
    """Return axial slices of the picture from the feet up, the lowest at z = -10."""
    return [
        ct_slice(picture, (-15.0, -20.0, -10.0 + step_mm * n), **how)  # type: ignore[arg-type]
        for n in range(count)
    ]
