"""Who may associate with us: a peer that sends, from its own address, over TLS where it must."""

import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from daemon.errors import PeersUnknown
from daemon.networks import IP, plain_ip
from daemon.records import own_titles, peers
from daemon.records.ledger import Ledger, LedgerError
from daemon.records.tables import Peer
from daemon.said import Said
from daemon.settings import Settings
from daemon.spool import write_durably

log = logging.getLogger(__name__)

PEERS_FRESH_S = 1.0
ASK_S = 1.0
"""How long an association waits for the ledger to name today's peers."""
FIRST_ASK_S = 10.0
"""How long it waits while none is known: nobody is refused because we have just begun."""
UNCALLED_S = 10.0
"""How old the copy may grow while nobody calls."""
COPY = "peers.json"
ADDRESSES_FRESH_S = 60.0
LOOK_UP_S = 2.0
"""How long an association waits for a host name that was never looked up before."""


@dataclass(frozen=True)
class Known:
    """Today's peers by AE title, and our titles that have rules.

    ``titles`` says of each at which of our addresses alone it is answered; empty: at all.
    """

    peers: Mapping[str, Peer] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    """Who asks for an association, as the network shows it.

    ``reports_only`` is a peer that proposes no storage: one that commits to our results may call
    to report, though it may not send.
    """

    aet: str
    address: str
    reports_only: bool = False
    secured: bool = False
    fingerprint: str = ""


