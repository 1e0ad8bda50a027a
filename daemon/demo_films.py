"""What the demo sends: virtual patients of known bone density, and real films where there are any."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from engines.phantoms import dicom, person

REAL_FILM = "RG1_UNCI.dcm"
"""A real chest film (Philips CR, woman of 64) in the package pydicom-data, MIT."""


@dataclass(frozen=True)
class Film:
    """One study to send.

    ``expected`` is the outcome the demo insists on; None where nobody knows the truth.
    """

    label: str
    images: list[Dataset]
    expected: str | None

    @property
    def study_uid(self) -> str:
        """The study's StudyInstanceUID."""
        return str(self.images[0].StudyInstanceUID)


def films(folder: Path | None) -> list[Film]:
    """Make and read everything the demo sends, in the order of its table."""
    return [*_virtual(), *_packaged(), *_found(folder)]
