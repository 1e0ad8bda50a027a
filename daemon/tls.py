"""TLS: who we are, whom we trust, and the handshake before an association (PS3.15 B.9 and B.12).

TLS 1.2 or 1.3 with the cipher suites that BCP 195 (RFC 9325 4.2) recommends. The files may be
replaced while the listener runs: each new connection gets what they hold now.
"""

import hashlib
import logging
import re
import socket
import ssl
import threading
import time
from pathlib import Path

from daemon.config import Settings
from daemon.errors import ConfigError

log = logging.getLogger(__name__)

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""RFC 9325 4.2, for TLS 1.2; TLS 1.3 has none but good ones."""

HANDSHAKE_S = 10.0
"""Ours: a peer that takes longer to begin is told nothing and let go."""

LOOK_AGAIN_S = 1.0
"""The files are looked at once in this time at most."""

RECORD_HANDSHAKE, PDU_ASSOCIATE_RQ = 0x16, 0x01
"""First byte of a TLS connection (RFC 8446 5.1) and of a plain DICOM one (PS3.8 9.3.2)."""


class Refused(Exception):
    """A connection on which no association can begin; the words are for the admin."""


class Certificates:
    """The server's context, made anew when one of its files has changed.

    A new file that cannot be used leaves the old certificate in place, and the log says so.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._stamp: object = None
        self._look_at = 0.0
        self._problem = ""

    def server(self) -> ssl.SSLContext:
        """Return the context of this moment.

        Raises
        ------
        Refused
            If there has been no usable certificate yet.
        """
        with self._lock:
            if time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + LOOK_AGAIN_S
                self._look()
            if self._context is None:
                raise Refused(f"we have no certificate to show: {self._problem}")
            return self._context

    def _look(self) -> None:
        stamp = _stamp(self._settings)
        if stamp == self._stamp and self._context is not None:
            return
        try:
            self._context = server_context(self._settings)
        except ConfigError as error:
            self._problem = str(error)
            kept = "the old one stays" if self._context else "none can be shown"
            log.error("event=certificate-not-usable why=%r so=%r", self._problem, kept)
        else:
            digest = fingerprint(own_certificate(self._settings))
            log.info("event=certificate-loaded sha256=%s", digest)
        self._stamp = stamp


def server_context(settings: Settings) -> ssl.SSLContext:
    """Make the context of our TLS port from the files as they are now.

    Raises
    ------
    ConfigError
        Which file cannot be used, and why.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    # associations are long and few: there is no session to take up again
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    _show(context, settings)
    if settings.tls_ca is not None:
        _trust(context, settings.tls_ca)
        # our own commands call us with our own certificate, whoever has signed it
        context.load_verify_locations(cadata=own_certificate(settings))
        context.verify_mode = ssl.CERT_REQUIRED if settings.tls_mutual else ssl.CERT_OPTIONAL
    return context


def client_context(settings: Settings, pinned: bool, named: bool) -> ssl.SSLContext:
    """Make the context of a call to a peer from the files as they are now.

    Parameters
    ----------
    settings : Settings
        Where the files are.
    pinned : bool
        The peer is known by its certificate's fingerprint, which the caller compares; then nobody
        has to vouch for it and its names mean nothing.
    named : bool
        The certificate has to name the host that is called.

    Raises
    ------
    ConfigError
        Which file cannot be used, and why.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = named and not pinned
    if settings.tls_certificate is not None:
        _show(context, settings)
    if pinned:
        context.verify_mode = ssl.CERT_NONE
    elif settings.tls_ca is None:
        raise ConfigError("tls_ca is not set, so nothing tells whom to trust (or pin the peer)")
    else:
        _trust(context, settings.tls_ca)
    return context


def admit(client: socket.socket, context: ssl.SSLContext, within_s: float) -> ssl.SSLSocket:
    """Do the handshake of a connection to our TLS port, in the connection's own thread.

    Raises
    ------
    Refused
        What the peer did instead.
    """
    client.settimeout(within_s)
    try:
        first = client.recv(1, socket.MSG_PEEK)
        if first and first[0] == PDU_ASSOCIATE_RQ:
            raise Refused("spoke plain DICOM to the TLS port")
        secured = context.wrap_socket(client, server_side=True)
        secured.settimeout(None)
    except TimeoutError:
        raise Refused(f"did not finish the TLS handshake within {within_s:.0f} s") from None
    except OSError as error:
        raise Refused(f"failed the TLS handshake: {in_words(error)}") from None
    return secured


def own_certificate(settings: Settings) -> bytes:
    """Return our certificate, DER: the first of its file (RFC 8446 4.4.2).

    Raises
    ------
    ConfigError
        If there is none.
    """
    path = settings.tls_certificate
    if path is None:
        raise ConfigError("tls_certificate is not set")
    block = re.search(r"-----BEGIN CERT.*?-----END CERTIFICATE-----", _text(path), re.DOTALL)
    try:
        if block:
            return ssl.PEM_cert_to_DER_cert(block[0])
    except ValueError:
        pass
    raise ConfigError(f"tls_certificate {path} holds no certificate in PEM")


def fingerprint(certificate: bytes) -> str:
    """Return a certificate's SHA-256, as ``openssl x509 -fingerprint -sha256`` but plain."""
    return hashlib.sha256(certificate).hexdigest()


def in_words(error: OSError) -> str:
    """Say what went wrong in a handshake, so that somebody can act on it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFIED.get(error.verify_code, error.verify_message)
    reason = getattr(error, "reason", None) or ""
    if reason in _REASONS:
        return _REASONS[reason]
    if isinstance(error, ConnectionError | ssl.SSLEOFError) or reason.startswith("UNEXPECTED_EOF"):
        return "it closed the connection during the TLS handshake: does it speak TLS at this port?"
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


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    # a device's own certificate in tls_ca is trusted as it stands, whoever has signed it
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


def _show(context: ssl.SSLContext, settings: Settings) -> None:
    certificate = settings.tls_certificate
    own_certificate(settings)
    assert certificate is not None, "own_certificate has seen it"
    key = settings.tls_key or certificate
    text = _text(key)
    if "PRIVATE KEY-----" not in text:
        raise ConfigError(f"tls_key {key} holds no private key in PEM")
    if "ENCRYPTED" in text:
        raise ConfigError(f"tls_key {key} has a passphrase, which nobody is here to type")
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(f"tls_key {key} is not the key of {certificate}") from None
        why = error.reason or "it cannot be read"
        raise ConfigError(f"tls_certificate {certificate} with {key}: {why}") from None


def _trust(context: ssl.SSLContext, path: Path) -> None:
    _text(path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise ConfigError(f"tls_ca {path} holds no certificate in PEM") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def _stamp(settings: Settings) -> list[tuple[int, ...] | None]:
    """Return what changes when a file does: replaced, rewritten, or made readable."""
    stamps: list[tuple[int, ...] | None] = []
    for path in (settings.tls_certificate, settings.tls_key, settings.tls_ca):
        try:
            if path is not None:
                found = path.stat()
                stamps.append((found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino))
        except OSError:
            stamps.append(None)
    return stamps
