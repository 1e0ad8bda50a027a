"""The TLS handshake, of a peer that calls us and of one that we call, and what goes wrong in words.

An association begins after it, on either side; pynetdicom sees a socket like any other.
"""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from daemon import tls
from daemon.errors import ConfigError
from daemon.records.tables import Peer
from daemon.settings import Settings

WITHIN_S = 10.0
"""Ours: whoever takes longer is let go."""

# the first byte of a connection: RFC 8446 5.1, PS3.8 9.3.2
TLS_HANDSHAKE = b"\x16"
A_ASSOCIATE_RQ = b"\x01"
# HAProxy's proxy-protocol.txt 2.1 and 2.2: of either header as much as tells it from all else
PROXY_HEADERS = (b"PROXY", b"\r\n\r\n\x00")
FIRST_BYTES = 5

CROWDS_MOST = 4
"""Ours: so many addresses may bring as many as are allowed to wait."""


class HungUp(Exception):
    """A connection that ended without a word, as those of a load balancer's watch do."""


class Refused(Exception):
    """A connection on which no association can begin; the words are for the admin."""


@dataclass(frozen=True)
class Terms:
    """How a peer that is called proves who it is."""

    settings: Settings
    fingerprint: str = ""
    named: bool = True


class Call:
    """The TLS of one call: stands where pynetdicom expects a context, and keeps what went wrong."""

    def __init__(self, terms: Terms) -> None:
        self.failure: OSError | None = None
        self._socket: ssl.SSLSocket | None = None
        self._fingerprint = terms.fingerprint
        self._context = tls.client_context(terms.settings, bool(terms.fingerprint), terms.named)
        self._context.sslsocket_class = _CallSocket

    def wrap_socket(self, plain: socket.socket, **how: Any) -> ssl.SSLSocket:
        """Make the socket that does the handshake when it has connected."""
        secured = self._context.wrap_socket(plain, **how)
        assert isinstance(secured, _CallSocket)
        secured.call = self
        self._socket = secured
        return secured

    def end(self) -> None:
        """Close what has failed: pynetdicom leaves that to the garbage collector."""
        if self._socket is not None:
            self._socket.close()

    def recognise(self, certificate: bytes | None) -> None:
        """Hold a peer's certificate against the one it is known by.

        Raises
        ------
        OSError
            If it is another.
        """
        shown = tls.fingerprint(certificate or b"")
        if self._fingerprint and shown != self._fingerprint:
            raise OSError(0, f"it shows another certificate than the one pinned: {shown}")


class _CallSocket(ssl.SSLSocket):
    """Tells its call what pynetdicom would only log: with TLS 1.3 a no may come after the hands."""

    call: Call

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
            self.call.recognise(self.getpeercert(binary_form=True))
        except OSError as error:
            self.call.failure = error
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except ssl.SSLError as error:
            self.call.failure = error
            raise


def terms_of(settings: Settings, peer: Peer) -> Terms | None:
    """Return how a peer is called by TLS; None if it is called in the clear."""
    return Terms(settings, peer.tls_fingerprint, peer.tls_named) if peer.tls else None


def terms_of_ours(settings: Settings) -> Terms:
    """Return how we call ourselves by TLS: known by our own certificate.

    Raises
    ------
    ConfigError
        If our certificate cannot be read.
    """
    return Terms(settings, tls.fingerprint(tls.own_certificate(settings)))


