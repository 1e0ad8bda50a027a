"""A series that a peer sends because we asked for it, held in memory as it comes."""

from collections.abc import Callable, Sequence
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

from daemon.errors import DeliveryError

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
        Called whenever an image has come, from any thread, and while the port is waited for.

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
        self.gets_on = gets_on
        self._most = most

    def identifier(self) -> Dataset:
        """Return what the peer is asked for."""
        wanted = Dataset()
        wanted.QueryRetrieveLevel = "SERIES"
        wanted.StudyInstanceUID, wanted.SeriesInstanceUID = self._study_uid, self._series_uid
        return wanted

    def take(self, event: Event) -> int:
        """Answer one C-STORE sub-operation."""
        self.gets_on()
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

    def require_whole(
        self, aet: str, service: str, told: Sequence[Dataset], hint: str = ""
    ) -> None:
        """Hold what came against a peer's answers to a C-GET or C-MOVE.

        Raises
        ------
        DeliveryError
            If it did not answer to the end, or not all came; the hint is what to look at then.
        """
        last = told[-1].get("Status") if told else None
        if last is None:
            raise DeliveryError(f"{aet} broke the association or did not answer the {service}")
        if last != SUCCESS or not self.is_whole:
            came = f"{len(self.images)} images came{hint}"
            raise DeliveryError(f"{aet} answered the {service} with 0x{last:04X}, {came}")
