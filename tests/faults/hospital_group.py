"""A site on nine hosts: two listeners behind HAProxy, two workers, PACS, ledger, broker."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import waiting_film
from balancer import HAProxy
from namespaces import Host, Network
from ours import ENDED, Osteoscreen
from peers import (
    DcmtkStorescp,
    PostgresServer,
    Process,
    RedisServer,
    answers,
    free_port,
    storescu,
    wait_for,
)
from pki import Authority
from sqlalchemy import select

from daemon.records import peers, summary
from daemon.records.tables import ResultObject, Series, Stage
from daemon.spool import Spool

LISTENERS, WORKERS = ("listener-1", "listener-2"), ("worker-1", "worker-2")
SERVERS = ("balancer", "pacs", "ledger", "broker")
TOKEN = "0123456789abcdef0123456789abcdef"
BARE = Path(__file__).with_name("bare_parts.py")
PARTS = {
    "listener-1": ("listener", "intake"),
    # what it holds is read over WADO-RS, what the others hold where it is mounted
    "listener-2": ("listener", "intake", "files"),
    "worker-1": ("screen", "alone"),
    "worker-2": ("screen", "alone", "deliver"),
}
HURRIED: dict[str, object] = {
    "lease_s": 2,
    "sweep_s": 2,
    "delivery_backoff_s": 0.5,
    "network_timeout_s": 3,
    "radiograph_settle_s": 1,
    "volume_settle_s": 2,
    "listener_processes": 1,
    "worker_threads": 1,
    "delivery_attempts": 1000,
    # a machine that stands still for two seconds is no reason to give a case up
    "max_attempts": 50,
}


class System(Osteoscreen):
    """Parts of ours on a host of their own."""

    # what it says politely at its end is in other tests
    stop_signal = signal.SIGKILL
    # all of them start at once

    def __init__(self, folder: Path, host: Host, parts: Sequence[str], **settings: object) -> None:
        self.hold, self.parts = folder / "hold", parts
        place = {"host": host.address, "files_host": host.address}
        super().__init__(folder, host_name=host.name, **place, **settings)
        self.host, self.through, self.name = host.address, host.through, host.name
        self.files_port = free_port() if "files" in parts else 0
        self.environment["OSTEOSCREEN_FILES_PORT"] = str(self.files_port)

    def __enter__(self) -> Self:
        return Process.__enter__(self)

    def command(self) -> list[str]:
        return [
            sys.executable,
            "-IS",
            str(BARE),
            str(self.home),
            self.host,
            str(self.port),
            *self.parts,
        ]

    def is_ready(self) -> bool:
        if self.files_port and not answers(self.files_port, self.host):
            return False
        return "event=worker-ready" in self.logs() or answers(self.port, self.host)

    def has(self, pid: int) -> bool:
        """Say whether a process belongs to this host."""
        while pid > 1:
            if self.process is not None and pid == self.process.pid:
                return True
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return False


@dataclass
class Group:
    """All of it at work."""

    network: Network
    balancer: HAProxy
    pacs: DcmtkStorescp
    systems: dict[str, System]

    @property
    def any(self) -> System:
        return self.systems["listener-1"]

    def send(self, *files: Path) -> None:
        """Send files over one association, which must succeed."""
        rc, said = self.offer(*files)
        assert rc == 0, said

    def offer(self, *files: Path) -> tuple[int, str]:
        return storescu(self.balancer.port, files, "OSTEOSCREEN", host=self.balancer.host)

    def series(self, study_uid: str) -> dict[str, Any]:
        """Return the story of a study's one series."""
        story = self.any.show(study_uid)
        [series] = story["series"] if story else [{"state": "unknown"}]
        return dict(series)

    def received(self, study_uid: str) -> list[dict[str, Any]]:
        return list(self.series(study_uid).get("received", ()))

    def ended(self, study_uid: str) -> dict[str, Any]:
        return self._told(self.any.ended, study_uid)

    def delivered(self, study_uid: str) -> dict[str, Any]:
        return self._told(self.any.delivered, study_uid)

    def _told(self, wait: Callable[[str], dict[str, Any]], study_uid: str) -> dict[str, Any]:
        """Wait; where it is in vain, say what every host said."""
        try:
            return wait(study_uid)
        except AssertionError as error:
            said = [f"{name}:\n{one.logs()[-3000:]}" for name, one in self.systems.items()]
            raise AssertionError("\n".join([str(error), *said])) from None

    def owner(self, study_uid: str) -> System | None:
        """Return on which host a study is being screened."""
        with self.any.ledger.read() as session:
            which = select(Series.lease_owner).where(Series.StudyInstanceUID == study_uid)
            lease = session.scalar(which)
        if not lease:
            return None
        pid = int(str(lease).split(":")[2])
        return next(one for one in self.systems.values() if one.has(pid))

    def sound(self) -> None:
        """Wait until nothing moves; then every host's audit adds up, and nothing came twice."""
        wait_for("everything to come to rest", self._at_rest)
        for system in self.systems.values():
            audited = json.loads(system.cli("audit", "--json"))
            assert audited["problems"] == [], (system.name, audited["problems"])
        made = self._made()
        assert {file.stem.partition(".")[2] for file in self.pacs.files()} == made

    def _at_rest(self) -> bool:
        told = summary.status(self.any.ledger)
        by_state, sent = told["series"]["by_state"], told["deliveries"]
        ended = sum(count for state, count in by_state.items() if state in ENDED)
        moving = sent["pending"] + sent["sending"]
        waiting = [list((one.home / "spool/incoming").glob("*.dcm")) for one in self.listeners]
        return not moving and ended == told["series"]["total"] and not any(waiting)

    @property
    def listeners(self) -> list[System]:
        return [self.systems[name] for name in LISTENERS]

    def _made(self) -> set[str]:
        with self.any.ledger.read() as session:
            return set(session.scalars(select(ResultObject.SOPInstanceUID)))


