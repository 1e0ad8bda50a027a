"""Whom the site asks for a patient's earlier studies, and the way in which they come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset

from daemon import get, move
from daemon.arriving import Arriving
from daemon.records.tables import Peer
from daemon.scu import Address, address_of
from daemon.settings import Settings

#: How long a peer may say nothing; and how large a series may be. Both ours.
ANSWERS_S: Final = 30.0
IMAGES_MOST: Final = 400


@dataclass(frozen=True)
class Archive:
    """A peer that knows of earlier studies.

    Attributes
    ----------
    address : Address
        Of the peer.
    destination : Destination, optional
        Where it sends them, if it answers no C-GET.
    """

    address: Address
    destination: move.Destination | None = None

    def series(
        self, uids: tuple[str, str], SOPClassUID: str, gets_on: Callable[[], None] = lambda: None
    ) -> list[Dataset]:
        """Fetch a series into memory.

        Parameters
        ----------
        uids : (str, str)
            StudyInstanceUID and SeriesInstanceUID.
        SOPClassUID : str
            Of its images.
        gets_on : callable
            Called while it comes.

        Raises
        ------
        DeliveryError
            If the peer does not give all of it.
        """
        arriving = Arriving(*uids, IMAGES_MOST, gets_on)
        if self.destination is None:
            return get.series(self.address, SOPClassUID, arriving)
        return move.series(self.address, SOPClassUID, arriving, self.destination)


def archive_of(settings: Settings, peer: Peer) -> Archive:
    """Return how a peer is asked, as the settings have it.

    Raises
    ------
    ConfigError
        If our certificate cannot be read, where the peer is called by TLS.
    """
    address = address_of(settings, peer, ANSWERS_S)
    return Archive(address, destination_of(settings))


def destination_of(settings: Settings) -> move.Destination | None:
    """Return where earlier studies are sent; None where they come by C-GET."""
    if not settings.earlier_move_aet:
        return None
    place = settings.hosts[0], settings.earlier_move_port
    return move.Destination(settings.earlier_move_aet, *place)
