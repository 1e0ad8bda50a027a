"""Room on the disk: when to stop taking images, and when to begin again.

The levels lie apart, so that a disk at the brink does not open and shut the door with every image
(ours). What stays free below the lowest is for the ledger and the outbox: work that was begun goes
on while nothing new comes in.
"""

import errno
import os
import threading
import time
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from daemon.settings import Settings

FRESH_S = 0.15
"""How long a reading holds; what is written meanwhile is counted off it."""

OVERHEAD_BYTES = 8192
"""What a file takes besides its bytes: its last block, and its name."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Door(IntEnum):
    """What is let in."""

    OPEN = 0
    NO_NEW_SENDERS = 1
    SHUT = 2

    @property
    def reason(self) -> str:
        """Give the code that events carry."""
        return {Door.OPEN: "room", Door.NO_NEW_SENDERS: "nearly-full", Door.SHUT: "full"}[self]


@dataclass(frozen=True)
class Free:
    """What is free: bytes, and inodes where the file system counts them."""

    size_bytes: float
    inodes: float

    def covers(self, other: "Free") -> bool:
        """Whether neither is less than the other's."""
        return self.size_bytes >= other.size_bytes and self.inodes >= other.inodes


@dataclass(frozen=True)
class Levels:
    """Below ``least`` no image is written, below ``wary`` no sender let in; from ``ease`` both."""

    least: Free
    wary: Free
    ease: Free

    def judge(self, door: Door, free: Free) -> Door:
        """Return what is let in now, after what was let in before."""
        if free.covers(self.ease):
            return Door.OPEN
        if not free.covers(self.least):
            return Door.SHUT
        return door if free.covers(self.wary) else max(door, Door.NO_NEW_SENDERS)


class Room:
    """The room on the disk of one folder; asking costs next to nothing, from any thread.

    Other processes write to the same disk, and what is promised here may not be written yet when
    it is read again: the lowest level is far larger than either can be in the life of a reading.
    """

    def __init__(self, folder: Path, levels: Levels) -> None:
        self.levels = levels
        self._folder = folder
        self._lock = threading.Lock()
        self._door = Door.OPEN
        self._free = Free(0, 0)
        self._bytes_left = self._inodes_left = 0.0
        self._fresh_until = 0.0

    def takes(self, size_bytes: int, files: int = 1) -> bool:
        """Whether an image of that size may be written now; it is counted as written.

        An image whose size is not known yet asks with 0, then for each further piece with
        ``files=0``.
        """
        with self._lock:
            self._refresh()
            bytes_left, inodes_left = self._bytes_left - size_bytes, self._inodes_left - files
            if self._door is Door.SHUT or bytes_left < 0 or inodes_left < 0:
                return False
            self._bytes_left = bytes_left - OVERHEAD_BYTES * files
            self._inodes_left = inodes_left
            return True

    def door(self) -> Door:
        """Return what is let in now."""
        with self._lock:
            self._refresh()
            return self._door

    def is_easy(self) -> bool:
        """Whether there is so much that every process lets everybody in, whatever it saw before."""
        with self._lock:
            self._refresh()
            return self._free.covers(self.levels.ease)

    def ran_out(self) -> None:
        """Say that the disk refused a write: what was read of it no longer holds."""
        self._fresh_until = 0.0

    def words(self) -> str:
        """Say for the admin what is let in, and why."""
        door = self.door()
        return words(door, self._free, self.levels)

    def _refresh(self) -> None:
        moment = time.monotonic()
        if moment < self._fresh_until:
            return
        self._free = free_on(self._folder)
        self._bytes_left = self._free.size_bytes - self.levels.least.size_bytes
        self._inodes_left = self._free.inodes - self.levels.least.inodes
        self._door = self.levels.judge(self._door, self._free)
        self._fresh_until = moment + FRESH_S


class Reserve:
    """A few MiB of the ledger's disk, held to be given up when others fill it to the last byte.

    Purging writes to the ledger before it unlinks: without them, a full disk could not be helped.
    """

    SIZE_BYTES = 8 << 20

    def __init__(self, home: Path) -> None:
        self._file = home / "reserve"

    def hold(self) -> None:
        """Take it where there is plenty."""
        if self._file.exists() or free_on(self._file.parent).size_bytes < 4 * self.SIZE_BYTES:
            return
        try:
            with self._file.open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, self.SIZE_BYTES)
        except OSError:
            self.give_up()

    def give_up(self) -> None:
        """Let the ledger have it."""
        self._file.unlink(missing_ok=True)


def is_full(error: BaseException) -> bool:
    """Tell whether a file or the database could not be written because its disk is full."""
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    said = str(getattr(error, "orig", ""))
    # SQLite's words; PostgreSQL's code of disk_full
    return "disk is full" in said or "53100" in said


def room_of(settings: Settings) -> Room:
    """Return the room on the disk of the spool, with the site's levels."""
    return Room(settings.spool, levels_of(settings))


def levels_of(settings: Settings) -> Levels:
    """Return the site's levels; those that are not set are multiples of the lowest."""
    least, inodes = settings.min_free_mib, settings.min_free_inodes
    wary = settings.wary_free_mib or 2 * least
    ease = settings.resume_free_mib or max(3 * least, wary)
    return Levels(
        Free(least << 20, inodes), Free(wary << 20, 2 * inodes), Free(ease << 20, 3 * inodes)
    )


def free_on(folder: Path) -> Free:
    """Read what the disk has free for us where a folder is, or will be made."""
    try:
        read = os.statvfs(folder)
    except FileNotFoundError:
        return free_on(folder.parent)
    # 0 inodes in all: a file system that makes them as it goes
    inodes = read.f_favail if read.f_files else float("inf")
    return Free(read.f_bavail * read.f_frsize, inodes)


def words(door: Door, free: Free, levels: Levels) -> str:
    """Say in a sentence what is let in, and why."""
    ease = levels.ease
    has, again = f"{int(free.size_bytes) >> 20} MiB free", f"{int(ease.size_bytes) >> 20} MiB"
    # whichever is scarcer
    if free.inodes * ease.size_bytes < free.size_bytes * ease.inodes:
        has, again = f"{free.inodes:.0f} free inodes", f"{ease.inodes:.0f} free inodes"
    if door is Door.SHUT:
        return f"the disk of the spool is full: {has}, we take images again from {again}"
    if door is Door.NO_NEW_SENDERS:
        return f"the disk of the spool is nearly full: {has}, we let senders in again from {again}"
    return f"the disk of the spool has {has}"
