"""For whom a load balancer speaks: the PROXY protocol, version 1 and 2, before an association.

HAProxy's proxy-protocol.txt, sections 2.1 and 2.2. A receiver must not guess whether the header is
there: from the addresses in ``proxy_from`` it must be, from any other it must not.
"""

import socket
import struct
from collections.abc import Callable
from ipaddress import ip_address

from daemon.handshake import WITHIN_S, HungUp, Refused
from daemon.networks import Networks, plain_ip, read_networks

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
FIRST_WORD = b"PROXY "
LONGEST_LINE = 107
LONGEST_V2 = 4096
"""Ours: addresses take 36 bytes, the rest is for what else a balancer wants to tell."""
V2_HEAD = struct.Struct(">BBH")
VERSION_2, LOCAL, PROXY = 0x20, 0x20, 0x21
ADDRESS_BYTES = {0x11: 4, 0x21: 16}
"""TCP over IPv4 and over IPv6."""
UNSPECIFIED = 0x00


class Balancers:
    """The load balancers that are believed.

    Parameters
    ----------
    believed : str
        Their addresses or networks, with commas between.
    tell : callable
        Takes the sentence about a connection that was let go.
    """

    def __init__(self, believed: str, tell: Callable[[str], None]) -> None:
        self._believed = read_networks(believed)
        self._tell = tell

    def caller(self, client: socket.socket, address: str) -> str | None:
        """Return the address of who calls, None where nobody can be heard.

        Of a believed balancer the header is read, and not a byte of what follows it.
        """
        try:
            if self._believed and _is_among(address, self._believed):
                return _spoken_for(client) or address
        except Refused as refused:
            self._tell(f"the load balancer at {address} {refused}")
            return None
        except HungUp:
            return None
        return address


def _is_among(address: str, networks: Networks) -> bool:
    plain = plain_ip(address)
    return any(plain in network for network in networks)


def _spoken_for(client: socket.socket) -> str | None:
    """Read the header; return whose address it tells, None for a word of the balancer's own."""
    client.settimeout(WITHIN_S)
    try:
        first = client.recv(1, socket.MSG_PEEK)
        if not first:
            raise HungUp
        if first == SIGNATURE[:1]:
            return _read_v2(client)
        if first == FIRST_WORD[:1]:
            return _read_v1(client)
    except TimeoutError:
        raise Refused(f"did not say within {WITHIN_S:g} s for whom it speaks") from None
    except OSError:
        raise HungUp from None
    finally:
        client.settimeout(None)
    raise Refused("did not say for whom it speaks: send-proxy-v2 is missing in its configuration")


def _read_v1(client: socket.socket) -> str | None:
    line = b""
    while not line.endswith(b"\r\n"):
        if len(line) == LONGEST_LINE:
            raise Refused("sent a PROXY line without an end")
        line += _exactly(client, 1)
    words = line.decode("ascii", "replace").split()
    if words[:2] == ["PROXY", "UNKNOWN"]:
        return None
    if len(words) != 6 or words[0] != "PROXY" or words[1] not in ("TCP4", "TCP6"):
        raise Refused("sent a PROXY line that names no caller over TCP")
    try:
        ip = ip_address(words[2])
    except ValueError:
        raise Refused("sent a PROXY line with no address in it") from None
    return str(ip)


def _read_v2(client: socket.socket) -> str | None:
    if _exactly(client, len(SIGNATURE)) != SIGNATURE:
        raise Refused("sent something like a PROXY header that is none")
    command, family, length = V2_HEAD.unpack(_exactly(client, V2_HEAD.size))
    if command not in (LOCAL, PROXY) or length > LONGEST_V2:
        raise Refused("sent a PROXY header of a version or length that we do not know")
    told = _exactly(client, length)
    if command == LOCAL or family == UNSPECIFIED:
        return None
    size = ADDRESS_BYTES.get(family)
    if size is None or length < 2 * size + 4:
        raise Refused("sent a PROXY header that names no caller over TCP")
    return str(ip_address(told[:size]))


def _exactly(client: socket.socket, count: int) -> bytes:
    pieces = b""
    while len(pieces) < count:
        piece = client.recv(count - len(pieces))
        if not piece:
            raise HungUp
        pieces += piece
    return pieces
