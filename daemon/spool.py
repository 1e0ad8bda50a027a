"""Received objects, byte for byte; a file is in the spool only when a power cut would leave it."""

import contextlib
import itertools
import os
import re
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from daemon.disk import NO_ROOM, Room
from daemon.errors import SpoolFull

THIS_PROCESS = os.urandom(4).hex()
_numbers = itertools.count()
MANY = 8
"""An association of fewer images says nothing of its series: some modalities take one for each, or
for each batch that is reconstructed (ours)."""
PLAIN_UID = re.compile(r"[0-9.]{1,64}")
NAMELESS = tuple("." * dots for dots in range(1, 65))
"""UIDs that would be no names of files: these have their hashes for one."""


class Spool:
    """The folder of received files.

    ``partial``
        What is being received; nobody has been told that it is safe.
    ``incoming``
        What a sender has been told is safe, and the index has not seen yet.
    ``kept``
        What the index knows, one folder a series.
    ``aside``
        What cannot be indexed: no DICOM header, or other bytes under a known UID.
    ``released``
        An empty file for each association of many images that its sender has released, until the
        intake has read it: a hint, that need not survive anything.
    """

    def __init__(self, folder: Path, room: Room | None = None) -> None:
        self.partial = folder / "partial"
        self.incoming = folder / "incoming"
        self.kept = folder / "kept"
        self.aside = folder / "aside"
        self.released = folder / "released"
        self.room = room
        self.growing, self.safe = str(self.partial), str(self.incoming)

    def prepare(self) -> None:
        """Make the folders; on return their own names are on the disk, too."""
        for folder in (self.partial, self.incoming, self.kept, self.aside, self.released):
            folder.mkdir(parents=True, exist_ok=True)
        for parent in self.incoming.parents[:2]:
            sync_folder(parent)

    def drop_partial(self) -> None:
        """Drop what a dead listener left half written; only while none is at work."""
        for partial in self.partial.glob("*.part"):
            partial.unlink()

    def put(self, head: bytes, data: bytes) -> Path:
        """Write one Part 10 file; on return the file and its name are on the disk.

        Parameters
        ----------
        head : bytes
            Preamble, prefix and file meta information.
        data : bytes
            The dataset exactly as received.

        Raises
        ------
        SpoolFull
            If less than the wanted room would stay free.
        OSError
            If the disk refuses; no partial file is left under a final name.
        """
        incoming = self.receive()
        try:
            incoming.write([head, data])
            incoming.keep()
        except (OSError, SpoolFull):
            incoming.drop()
            raise
        return incoming.place

    def receive(self, association: str = "") -> "Incoming":
        """Begin a file that is written as it comes.

        Parameters
        ----------
        association : str
            Which one it comes over, empty where nobody asks; letters and digits.

        Raises
        ------
        SpoolFull
            If less than the wanted room is free.
        OSError
            If the disk refuses.
        """
        if self.room and not self.room.takes(0):
            raise SpoolFull
        return Incoming(self, association)

    def note_release(self, association: str, images: int) -> None:
        """Leave word that the sender of many images has ended its association in good order."""
        if images < MANY:
            return
        with contextlib.suppress(OSError):
            (self.released / association).touch()

    def releases(self) -> list[str]:
        """Take the words that were left: the associations."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            found = os.listdir(self.released)
        for association in found:
            (self.released / association).unlink(missing_ok=True)
        return found

    @cached_property
    def names(self) -> "Names":
        """Who makes names in the folder of what is safe durable."""
        return Names(self.incoming)

    def arrived(self) -> list[Path]:
        """Return the files waiting for the index, oldest first: one look at the whole folder."""
        names = [entry.name for entry in os.scandir(self.incoming)]
        return [self.incoming / name for name in sorted(names) if name.endswith(".dcm")]

    def received_until(self, moment: datetime) -> bool:
        """Tell whether anything received by then waits for the index still."""
        with os.scandir(self.incoming) as entries:
            return any(
                entry.name.endswith(".dcm") and _was_there(entry, moment) for entry in entries
            )

    def oldest(self) -> dict[str, dict[str, object]]:
        """Tell how long the oldest file that is not indexed yet has waited; nothing if none is."""
        ages_s = []
        for entry in os.scandir(self.incoming) if self.incoming.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):
                if entry.name.endswith(".dcm"):
                    ages_s.append(max(0.0, time.time() - entry.stat().st_mtime))
        if not ages_s:
            return {}
        why = "waits for the intake to index it"
        return {"incoming": {"files": len(ages_s), "waits_s": round(max(ages_s), 1), "why": why}}

    def place(self, series_uid: str, sop_instance_uid: str) -> Path:
        """Return where an indexed object lies; UIDs from outside never name a path as they are."""
        return self.kept / _safe(series_uid) / f"{_safe(sop_instance_uid)}.dcm"

    @staticmethod
    def uids_of(file: Path) -> tuple[str, ...]:
        """Return the SOP Instance UIDs of which one has given a kept file its name."""
        return (file.stem,) if PLAIN_UID.fullmatch(file.stem) else NAMELESS

    def keep(self, indexed: Iterable[tuple[Path, Path]]) -> None:
        """Move indexed files to their places; where a copy lies already, the file is spare."""
        moves = {}
        for file, place in indexed:
            if place in moves or place.exists():
                file.unlink()
            else:
                moves[place] = file
        _move((file, place) for place, file in moves.items())

    def set_aside(self, files: Iterable[Path]) -> None:
        """Keep files that cannot be indexed, under their own names."""
        _move((file, self.aside / file.name) for file in files)

    def readmit(self, files: Iterable[Path]) -> None:
        """Have the index look at files anew, as if they had come when they were written."""
        _move((file, self.incoming / f"{_new_name(file.stat().st_mtime_ns)}.dcm") for file in files)

    def forget(self, images: Sequence[tuple[str, str]]) -> None:
        """Unlink indexed files, given by series and SOP Instance UID; durably."""
        folders = set()
        for series_uid, sop_instance_uid in images:
            place = self.place(series_uid, sop_instance_uid)
            place.unlink(missing_ok=True)
            folders.add(place.parent)
        for folder in folders:
            _drop_folder(folder)
        sync_folder(self.kept)

    def series(self, series_uid: str) -> list[Path]:
        """Return the files of one series."""
        return sorted((self.kept / _safe(series_uid)).glob("*.dcm"))


class Incoming:
    """One file on its way in: write it as it comes, then keep it or drop it.

    It grows in a folder of its own: making a file there leaves the folder that is synced alone.
    """

    def __init__(self, spool: Spool, association: str = "") -> None:
        name = _new_name(time.time_ns(), association)
        self._partial, self._final = f"{spool.growing}/{name}.part", f"{spool.safe}/{name}.dcm"
        self._names, self._room = spool.names, spool.room
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.open(self._partial, flags, 0o640)

    @property
    def place(self) -> Path:
        """Where it lies once it is kept."""
        return Path(self._final)

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Append pieces.

        Raises
        ------
        SpoolFull
            If less than the wanted room would stay free.
        OSError
            If the disk refuses.
        """
        wanted = sum(map(len, pieces))
        if self._room and not self._room.takes(wanted, files=0):
            raise SpoolFull
        try:
            written = os.writev(self._file, pieces)
            if written < wanted:
                # a disk about to be full takes a part, and says no at the next write
                rest = memoryview(b"".join(pieces))[written:]
                while rest:
                    rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            if self._room and error.errno in NO_ROOM:
                self._room.ran_out()
            raise

    def keep(self) -> None:
        """Give the file its name; on return both are on the disk."""
        os.fdatasync(self._file)
        self._close()
        os.rename(self._partial, self._final)
        self._names.sync()

    def drop(self) -> None:
        """Leave nothing behind, or what the next start of the listener drops."""
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            os.unlink(self._partial)

    def _close(self) -> None:
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)


