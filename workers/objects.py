"""The objects that a report is sent as, and their bytes."""

from io import BytesIO

from pydicom import Dataset, dcmwrite

from daemon.file_meta import sign
from workers.sc import secondary_capture
from workers.seg import segmentation
from workers.sr import structured_report

__all__ = ["part10_bytes", "secondary_capture", "segmentation", "structured_report"]


def part10_bytes(ds: Dataset) -> bytes:
    """Return an object as a file (PS3.10), the same bytes whichever machine writes it.

    Parameters
    ----------
    ds : Dataset
        One of ours.

    Returns
    -------
    bytes
        Explicit VR Little Endian, with our implementation class UID.
    """
    sign(ds)
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()
