"""What CT and MR slices share: series, frame of reference, plane (PS3.3 C.7.4.1, C.7.6.2)."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID

from engines.phantoms.dicom.identity import Visit, new_image
from engines.phantoms.dicom.slices import Slices

_STREAM_TABLE = 62


def table_shift_mm(visit: Visit) -> NDArray[np.float64]:
    """Return where the patient lies in the scanner: what is added to positions in the body.

    Returns
    -------
    ndarray
        float64, shape (3,), patient LPS, whole tenths of a millimetre. Scanners count from the
        light that was set on the skin, and not from a vertebra.
    """
    rng = np.random.default_rng([visit.seed, _STREAM_TABLE, visit.number])
    return np.round(rng.uniform((-8.0, -20.0, -450.0), (8.0, 20.0, 450.0)), 1)


def new_slice(visit: Visit, sop_class: UID, slices: Slices, place: tuple[int, int, int]) -> Dataset:
    """Begin a slice.

    Parameters
    ----------
    visit : Visit
        Whose, when, with what.
    sop_class : UID
        CT or MR.
    slices : Slices
        The stack in the body's own frame.
    place : tuple of int
        SeriesNumber, InstanceNumber, and which slice of the stack it is.
    """
    number, instance, index = place
    size = slices.values.shape
    ds = new_image(visit, sop_class, number, instance, *size)
    maker = visit.device
    position = slices.position_mm(index) + table_shift_mm(visit)
    ds.SeriesInstanceUID = visit.uid("series", number, *size)
    ds.FrameOfReferenceUID = visit.uid("frame")
    ds.PositionReferenceIndicator = ""
    ds.SeriesNumber, ds.InstanceNumber = f"{number}", f"{instance}"
    ds.ImagePositionPatient = [maker.ds(float(value)) for value in position]
    ds.ImageOrientationPatient = [
        maker.ds(float(value)) for value in (*slices.along_row, *slices.along_column)
    ]
    ds.SliceLocation = maker.ds(float(position @ slices.normal()))
    ds.SliceThickness = maker.ds(slices.thickness_mm)
    ds.PixelSpacing = [maker.ds(pitch) for pitch in slices.pixel_mm]
    ds.Rows, ds.Columns = size[1:]
    return ds