class Names:
    """The names in one folder: one sync makes all durable that were there before it began."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._turn = threading.Lock()
        self._tickets = itertools.count()
        self._synced_until = -1

    def sync(self) -> None:
        """Return once every name that the caller has given is on the disk."""
        ticket = next(self._tickets)
        with self._turn:
            if ticket > self._synced_until:
                until = next(self._tickets)
                os.fsync(self._folder)
                self._synced_until = until


def _new_name(moment_ns: int, association: str = "") -> str:
    # the moment comes first, so that names sort by arrival
    name = f"{moment_ns:016x}{THIS_PROCESS}{next(_numbers):08x}"
    return f"{name}-{association}" if association else name


def new_association() -> str:
    """Return a name for an association that no other has, whichever listener it calls."""
    return f"{THIS_PROCESS}{next(_numbers):x}"


def association_of(file: Path) -> str:
    """Return the association that a received file came over, empty where its name says none."""
    return file.stem.partition("-")[2]


def _drop_folder(folder: Path) -> None:
    """Remove an empty folder; one that still holds files only gets its names synced."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return
    except OSError:
        sync_folder(folder)


def _move(moves: Iterable[tuple[Path, Path]]) -> None:
    """Move files, and make the names durable once for each folder.

    A name is either the old or the new one, whenever the power goes; the index moves it then.
    """
    touched = set()
    for file, place in moves:
        folder = place.parent
        if folder not in touched:
            touched.add(folder)
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                touched.add(folder.parent)
        os.rename(file, place)
    for folder in touched:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Write a file under its name, whole or not at all, and make it durable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _was_there(entry: os.DirEntry[str], moment: datetime) -> bool:
    try:
        written_at = entry.stat().st_mtime
        # in the time to come: the clock has been set back since
        return written_at <= moment.timestamp() or written_at > time.time()
    except FileNotFoundError:
        # just taken by the intake: it did wait
        return True


def _safe(uid: str) -> str:
    if PLAIN_UID.fullmatch(uid) and uid.strip("."):
        return uid
    return sha256(uid.encode()).hexdigest()
