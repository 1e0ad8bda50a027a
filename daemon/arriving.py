"""A series that a peer sends because we asked for it, held in memory as it comes."""

import time
from collections.abc import Callable
from typing import Final

from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from pynetdicom.events import Event

SUCCESS, NOT_AUTHORISED = 0x0000, 0x0124
OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0xA700, 0xC000

#: A presentation context each, so that a peer which keeps an image compressed can say so.
SYNTAXES: Final = (
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian],
    [DeflatedExplicitVRLittleEndian],
    [JPEGLosslessSV1],
    [JPEGLSLossless],
    [JPEG2000Lossless],
    [RLELossless],
    [JPEGBaseline8Bit],
)


class Arriving:
    """What has come so far of one series.

    Parameters
    ----------
    study_uid, series_uid : str
        Its StudyInstanceUID and SeriesInstanceUID; what is of another series is not taken.
    most : int
        So many images at most are held.
    gets_on : callable
        Called whenever an image has come, and while the port is waited for.

    Attributes
    ----------
    images : list of Dataset
        In the order in which they came.
    is_whole : bool
        Whether nothing of the series had to be refused.
    """

    def __init__(
        self, study_uid: str, series_uid: str, most: int, gets_on: Callable[[], None]
    ) -> None:
        self.images: list[Dataset] = []
        self.is_whole = True
        self._study_uid, self._series_uid = study_uid, series_uid
        self._most, self._gets_on = most, gets_on

    def identifier(self) -> Dataset:
        """Return what the peer is asked for."""
        wanted = Dataset()
        wanted.QueryRetrieveLevel = "SERIES"
        wanted.StudyInstanceUID, wanted.SeriesInstanceUID = self._study_uid, self._series_uid
        return wanted

    def wait(self, seconds: float) -> None:
        """Wait before anything can come."""
        self._gets_on()
        time.sleep(seconds)

    def take(self, event: Event) -> int:
        """Answer one C-STORE sub-operation."""
        self._gets_on()
        try:
            ds = event.dataset
            ds.file_meta = event.file_meta
            is_of_the_series = ds.get("SeriesInstanceUID") == self._series_uid
        except Exception:  # noqa: BLE001 - the edge to bytes from outside: the peer is told
            self.is_whole = False
            return CANNOT_UNDERSTAND
        if not is_of_the_series:
            return NOT_AUTHORISED
        if len(self.images) >= self._most:
            self.is_whole = False
            return OUT_OF_RESOURCES
        self.images.append(ds)
        return SUCCESS
