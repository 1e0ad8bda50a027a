"""Retrieve a series over the association that asks for it: C-GET, Study Root (PS3.4 C.4.3)."""

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
from pynetdicom import evt
from pynetdicom.events import Event
from pynetdicom.presentation import PresentationContext, build_context, build_role

from daemon import scu
from daemon.errors import DeliveryError

STUDY_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"

SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000

#: One context each, so that a peer which keeps an image compressed can say so.
SYNTAXES: Final = (
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian],
    [DeflatedExplicitVRLittleEndian],
    [JPEGLosslessSV1],
    [JPEGLSLossless],
    [JPEG2000Lossless],
    [RLELossless],
    [JPEGBaseline8Bit],
)


class _Held:
    """What has come so far, up to a limit: it is held in memory."""

    def __init__(self, most: int, gets_on: Callable[[], None]) -> None:
        self.images: list[Dataset] = []
        self.refused = False
        self._most, self._gets_on = most, gets_on

    def take(self, event: Event) -> int:
        """Answer one C-STORE sub-operation."""
        self._gets_on()
        if len(self.images) >= self._most:
            self.refused = True
            return OUT_OF_RESOURCES
        try:
            ds = event.dataset
            ds.file_meta = event.file_meta
        except Exception:  # noqa: BLE001 - the edge to bytes from outside: the peer is told
            self.refused = True
            return CANNOT_UNDERSTAND
        self.images.append(ds)
        return SUCCESS


def series(
    address: scu.Address,
    uids: tuple[str, str],
    SOPClassUID: str,
    most: int,
    gets_on: Callable[[], None] = lambda: None,
) -> list[Dataset]:
    """Return the images of one class that a peer has of a series, in the order in which they came.

    Parameters
    ----------
    address : Address
        The peer.
    uids : (str, str)
        StudyInstanceUID and SeriesInstanceUID.
    SOPClassUID : str
        Of the images.
    most : int
        So many images at most are held.
    gets_on : callable
        Called whenever an image has come.

    Raises
    ------
    DeliveryError
        If the peer cannot be asked, or does not give all of the series.
    """
    held = _Held(most, gets_on)
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "SERIES"
    wanted.StudyInstanceUID, wanted.SeriesInstanceUID = uids
    role = build_role(SOPClassUID, scp_role=True)
    hear = [(evt.EVT_C_STORE, held.take)]
    with scu.association(address, _contexts(SOPClassUID), [role], hear) as assoc:
        if all(one.abstract_syntax != STUDY_ROOT_GET for one in assoc.accepted_contexts):
            raise DeliveryError(f"{address.aet} answers no C-GET", hopeless=True)
        told = [status for status, _ in assoc.send_c_get(wanted, STUDY_ROOT_GET)]
    last = told[-1].get("Status") if told else None
    if last is None:
        raise DeliveryError(f"{address.aet} broke the association or did not answer the C-GET")
    if last != SUCCESS or held.refused:
        words = (
            f"{address.aet} answered the C-GET with 0x{last:04X}, {len(held.images)} images came"
        )
        raise DeliveryError(words)
    return held.images


def _contexts(SOPClassUID: str) -> list[PresentationContext]:
    return [
        build_context(STUDY_ROOT_GET),
        *(build_context(SOPClassUID, [*syntaxes]) for syntaxes in SYNTAXES),
    ]
