"""Real CTs that are kept as bare volumes, as the DICOM series that a scanner would have sent."""

import numpy as np
from nifti import read_nifti
from pydicom import Dataset
from pydicom.uid import generate_uid
from radiographs import shared
from slices import AXIAL, ct_slice

from engines.volume import Volume


def example() -> Volume:
    """Return an abdomen without contrast medium, T11 to the sacrum, resampled to 3 mm."""
    return read_nifti(shared("ct/totalseg/example_ct.nii.gz"))


def example_levels() -> Volume:
    """Return the labels of its vertebrae: 26 is S1, 27 L5 and so on to 33, T11."""
    return read_nifti(shared("ct/totalseg/totalseg.nii.gz"))


def as_series(volume: Volume, seed: str = "a") -> list[Dataset]:
    """Return the slices of a volume, of a woman of 66 years, from the feet up."""
    made = []
    study, series = (generate_uid(entropy_srcs=[seed, what]) for what in ("study", "series"))
    for number, hu in enumerate(volume.hu):
        corner = volume.point_mm((number, 0, 0))
        stored = np.clip(np.nan_to_num(hu, nan=-1024.0), -1024, 3071)
        ds = ct_slice(
            lambda _points, stored=stored: stored,
            corner,
            AXIAL,
            hu.shape,
            volume.spacing_mm[1:],
        )
        ds.SOPInstanceUID = generate_uid(entropy_srcs=[seed, str(number)])
        ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
        ds.FrameOfReferenceUID = generate_uid(entropy_srcs=[seed, "frame"])
        ds.PatientID, ds.PatientName, ds.PatientSex, ds.PatientAge = "R1", "Real^One", "F", "066Y"
        ds.PatientBirthDate = ds.StudyTime = ds.AccessionNumber = ds.ReferringPhysicianName = ""
        ds.StudyID, ds.StudyDate, ds.SeriesNumber = "1", "20250102", 2
        ds.InstanceNumber, ds.BodyPartExamined = number + 1, "ABDOMEN"
        ds.KVP, ds.ConvolutionKernel, ds.SliceThickness = 120, "B30f", volume.spacing_mm[0]
        ds.Manufacturer, ds.PatientPosition = "SIEMENS", "HFS"
        made.append(ds)
    return made
