"""Retrieve a series over the association that asks for it: C-GET, Study Root (PS3.4 C.4.3)."""

from typing import Final

from pydicom import Dataset
from pynetdicom import evt
from pynetdicom.presentation import PresentationContext, build_context, build_role

from daemon import scu
from daemon.arriving import SYNTAXES, Arriving
from daemon.errors import DeliveryError

STUDY_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"


def series(address: scu.Address, SOPClassUID: str, arriving: Arriving) -> list[Dataset]:
    """Return the images of one class that a peer has of a series, in the order in which they came.

    Parameters
    ----------
    address : Address
        The peer.
    SOPClassUID : str
        Of the images.
    arriving : Arriving
        Which series, and how much of it is held.

    Raises
    ------
    DeliveryError
        If the peer cannot be asked, or does not give all of the series.
    """
    role = build_role(SOPClassUID, scp_role=True)
    hear = [(evt.EVT_C_STORE, arriving.take)]
    with scu.association(address, _contexts(SOPClassUID), [role], hear) as assoc:
        if all(one.abstract_syntax != STUDY_ROOT_GET for one in assoc.accepted_contexts):
            raise DeliveryError(f"{address.aet} answers no C-GET", hopeless=True)
        told = [status for status, _ in assoc.send_c_get(arriving.identifier(), STUDY_ROOT_GET)]
    arriving.require_whole(address.aet, "C-GET", told)
    return arriving.images


def _contexts(SOPClassUID: str) -> list[PresentationContext]:
    return [
        build_context(STUDY_ROOT_GET),
        *(build_context(SOPClassUID, [*syntaxes]) for syntaxes in SYNTAXES),
    ]
