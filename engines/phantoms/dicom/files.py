"""Datasets as the bytes of DICOM files (PS3.10)."""

from io import BytesIO

from pydicom import Dataset


def file_bytes(ds: Dataset) -> bytes:
    """Return a dataset as a DICOM file; the same dataset gives the same bytes."""
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
