"""TLS: who we are and whom we trust (PS3.15 B.9 and B.12).

TLS 1.2 or 1.3 with the cipher suites that BCP 195 (RFC 9325 4.2) recommends. The files may be
replaced while the listener runs: each new connection gets what they hold now.
"""

import hashlib
import logging
import re
import ssl
import threading
import time
from pathlib import Path
from typing import Any

from daemon.errors import ConfigError
from daemon.settings import Settings
from daemon.turns import TurnsSocket

log = logging.getLogger(__name__)

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""RFC 9325 4.2, for TLS 1.2; TLS 1.3 has none but good ones."""

LOOK_AGAIN_S = 1.0
"""The files are looked at once in this time at most."""


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
        ConfigError
            If there has been no usable certificate yet.
        """
        with self._lock:
            if time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + LOOK_AGAIN_S
                self._look()
            if self._context is None:
                raise ConfigError(self._problem)
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
    context.sslsocket_class = TurnsSocket
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


def own_context(settings: Settings) -> ssl.SSLContext:
    """Make the context of a peer that knows our certificate and shows it itself.

    Raises
    ------
    ConfigError
        Which file cannot be used, and why.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    _show(context, settings)
    context.load_verify_locations(cadata=own_certificate(settings))
    return context


def anchors(settings: Settings) -> list[dict[str, Any]]:
    """Return the authorities in ``tls_ca``, as ``ssl`` reads them.

    Raises
    ------
    ConfigError
        If the file cannot be used.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if settings.tls_ca is not None:
        _trust(context, settings.tls_ca)
    return [dict(one) for one in context.get_ca_certs()]


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
