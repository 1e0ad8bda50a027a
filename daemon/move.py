"""Have a series sent to a port of its own: C-MOVE, Study Root (PS3.4 C.4.2).

The port is open for as long as one series takes, and what comes is held in memory: our listener,
which indexes and screens whatever it is sent, never hears of it.
"""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.presentation import build_context

from daemon import scu
from daemon.arriving import SUCCESS, SYNTAXES, Arriving
from daemon.binding import why_not
from daemon.errors import DeliveryError

STUDY_ROOT_MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"
DESTINATION_UNKNOWN: Final = 0xA801

# All ours. How long a peer may take for one series, how long the port may be another process's of
# ours, and how often that is looked at.
SERIES_S: Final = 120.0
TAKEN_S: Final = 60.0
LOOK_S: Final = 0.2
ASSOCIATIONS_MOST: Final = 4


@dataclass(frozen=True)
class Destination:
    """Where a peer sends what it is asked to move.

    Attributes
    ----------
    aet : str
        The Move Destination (0000,0600), which the peer knows with this host and port.
    host : str
        Our address to listen at.
    port : int
        Taken by one process at a time.
    """

    aet: str
    host: str
    port: int


def series(
    address: scu.Address, SOPClassUID: str, arriving: Arriving, destination: Destination
) -> list[Dataset]:
    """Return the images of one class that a peer has of a series, in the order in which they came.

    Parameters
    ----------
    address : Address
        The peer.
    SOPClassUID : str
        Of the images.
    arriving : Arriving
        Which series, and how much of it is held.
    destination : Destination
        Where we wait for it.

    Raises
    ------
    DeliveryError
        If the port cannot be had, the peer cannot be asked, does not know the destination, or does
        not send all of the series there.
    """
    # what we send is short, and an answer may come only when the last image has
    unhurried = replace(address, timeout_s=max(address.timeout_s, SERIES_S))
    with (
        _waiting(destination, SOPClassUID, arriving),
        scu.association(unhurried, [build_context(STUDY_ROOT_MOVE)]) as assoc,
    ):
        wanted = arriving.identifier()
        told = [one for one, _ in assoc.send_c_move(wanted, destination.aet, STUDY_ROOT_MOVE)]
    if why := _why_not_whole(told[-1] if told else Dataset(), arriving, destination):
        raise DeliveryError(f"{address.aet} {why}")
    return arriving.images


def _why_not_whole(last: Dataset, arriving: Arriving, destination: Destination) -> str:
    """Say what the peer's last answer leaves to be wished for; nothing if all came."""
    status, came = last.get("Status"), len(arriving.images)
    place = f"this host, port {destination.port}"
    if status is None:
        return "broke the association or did not answer the C-MOVE"
    if status == DESTINATION_UNKNOWN:
        return f"does not know {destination.aet}: enter it there, with {place}"
    if status != SUCCESS or not arriving.is_whole:
        sends = f"does it reach {destination.aet} at {place}?"
        return f"answered the C-MOVE with 0x{status:04X}, {came} images came: {sends}"
    if last.get("NumberOfCompletedSuboperations", came) != came:
        sent = last.NumberOfCompletedSuboperations
        return f"sent {sent} images, {came} came: is {destination.aet} there {place}?"
    return ""


@contextmanager
def _waiting(destination: Destination, SOPClassUID: str, arriving: Arriving) -> Iterator[None]:
    """Listen at the destination, under its title alone."""
    ae = AE(ae_title=destination.aet)
    ae.require_called_aet = True
    ae.maximum_associations = ASSOCIATIONS_MOST
    ae.supported_contexts = [build_context(SOPClassUID, [one for some in SYNTAXES for one in some])]
    _start(ae, destination, arriving)
    try:
        yield
    finally:
        ae.shutdown()


def _start(ae: AE, destination: Destination, arriving: Arriving) -> None:
    """Open the port; another worker of this host may have it for a while."""
    place = destination.host, destination.port
    until = time.monotonic() + TAKEN_S
    while True:
        try:
            ae.start_server(place, block=False, evt_handlers=[(evt.EVT_C_STORE, arriving.take)])
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise DeliveryError(why_not(error, *place)) from None
            arriving.wait(LOOK_S)
        else:
            return
