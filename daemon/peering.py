"""What an admin may say of a peer, on the command line or in a form, and what is refused."""

import re
from enum import StrEnum

from daemon.errors import ConfigError, TitleTaken
from daemon.records import own_titles
from daemon.records.ledger import Ledger
from daemon.records.tables import Peer
from daemon.said import Said
from daemon.settings import Settings, is_ae_title

PORTS = range(1, 65536)
HOST = re.compile(r"[A-Za-z0-9._:%-]{1,255}")


class SrClass(StrEnum):
    """The SR SOP Classes a peer can be sent (PS3.4 B.5)."""

    COMPREHENSIVE_3D = "comprehensive3d"
    COMPREHENSIVE = "comprehensive"
    ENHANCED = "enhanced"


# written out (PS3.4 B.5): pydicom and its pixel libraries would weigh down the supervisor
SR_CLASS_UIDS = {
    SrClass.COMPREHENSIVE_3D: "1.2.840.10008.5.1.4.1.1.88.34",
    SrClass.COMPREHENSIVE: "1.2.840.10008.5.1.4.1.1.88.33",
    SrClass.ENHANCED: "1.2.840.10008.5.1.4.1.1.88.22",
}


def require_sound(settings: Settings, ledger: Ledger, peer: Peer) -> None:
    """Refuse what can be no peer.

    Raises
    ------
    ConfigError
        With the reason in one line.
    """
    if not is_ae_title(peer.aet):
        raise ConfigError(
            Said(
                "AE title '{aet}': 1 to 16 ASCII characters, no backslash (PS3.5 6.2)", aet=peer.aet
            )
        )
    if peer.aet == settings.aet or own_titles.named(ledger, peer.aet):
        raise TitleTaken(Said("{aet} is a title of ours; a peer is another AE", aet=peer.aet))
    if not peer.host:
        raise ConfigError("a peer is at a host with a name or an address")
    if not HOST.fullmatch(peer.host):
        raise ConfigError(Said("host '{host}': a name or an address", host=peer.host))
    if peer.port not in PORTS:
        raise ConfigError("port: a number from 1 to 65535")


def sha256_of(text: str) -> str:
    """Read a fingerprint as openssl and browsers write it.

    Raises
    ------
    ConfigError
        If it is none.
    """
    plain = text.rpartition("=")[2].replace(":", "").replace(" ", "").lower()
    if plain and not re.fullmatch("[0-9a-f]{64}", plain):
        raise ConfigError(
            Said("fingerprint {text}: openssl x509 -noout -fingerprint -sha256 -in FILE", text=text)
        )
    return plain
