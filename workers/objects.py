"""All objects of one report, and their bytes."""

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, Comprehensive3DSRStorage, ExplicitVRLittleEndian

from engines.findings import Result
from engines.product import VERSION
from workers.report import Report
from workers.sc import secondary_capture
from workers.sr import structured_report
from workers.uids import IMPLEMENTATION_CLASS_UID

__all__ = ["part10_bytes", "result_objects", "secondary_capture", "structured_report"]

# an SH, so 16 characters at most
IMPLEMENTATION_VERSION_NAME: Final = f"OSTEOSCREEN{VERSION}"[:16]


def result_objects(
    report: Report, sr_classes: Sequence[str] = (Comprehensive3DSRStorage,)
) -> list[tuple[str, Dataset]]:
    """Write everything that a report is sent as.

    Parameters
    ----------
    report : Report
        A result or a verdict; a verdict has no picture.
    sr_classes : sequence of str
        The SR classes that the receivers want. One receiver gets one of them.

    Returns
    -------
    list of (kind, Dataset)
        Kind ``SR``, once for each class, then ``SC``.

    Raises
    ------
    BadSeries
        If the source does not say whose study it is.
    """
    objects = [("SR", structured_report(report, sop_class)) for sop_class in sr_classes]
    if isinstance(report.outcome, Result) and report.outcome.film is not None:
        objects.append(("SC", secondary_capture(report)))
    return objects


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
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    ds.file_meta = meta
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()
