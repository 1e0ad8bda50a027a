"""Which process holds a lease, so that another one of the same host can tell when it is gone."""

import functools
import socket
from pathlib import Path

PROC = Path("/proc")


def name_of(pid: int) -> str:
    """Name a process so that no other ever has the same name: host, boot, process and its start.

    Containers may share a host's name and a boot; their process numbers then count in namespaces
    of their own, so the namespace is part of it.
    """
    return f"{socket.gethostname()}:{_machine()}:{pid}:{_started(pid) or ''}"


def is_gone(owner: str) -> bool:
    """Tell whether the process that a lease belongs to is certainly gone; False where in doubt."""
    try:
        _, machine, pid, started = owner.split(":")[:4]
    except ValueError:
        return False
    if not machine or machine != _machine() or not started:
        return False
    return _started(int(pid)) != started


def is_here(owner: str) -> bool:
    """Tell whether a process belongs to this boot of this host, and is counted as we are."""
    return bool(_machine()) and f":{_machine()}:" in owner


@functools.cache
def _machine() -> str:
    """Name this boot of this host and the namespace its processes are counted in."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}-{(PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        # not Linux: nobody can tell, and a lease ends when it is seen to stand still
        return ""


def _started(pid: int) -> str | None:
    """Return when a process began, in ticks since the boot; None if it has ended."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # proc(5): the name in brackets may hold anything, then state (field 3) ... starttime (22)
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]
