"""``osteoscreen check``: everything that could keep us from working, one line each."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import packages_distributions
from typing import Any

from daemon import certificates, disk, find, models, schema, scu
from daemon.archive import destination_of
from daemon.binding import is_here, listens_at, open_socket, place_of, why_not
from daemon.callers import obstacle
from daemon.disk import Door
from daemon.errors import ConfigError, DeliveryError
from daemon.jobs import Doorbell
from daemon.move import Destination
from daemon.networks import ALL_IPV4, ALL_IPV6
from daemon.records import own_titles, peers
from daemon.records.ledger import Ledger
from daemon.records.tables import Peer, Wants
from daemon.settings import EMBEDDED, Settings
from engines.product import PRODUCT

NOBODYS = "2.25.1"
"""A Study Instance UID that no study has (PS3.5 B.2)."""

OUR_PACKAGES = ("daemon", "workers", "engines", "migrations")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: ``ok``, ``warn`` or ``fail``, and what it means."""

    what: str
    state: str
    words: str

    def as_json(self) -> dict[str, Any]:
        """Return it for a script."""
        return asdict(self)


def run(settings: Settings) -> list[Finding]:
    """Look at configuration, packages, disk, port, broker, database, models and peers."""
    found = [Finding("configuration", "ok", f"home {settings.home}"), *_packages()]
    found += [_disk(settings), *_ports(settings), _broker(settings)]
    found += [Finding(*said) for said in certificates.findings(settings)]
    try:
        ledger = schema.ready_ledger(settings)
    except ConfigError as error:
        return [*found, Finding("database", "fail", str(error))]
    found.append(Finding("database", "ok", f"revision {ledger.revision()}"))
    found += _titles(settings, ledger)
    return [*found, *_models(settings, ledger), *_peers(settings, ledger)]


def _packages() -> Iterator[Finding]:
    owners = packages_distributions()
    for package in OUR_PACKAGES:
        found = sorted(set(owners.get(package, [])))
        if found != [PRODUCT]:
            # python-daemon, too, calls its package "daemon"
            words = f"package {package} belongs to {', '.join(found) or 'nobody'}: reinstall apart"
            yield Finding("packages", "fail", words)
            return
    yield Finding("packages", "ok", "no other distribution shares our package names")


def _disk(settings: Settings) -> Finding:
    free, levels = disk.free_on(settings.spool), disk.levels_of(settings)
    door = levels.judge(Door.OPEN, free)
    if door is Door.OPEN:
        words = disk.words(door, free, levels) + f"; below {settings.min_free_mib} we answer 0xA700"
        return Finding("disk", "ok" if free.covers(levels.ease) else "warn", words)
    state = "fail" if door is Door.SHUT else "warn"
    return Finding("disk", state, disk.words(door, free, levels))


def _ports(settings: Settings) -> Iterator[Finding]:
    for host in settings.hosts:
        if not settings.tls_only:
            yield _port("listener", settings, (host, settings.port), scu.ourselves)
        if settings.tls_port is not None:
            place = host, settings.tls_port
            yield _port("TLS listener", settings, place, scu.ourselves_by_tls)


def _port(
    what: str,
    settings: Settings,
    where: tuple[str, int],
    ours: Callable[[Settings, float], scu.Address],
) -> Finding:
    place = f"{settings.aet} at {place_of(*where)}"
    try:
        with open_socket(settings, *where):
            return Finding(what, "ok", f"{place} is free: nothing listens yet")
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return Finding(what, "fail", why_not(error, *where))
    try:
        scu.echo(_at(ours(settings, 5), where[0]))
    except ConfigError as error:
        return Finding(what, "fail", f"{place} is in use; {error}")
    except DeliveryError as error:
        words = (
            f"{place}: the port is taken by another program, or we do not answer: {error.detail}"
        )
        return Finding(what, "fail", words)
    return Finding(what, "ok", f"{place} answers")


def _at(address: scu.Address, host: str) -> scu.Address:
    """Return our address at one of the hosts that we bind to, not at the first."""
    return address if host in (ALL_IPV4, ALL_IPV6) else replace(address, host=host)


def _titles(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    """Tell of titles that nobody can call here: they are answered at one address alone."""
    for title in own_titles.answered(ledger):
        if title.host and not (listens_at(settings, title.host) and is_here(title.host)):
            words = f"answered at {title.host} alone, where this host does not listen"
            yield Finding(f"title {title.aet}", "warn", words)


def _broker(settings: Settings) -> Finding:
    if settings.broker_url == EMBEDDED:
        return Finding("broker", "ok", "embedded: needs no server, serves this host alone")
    problem = Doorbell(settings).problem()
    if problem:
        return Finding("broker", "fail", f"cannot be reached: {problem}")
    return Finding("broker", "ok", "answers")


def _models(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    for row in models.rows(settings, ledger):
        name = f"model {row['model']}"
        if row["problem"]:
            yield Finding(name, "fail", row["problem"])
        else:
            words = f"{row['version']}, stage {row['stage']}, trained on {row['trained_on']}"
            if row["runs_on"]:
                words += f"; runs on {row['runs_on']}"
            yield Finding(name, "ok", words)
        if row["refused"]:
            yield Finding(name, "warn", row["refused"])


def _peers(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    everyone = peers.everyone(ledger)
    if not any(peer.sends for peer in everyone):
        words = "none may send to us: osteoscreen peers add AET HOST PORT --sends"
        yield Finding("peers", "warn", words)
    for peer in everyone:
        # a modality often answers no C-ECHO: only who receives results must
        needed = peer.results != Wants.NONE
        if unheard := obstacle(settings, peer):
            yield Finding(f"peer {peer.aet}", "fail", unheard)
        try:
            scu.echo(scu.address_of(settings, peer, 5))
        except DeliveryError as error:
            yield Finding(f"peer {peer.aet}", "fail" if needed else "warn", error.detail)
        else:
            yield Finding(f"peer {peer.aet}", "ok", "answered our C-ECHO")
    if settings.earlier_from:
        yield _earlier(settings, peers.named(ledger, settings.earlier_from))
    if destination := destination_of(settings):
        yield _destination(settings, ledger, destination)


def _earlier(settings: Settings, peer: Peer | None) -> Finding:
    """Ask who is to know of earlier studies for one that nobody has."""
    what = "earlier studies"
    if peer is None:
        name = settings.earlier_from
        words = f"earlier_from: there is no peer {name}: osteoscreen peers add {name} HOST PORT"
        return Finding(what, "fail", words)
    try:
        find.ask(scu.address_of(settings, peer, 5), "STUDY", {"StudyInstanceUID": NOBODYS})
    except DeliveryError as error:
        return Finding(what, "fail", error.detail)
    return Finding(what, "ok", f"{peer.aet} answered our C-FIND")


def _destination(settings: Settings, ledger: Ledger, there: Destination) -> Finding:
    """Look at where earlier studies are sent; whether the peer knows it, only a C-MOVE can tell."""
    what, place = "earlier studies, C-MOVE", (there.host, there.port)
    if any(title.aet == there.aet for title in own_titles.answered(ledger)):
        words = "a title of the listener, which screens what it is sent: choose another"
        return Finding(what, "fail", f"{there.aet} is {words}")
    try:
        with open_socket(settings, *place):
            words = (
                f"{there.aet} at {place_of(*place)} is free; {settings.earlier_from} must know it"
            )
            return Finding(what, "ok", words)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        by_us = ", or a worker waits there now" if taken else ""
        return Finding(what, "warn" if taken else "fail", why_not(error, *place) + by_us)
