"""Have a series sent to a port of its own: C-MOVE, Study Root (PS3.4 C.4.2).

The port is open for as long as one series takes, and what comes is held in memory: our listener,
which indexes and screens whatever it is sent, never hears of it.
"""

import errno
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.presentation import build_context

from daemon import scu
from daemon.arriving import SYNTAXES, Arriving
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
    _require_all(address.aet, told, arriving, destination)
    return arriving.images


def _require_all(
    aet: str, told: Sequence[Dataset], arriving: Arriving, destination: Destination
) -> None:
    """Raise DeliveryError unless all came, with what to look at in the peer's list of titles."""
    last, place = told[-1] if told else Dataset(), f"this host, port {destination.port}"
    if last.get("Status") == DESTINATION_UNKNOWN:
        raise DeliveryError(f"{aet} does not know {destination.aet}: enter it there, with {place}")
    hint = f": does it reach {destination.aet} at {place}?"
    arriving.require_whole(aet, "C-MOVE", told, hint)
    came = len(arriving.images)
    sent = last.get("NumberOfCompletedSuboperations", came)
    if sent != came:
        what = f"{aet} sent {sent} images, {came} came"
        raise DeliveryError(f"{what}: is {destination.aet} there {place}?")


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
            arriving.gets_on()
            time.sleep(LOOK_S)
        else:
            return
