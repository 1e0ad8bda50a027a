"""Try again, each in a process of its own, what an earlier process did not live to end.

Nothing else is in that process, so whatever ends it is the doing of the one thing it had, and no
neighbour is ever blamed. This process watches it and holds nothing that could end itself.
"""

import logging
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from daemon import processes, upkeep
from daemon.jobs import Doorbell
from daemon.records import claims, deliveries
from daemon.records.ledger import Ledger
from daemon.settings import Settings

log = logging.getLogger(__name__)

LAST_WORDS_S = 5.0
"""Time for a hung process to write its stack down before it is ended by force."""

START_S = 120.0
"""Time to start, on a busy host: until its first step the case has no part in it."""

VMSTAT = Path("/proc/vmstat")


@dataclass(frozen=True)
class Ward:
    """What the watching process has at hand."""

    settings: Settings
    ledger: Ledger
    doorbell: Doorbell
    at_work: set[str | int] = field(default_factory=set)


def attempt(ward: Ward, part: str, what: str | int) -> None:
    """Screen one series, or send one object, in a process of its own; write down how it ended."""
    # a second ring for what a process here is starting on would start one in vain
    if what in ward.at_work or not _is_wanted(ward.ledger, what):
        return
    settings = ward.settings
    command = [sys.executable, "-m", "workers", part, "--home", str(settings.home)]
    ward.at_work.add(what)
    try:
        child, why = _watched([*command, "--only", str(what)], settings.stall_s)
    finally:
        ward.at_work.discard(what)
    if why is None:
        return
    log.error("event=ended-alone part=%s what=%s why=%r", part, what, why)

    def ended(owner: str) -> str | None:
        return why if owner.startswith(f"{child}:") else None

    upkeep.free(settings, ward.ledger, ward.doorbell, ended)


def _is_wanted(ledger: Ledger, what: str | int) -> bool:
    if isinstance(what, str):
        return claims.waits_alone(ledger, what)
    return deliveries.waits_alone(ledger, what)


def _watched(command: list[str], stall_s: float) -> tuple[str, str | None]:
    """Run a process; return its name, and in words how it ended if not well.

    It writes its steps to a pipe. As long as some come it lives, however long it takes.
    """
    reading, writing = os.pipe()
    killed_before = _killed_for_memory()
    links = ["--steps", str(writing), "--parent", str(os.getpid())]
    process = subprocess.Popen([*command, *links], pass_fds=(writing,))
    os.close(writing)
    name, stage, stalled = processes.name_of(process.pid), "", False
    with os.fdopen(reading, "rb", buffering=0) as steps:
        while not stalled:
            patience_s = stall_s if stage else max(stall_s, START_S)
            stalled = not select.select([steps], [], [], patience_s)[0]
            said = b"" if stalled else steps.read(4096)
            if not said:
                break
            stage = said.split()[-1].decode()
    if stalled:
        # the handler that faulthandler has set writes the stack, and needs no Python for it
        process.send_signal(signal.SIGABRT)
    status, used_kib = _end_of(process, LAST_WORDS_S)
    place = f" in stage {stage}" if stage else ""
    if stalled:
        return name, f"made no progress for {patience_s:g} s{place}"
    for_memory = _killed_for_memory() > killed_before
    why = _in_words(os.waitstatus_to_exitcode(status), used_kib, for_memory)
    return name, f"{why}{place}" if why else None


def _end_of(process: subprocess.Popen[bytes], patience_s: float) -> tuple[int, int]:
    """Wait for the end of a process, by force if need be; return its status and largest memory."""
    forced_at = time.monotonic() + patience_s
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return status, usage.ru_maxrss
        if time.monotonic() >= forced_at:
            process.kill()
        time.sleep(0.05)


def _in_words(code: int, used_kib: int, for_memory: bool) -> str | None:
    if code == 0:
        return None
    if code > 0:
        return f"its process ended with exit code {code}"
    if -code == signal.SIGKILL and for_memory:
        return f"ran out of memory: the system ended it when it had {used_kib / 2**20:.1f} GiB"
    named = signal.strsignal(-code) or "unknown"
    return f"killed by signal {-code} ({named.lower()})"


def _killed_for_memory() -> int:
    """Return how many processes the kernel has ended for want of memory since its start."""
    try:
        lines = dict(line.split() for line in VMSTAT.read_text().splitlines())
        return int(lines.get("oom_kill", 0))
    except OSError:
        return 0