class Porch:
    """What a connection to one of our ports passes before its association may begin.

    It waits in the connection's own thread: whoever is slow here holds up nobody else.

    Parameters
    ----------
    port : int
        The port, for the words.
    certificates : Certificates, optional
        What we show there; a port without it speaks plain DICOM.
    most : int
        Connections of one address that may wait here at once; of all, a few times as many.
    tell : callable
        Takes the sentence about a peer that was let go.
    """

    def __init__(
        self,
        port: int,
        certificates: tls.Certificates | None,
        most: int,
        tell: Callable[[str], None],
    ) -> None:
        self._port = port
        self._certificates = certificates
        self._most = most
        self._tell = tell
        self._waiting: Counter[str] = Counter()
        self._lock = threading.Lock()

    def admit(self, client: socket.socket, address: str) -> socket.socket | None:
        """Return the socket on which DICOM is spoken, None when there will be none."""
        with self._lock:
            self._waiting[address] += 1
            crowded = self._waiting[address] > self._most
            crowded |= self._waiting.total() > CROWDS_MOST * self._most
        try:
            if crowded:
                raise Refused("is one too many of those that wait to begin (max_associations)")
            return self._secured(client) if self._certificates else self._plain(client)
        except Refused as refused:
            self._tell(f"a peer at {address} {refused}")
            return None
        except HungUp:
            return None
        finally:
            with self._lock:
                self._waiting[address] -= 1
                self._waiting += Counter()

    def _secured(self, client: socket.socket) -> socket.socket:
        assert self._certificates is not None, "only then is it called"
        client.settimeout(WITHIN_S)
        try:
            first = client.recv(FIRST_BYTES, socket.MSG_PEEK)
            if not first:
                raise HungUp
            _refuse_balancer(first)
            if first[:1] == A_ASSOCIATE_RQ:
                raise Refused(f"spoke plain DICOM to the TLS port {self._port}")
            secured = self._certificates.server().wrap_socket(client, server_side=True)
            secured.settimeout(None)
        except ConfigError as error:
            raise Refused(f"was let go, we have no certificate to show: {error}") from None
        except TimeoutError:
            raise Refused(f"did not finish the TLS handshake within {WITHIN_S:g} s") from None
        except OSError as error:
            raise Refused(f"failed the TLS handshake: {in_words(error)}") from None
        return secured

    def _plain(self, client: socket.socket) -> socket.socket:
        client.settimeout(WITHIN_S)
        try:
            first = client.recv(FIRST_BYTES, socket.MSG_PEEK)
            _refuse_balancer(first)
            if first[:1] == TLS_HANDSHAKE:
                raise Refused(f"spoke TLS to the plain port {self._port}")
            client.settimeout(None)
        except TimeoutError:
            raise Refused(f"said nothing within {WITHIN_S:g} s") from None
        except OSError:
            raise HungUp from None
        return client


def _refuse_balancer(first: bytes) -> None:
    if first in PROXY_HEADERS:
        raise Refused("says for whom it speaks (PROXY protocol), and is not believed: proxy_from")


def in_words(error: OSError) -> str:
    """Say what went wrong in a handshake, so that somebody can act on it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFIED.get(error.verify_code, error.verify_message)
    reason = getattr(error, "reason", None) or ""
    if reason in _REASONS:
        return _REASONS[reason]
    if isinstance(error, ConnectionError | ssl.SSLEOFError) or reason.startswith("UNEXPECTED_EOF"):
        return "it hung up: does it speak TLS at this port, does it trust our certificate?"
    if isinstance(error, TimeoutError):
        return "it did not finish the TLS handshake in time: does it speak TLS at this port?"
    return reason.replace("_", " ").lower() or error.strerror or type(error).__name__


_VERIFIED = {
    # OpenSSL's X509_V_ERR_* (x509_vfy.h)
    9: "its certificate is not valid yet: is a clock wrong?",
    10: "its certificate has expired",
    18: "its certificate is self-signed and not in tls_ca",
    19: "its certificate comes from an authority that is not in tls_ca",
    20: "its certificate comes from an authority that is not in tls_ca",
    21: "its certificate comes from an authority that is not in tls_ca",
    26: "its certificate is not made for this use (extended key usage)",
    62: "its certificate is for another host name: --no-tls-name, or --tls-fingerprint",
    64: "its certificate is for another address: --no-tls-name, or --tls-fingerprint",
}

_NO_TLS = "it speaks no TLS at this port"
_OLD = "it speaks no TLS 1.2 or 1.3"
_REFUSES_OURS = "it refuses our certificate: "
_REASONS = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": "it spoke HTTP",
    "UNSUPPORTED_PROTOCOL": _OLD,
    "VERSION_TOO_LOW": _OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD,
    "NO_SHARED_CIPHER": "it has none of the cipher suites of BCP 195",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it wants a client certificate, or other cipher suites",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no certificate (tls_mutual)",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate: set tls_certificate",
    "TLSV1_ALERT_UNKNOWN_CA": _REFUSES_OURS + "it does not know its authority",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _REFUSES_OURS + "expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": _REFUSES_OURS + "revoked",
    "SSLV3_ALERT_BAD_CERTIFICATE": _REFUSES_OURS + "bad",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _REFUSES_OURS + "not made for this use",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _REFUSES_OURS + "not acceptable, for a reason it keeps",
    "TLSV1_ALERT_ACCESS_DENIED": _REFUSES_OURS + "access denied",
}