@contextlib.contextmanager
def at_work(folder: Path):
    """Start all hosts."""
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network())
        hosts = {name: network.host(name) for name in (*LISTENERS, *WORKERS, *SERVERS)}
        ledger = _placed(PostgresServer(), hosts["ledger"])
        ledger.through = hosts["ledger"].through_as("postgres")
        stack.enter_context(ledger)
        broker = stack.enter_context(_placed(RedisServer(folder / "broker"), hosts["broker"]))
        pacs = stack.enter_context(_placed(DcmtkStorescp(folder / "pacs", "PACS"), hosts["pacs"]))
        shared = {
            "database_url": ledger.new_database(),
            "broker_url": broker.url,
            "proxy_from": hosts["balancer"].address,
        }
        systems = _systems(folder, hosts, shared | _secured(folder, hosts))
        _introduce(network, pacs, systems)
        with ThreadPoolExecutor(len(systems)) as threads:
            for system in threads.map(System.__enter__, systems.values()):
                stack.push(system)
        places = [f"{systems[name].host}:{systems[name].port}" for name in LISTENERS]
        balancer = _placed(HAProxy(folder / "balancer", places), hosts["balancer"])
        balancer.source = balancer.host
        yield Group(network, stack.enter_context(balancer), pacs, systems)


def _placed(process, host: Host):
    process.host, process.through = host.address, host.through
    return process


def _secured(folder: Path, hosts: dict[str, Host]) -> dict[str, object]:
    names = ",".join(f"IP:{host.address}" for host in hosts.values())
    authority = Authority(folder, "group")
    ours = authority.issue("ours", names=names)
    shown = {"tls_certificate": ours.certificate, "tls_key": ours.key, "tls_ca": authority.anchor}
    return {**shown, "files_token": TOKEN}


def _systems(folder: Path, hosts: dict[str, Host], shared: dict[str, object]) -> dict[str, System]:
    systems = {
        name: System(folder / name, hosts[name], parts, **HURRIED, **shared)
        for name, parts in PARTS.items()
    }
    places = {
        one.name: f"https://{one.host}:{one.files_port}" if one.files_port else str(one.home)
        for one in systems.values()
    }
    model = waiting_film.environment(folder / "model")
    key = os.urandom(32)
    for system in systems.values():
        others = {name: place for name, place in places.items() if name != system.name}
        system.environment |= model | {"OSTEOSCREEN_HOLDERS": json.dumps(others)}
        system.environment["HOLD"] = str(system.hold)
        Spool(system.home / "spool").prepare()
        (system.home / "outbox").mkdir()
        (system.home / "search.key").write_bytes(key)
    return systems


def _introduce(network: Network, pacs: DcmtkStorescp, systems: dict[str, System]) -> None:
    """Name the peers: the modality is heard from the test's own address alone, through HAProxy."""
    system = systems["listener-1"]
    system.cli("migrate")
    modality = [
        "MODALITY",
        network.address,
        "11119",
        "--sends",
        "--results",
        "none",
        "--only-from-host",
    ]
    system.cli("peers", "add", *modality)
    place = [pacs.aet, pacs.host, str(pacs.port), "--no-sends"]
    system.cli("peers", "add", *place, "--results", "all", "--role", "research")
    peers.set_stage(system.ledger, waiting_film.NAME, Stage.RESEARCH)
