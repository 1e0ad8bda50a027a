"""What ``osteoscreen check`` says of TLS: our certificate, its key, who vouches for peers."""

import ssl
import time
from collections.abc import Iterator

from daemon import tls
from daemon.errors import ConfigError
from daemon.handshake import in_words
from daemon.settings import Settings

SOON_DAYS = 30
DAY_S = 86400.0
OTHERS_MAY_READ = 0o004

Said = tuple[str, str, str]
"""What was looked at, ``ok``, ``warn`` or ``fail``, and what it means."""


def findings(settings: Settings) -> Iterator[Said]:
    """Look at the files of TLS as they are now, where any are set."""
    if settings.tls_certificate is not None:
        yield _ours(settings)
        yield from _key(settings)
    if settings.tls_ca is not None:
        yield from _anchors(settings)


def _ours(settings: Settings) -> Said:
    what = "TLS certificate"
    try:
        shown = _meet_ourselves(settings)
    except ConfigError as error:
        return what, "fail", f"{error}; a listener that runs keeps the one it has"
    except ssl.SSLError as error:
        return what, "fail", f"{settings.tls_certificate}: {in_words(error)}"
    days = _days_left(shown)
    words = f"{settings.tls_certificate}, valid for {days} days"
    if days < SOON_DAYS:
        return what, "warn", f"{words} only: put a new one in its place, no restart is needed"
    return what, "ok", words


def _meet_ourselves(settings: Settings) -> dict[str, object]:
    """Shake our own hand in memory; return the certificate as a peer would read it.

    Its dates, its key, and that it may be used both to answer and to call: what a peer would find.
    """
    to_us, to_peer = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = tls.own_context(settings).wrap_bio(to_peer, to_us)
    us = tls.server_context(settings).wrap_bio(to_us, to_peer, server_side=True)
    for side in (peer, us) * 3:  # more turns than a handshake takes
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return dict(peer.getpeercert() or {})


def _key(settings: Settings) -> Iterator[Said]:
    path = settings.tls_key or settings.tls_certificate
    try:
        if path is not None and path.stat().st_mode & OTHERS_MAY_READ:
            yield "TLS key", "warn", f"{path} can be read by every account of this host"
    except OSError:
        return  # said of the certificate


def _anchors(settings: Settings) -> Iterator[Said]:
    what, path = "TLS authorities", settings.tls_ca
    try:
        known = tls.anchors(settings)
    except ConfigError as error:
        yield what, "fail", str(error)
        return
    for authority in known:
        days = _days_left(authority)
        if days < SOON_DAYS:
            state = "expires soon" if days >= 0 else "has expired"
            yield what, "warn", f"{path}: {_name(authority)} {state} ({days} days)"
    yield what, "ok", f"{path} can be read: {len(known)} authorities"


def _days_left(certificate: dict[str, object]) -> int:
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return int((ends - time.time()) // DAY_S)


def _name(certificate: dict[str, object]) -> str:
    subject = certificate["subject"]
    assert isinstance(subject, tuple)
    return ", ".join(value for part in subject for _, value in part)
