"""What has been done to an image since it was taken: DERIVED, compressed, or nothing."""

from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000, JPEG2000Lossless

from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.dicom.identity import Visit

#: Of a JPEG 2000 file with loss: original bytes for each byte kept.
_RATIO = 10


def state_of_image(ds: Dataset, visit: Visit, *words: str) -> None:
    """Write ImageType and what follows from it; compress where a flaw says so.

    Parameters
    ----------
    ds : Dataset
        Complete but for these.
    visit : Visit
        Its flaws decide.
    *words : str
        Values of ImageType after the second.
    """
    ds.ImageType = ["ORIGINAL", "PRIMARY", *words]
    ds.LossyImageCompression = "00"
    if Flaw.DERIVED in visit.flaws:
        ds.ImageType = ["DERIVED", "SECONDARY", *words]
        ds.DerivationDescription = "Average of two exposures"
    if Flaw.LOSSLESS in visit.flaws:
        ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    if Flaw.LOSSY in visit.flaws:
        _compress_with_loss(ds)
    if Flaw.LOSSY in visit.flaws or Flaw.ONCE_LOSSY in visit.flaws:
        _describe_loss(ds)


def _compress_with_loss(ds: Dataset) -> None:
    ds.compress(JPEG2000, j2k_cr=[_RATIO], generate_instance_uid=False)


def _describe_loss(ds: Dataset) -> None:
    """Say that, and how far, pixels were lost (PS3.3 C.7.6.1.1.5); that alone is no derivation."""
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionRatio = f"{_RATIO}"
    ds.LossyImageCompressionMethod = "ISO_15444_1"
    ds.ImageType = ["DERIVED", *ds.ImageType[1:]]
    if "DerivationDescription" in ds:
        return
    ds.DerivationDescription = f"JPEG 2000 lossy compression {_RATIO}:1"
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = "113040", "DCM"
    item.CodeMeaning = "Lossy Compression"
    ds.DerivationCodeSequence = Sequence([item])