class Callers:
    """Today's peers and titles of ours: a second old at most, older while the ledger is away.

    A copy of them lies beside the spool, for who begins to listen while the ledger is away. Where
    there is none either, methods raise PeersUnknown: that is no reason to turn a caller away.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._copy = settings.home / COPY
        self._known: Known | None = None
        self._written = ""
        self._fresh_until = float("-inf")
        self._asking = threading.Lock()
        self._asked = threading.Event()
        self._hosts = Hosts()

    def keep_up(self) -> None:
        """Ask for today's peers though nobody calls, if it is time to; wait for no answer."""
        if time.monotonic() > self._fresh_until + UNCALLED_S:
            self._begin_to_ask()

    def misnomer(self, calling: str, called: str, at: str) -> str:
        """Return why a caller cannot mean us; nothing where it names a title of ours.

        Parameters
        ----------
        calling, called : str
            The AE titles of the request.
        at : str
            At which address of ours it came.
        """
        if calling == called == self._settings.aet:
            return ""  # push
        ours = {self._settings.aet: "", **self._today().titles}
        if called not in ours:
            return f"peer {calling} called us {called}, we are {', '.join(ours)}"
        if ours[called] and plain_ip(ours[called]) != plain_ip(at):
            return f"peer {calling} called {called} at {at}, which is answered at {ours[called]}"
        return ""

    def objection(self, caller: Caller) -> str:
        """Return why a caller may not associate with us; nothing when it may."""
        if caller.aet == self._settings.aet and self._is_this_host(caller.address):
            return ""  # push
        peer = self._today().peers.get(caller.aet)
        if peer is None or not (peer.sends or (peer.commits and caller.reports_only)):
            return (
                f"peer {caller.aet} at {caller.address} is not allowed to send: "
                f"osteoscreen peers add {caller.aet} {caller.address} PORT --sends"
            )
        return self._from_elsewhere(peer, caller) or _not_secured(peer, caller)

    def _is_this_host(self, address: str) -> bool:
        return plain_ip(address).is_loopback or address in self._settings.hosts

    def _from_elsewhere(self, peer: Peer, caller: Caller) -> str:
        if not peer.bound:
            return ""
        allowed = self._hosts.addresses(peer.host)
        if plain_ip(caller.address) in allowed:
            return ""
        where = ", ".join(sorted(map(str, allowed))) or "no address found for it"
        bound = peer.host if where == peer.host else f"{peer.host} ({where})"
        return f"peer {peer.aet} called from {caller.address}, it is bound to {bound}"

    def _today(self) -> Known:
        if time.monotonic() > self._fresh_until and not self._begin_to_ask():
            # no thread is to be had: this one asks, however long that takes
            self._asking.acquire()
            self._ask()
        # a ledger that is away may say so late, or never: no association waits for that
        self._asked.wait(ASK_S if self._known else FIRST_ASK_S)
        known = self._known or self._kept()
        if known is None:
            raise PeersUnknown("the database is away, and there is no copy of the peers yet")
        self._known = self._known or known
        return known

    def _begin_to_ask(self) -> bool:
        """Ask in a thread of its own, unless one asks already; False where none is to be had."""
        if not self._asking.acquire(blocking=False):
            return True
        self._asked.clear()
        try:
            threading.Thread(target=self._ask, name="peers", daemon=True).start()
        except RuntimeError:
            self._asking.release()
            self._asked.set()
            return False
        return True

    def _ask(self) -> None:
        try:
            everyone = peers.everyone(self._ledger)
            titles = {title.aet: title.host or "" for title in own_titles.answered(self._ledger)}
            self._known = Known({peer.aet: peer for peer in everyone}, titles)
            self._keep(self._known)
        except LedgerError as error:
            log.error("event=ledger-unreachable error=%s", type(error).__name__)
        finally:
            self._fresh_until = time.monotonic() + PEERS_FRESH_S
            self._asking.release()
            self._asked.set()

    def _keep(self, known: Known) -> None:
        """Write the copy, where it has changed."""
        rows = [peers.as_row(peer) for peer in known.peers.values()]
        text = json.dumps({"peers": rows, "titles": known.titles}, indent=1)
        if text == self._written:
            return
        try:
            write_durably(self._copy, text.encode())
            self._written = text
        except OSError as error:
            log.error("event=peers-not-copied errno=%s", error.errno)

    def _kept(self) -> Known | None:
        try:
            copy = json.loads(self._copy.read_text())
            return Known({row["aet"]: Peer(**row) for row in copy["peers"]}, copy["titles"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.error("event=no-copy-of-peers error=%s", type(error).__name__)
            return None


def obstacle(settings: Settings, peer: Peer) -> str:
    """Return what keeps a peer that may send from ever being heard; nothing if nothing does."""
    if peer.sends and peer.tls and settings.tls_port is None:
        return "may call by TLS alone, and tls_port is not set"
    if peer.sends and peer.bound and not Hosts().addresses(peer.host):
        return Said("is bound to {host}, which has no address", host=peer.host)
    return ""


def _not_secured(peer: Peer, caller: Caller) -> str:
    if not peer.tls:
        return ""
    if not caller.secured:
        return f"peer {peer.aet} called in the clear, it may call by TLS alone (peers add --tls)"
    if peer.tls_fingerprint and not caller.fingerprint:
        return f"peer {peer.aet} showed no certificate, it is known by one"
    if peer.tls_fingerprint and caller.fingerprint != peer.tls_fingerprint:
        shown = caller.fingerprint
        return f"peer {peer.aet} showed another certificate than the one it is known by: {shown}"
    return ""


@dataclass
class _Host:
    """What is known of one host name."""

    addresses: frozenset[IP] = frozenset()
    look_at: float = 0.0
    looked: threading.Event = field(default_factory=threading.Event)


class Hosts:
    """The addresses of host names, looked up beside the associations that ask for them.

    Only the first to ask for a name waits, and not for long; a name that no longer resolves keeps
    the addresses it had.
    """

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    def addresses(self, host: str) -> frozenset[IP]:
        """Return the addresses of a host; none if it has no known one."""
        try:
            return frozenset({plain_ip(host)})
        except ValueError:
            pass
        with self._lock:
            known = self._hosts.setdefault(host, _Host())
            if time.monotonic() >= known.look_at:
                known.look_at = time.monotonic() + ADDRESSES_FRESH_S
                threading.Thread(target=_look_up, args=(host, known), daemon=True).start()
        known.looked.wait(LOOK_UP_S)
        return known.addresses


def _look_up(host: str, known: _Host) -> None:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        known.addresses = frozenset(plain_ip(str(entry[4][0])) for entry in found)
    except (OSError, UnicodeError) as error:
        log.warning("event=host-not-found host=%s error=%s", host, error)
        # nothing to stand on: ask again soon
        known.look_at = time.monotonic() + (ADDRESSES_FRESH_S if known.addresses else LOOK_UP_S)
    known.looked.set()
