"""A whole site under fault: kept up as systemd would keep it up, and proved sound afterwards."""

import contextlib
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from faults.traffic import Accounts
from line import MODEL, OTHER_MODEL, Line
from ours import ENDED, Osteoscreen, deliveries
from peers import LOOPBACK, Orthanc, Process, free_port, wait_for

from daemon.header import dataset_sha256
from daemon.records import summary

PARTS: Mapping[str, str] = {
    "listener": "daemon.part listener",
    "intake": "daemon.part intake",
    "screen worker": "workers screen",
    "deliver worker": "workers deliver",
    "lone worker": "workers alone",
    "web": "daemon.web",
}
SUPERVISOR, TREE = "supervisor", "whole tree"


class KeptUp(Osteoscreen):
    """`osteoscreen serve`, started again whenever it is gone: ``Restart=always``."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._leave = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def _watch(self) -> None:
        while not self._leave.wait(0.1):
            if self._supervisor() is None:
                # the port may still be held by a listener that is about to leave: tried again
                with contextlib.suppress(AssertionError):
                    Process.__enter__(self)

    def stop(self) -> None:
        """End it for good."""
        if hasattr(self, "_watcher") and threading.current_thread() is not self._watcher:
            self._leave.set()
            self._watcher.join()
        Process.stop(self)

    def restart(self) -> None:
        """End it politely and wait until it is up again; forgotten is who died how often."""
        before = wait_for("the supervisor", self._supervisor)
        os.kill(before, signal.SIGTERM)
        wait_for("the restart", lambda: self._supervisor() not in (None, before))
        wait_for("the listener", self.is_ready)

    def pids(self, part: str) -> list[int]:
        """Return the processes of one part, or of all with an empty name."""
        return pids(f"{PARTS[part]} --home {self.home}" if part else f"--home {self.home}")

    def kill(self, kind: str, chance: random.Random) -> None:
        """Kill one process of a kind, or the supervisor, or all; a dead one is waited for first."""
        supervisor = wait_for("the supervisor", self._supervisor)
        if kind in PARTS:
            victims = wait_for(f"a {kind} to kill", lambda: self.pids(kind))
            victims = [chance.choice(victims)]
        else:
            victims = [supervisor, *(self.pids("") if kind == TREE else ())]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _supervisor(self) -> int | None:
        process = self.process
        return process.pid if process is not None and process.poll() is None else None


def pids(words: str) -> list[int]:
    """Return the processes whose command line holds these words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            if words.encode() in command:
                found.append(int(folder.name))
    return found


@contextlib.contextmanager
def kept_up_line(folder: Path, pacs: Orthanc, **settings: object) -> Iterator[Line]:
    """Start a site that recovers while we watch: short sweeps and quiet times.

    The lease is long enough for a machine that does ten things at once: that a process of this host
    is gone is seen without waiting for it.

    A film on which a worker died is tried again here however often that was: the test kills more
    often than any real fault.
    """
    modality = ["MODALITY", LOOPBACK, "11119", "--sends", "--results", "none"]
    place = [pacs.aet, LOOPBACK, str(pacs.port)]
    archive = [*place, "--no-sends", "--results", "all", "--role", "research"]
    hurried: dict[str, object] = {"lease_s": 30, "sweep_s": 1, "delivery_backoff_s": 0.2}
    patient: dict[str, object] = {"max_attempts": 1000, "delivery_attempts": 1000}
    quiet: dict[str, object] = {"volume_settle_s": 1, "radiograph_settle_s": 0.3}
    settings = {"web_port": free_port()} | hurried | patient | quiet | settings
    with KeptUp(folder, [modality, archive], **settings) as system:
        system.cli("models", "stage", MODEL, "research")
        system.cli("models", "stage", OTHER_MODEL, "off")
        yield Line(system, pacs)


@dataclass
class Proof:
    """What was found after the dust has settled; every list must be empty."""

    lost: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    audit: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return self == Proof()


def prove(line: Line, accounts: Accounts) -> Proof:
    """Wait until nothing moves, then hold what was acknowledged against spool, ledger and PACS."""
    proof = Proof()
    wait_for("everything to come to rest", lambda: _at_rest(line))
    _look_at_the_spool(line.system, accounts, proof)
    _look_at_the_results(line, accounts, proof)
    proof.audit = line.system.audit()
    return proof


def _at_rest(line: Line) -> bool:
    # the spool first: what is in neither of the two is indexed in between
    waiting = list((line.system.home / "spool" / "incoming").rglob("*.dcm"))
    told = summary.status(line.system.ledger)
    series = sum(count for state, count in told["series"]["by_state"].items() if state in ENDED)
    moving = told["deliveries"]["pending"] + told["deliveries"]["sending"]
    return series == told["series"]["total"] and not moving and not waiting


def _look_at_the_spool(system: Osteoscreen, accounts: Accounts, proof: Proof) -> None:
    places: dict[str, list[Path]] = {}
    for path in (system.home / "spool").rglob("*.dcm"):
        places.setdefault(path.stem, []).append(path)
    for uid in accounts.acknowledged:
        found = places.get(uid, [])
        if not found:
            proof.lost.append(f"{uid} was acknowledged and is gone")
        for path in found:
            if dataset_sha256(path)[0] != accounts.sent[uid]:
                proof.altered.append(f"{path.name} is not what was sent")
        if len(found) > 1:
            proof.doubled.append(f"{uid} lies in {len(found)} places")
    proof.altered += [path.name for path in (system.home / "spool" / "aside").iterdir()]


def _look_at_the_results(line: Line, accounts: Accounts, proof: Proof) -> None:
    in_the_pacs = Counter(
        (tags["StudyInstanceUID"], tags["SOPInstanceUID"])
        for tags in map(line.pacs.tags, line.pacs.instances())
    )
    for study in accounts.films:
        [series] = (line.system.show(study) or {"series": [{"state": "unknown"}]})["series"]
        if series["state"] != "screened":
            proof.unfinished.append(f"{study}: {series['state']}, {series.get('reason')}")
            continue
        current = [result for result in series["results"] if result["current"]]
        made = {(study, one["SOPInstanceUID"]) for result in current for one in result["objects"]}
        stored = {key for key in in_the_pacs if key[0] == study}
        if len(current) != 1 or len(series["results"]) != 1 or len(made) != 2:
            proof.doubled.append(f"{study}: {len(series['results'])} results, {len(made)} objects")
        if stored != made:
            proof.unfinished.append(f"{study}: {len(stored)} of {len(made)} objects in the PACS")
        states = {delivery["state"] for _, delivery in deliveries(series)}
        if states != {"sent"}:
            proof.unfinished.append(f"{study}: deliveries {sorted(states)}")
    proof.doubled += [str(key) for key, count in in_the_pacs.items() if count > 1]
