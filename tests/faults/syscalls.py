"""What a power cut would have left: a log of system calls, read file by file.

The log is written by `strace -f -yy -xx`: each descriptor with its path, each string in hexadecimal
digits. A call that another thread interrupts stands on two lines; where it begins and where it ends
both matter. Data counts as on the disk when an fsync or fdatasync began after the last write had
ended; a name counts when an fsync of its folder began after the name was made.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

TRACED = (
    "open,openat,creat,write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,"
    "rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat"
)
STRING_BYTES = 2048
"""Enough of each write to see an answer whole, or the UID in the head of a file."""

CALL = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)")
RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)")
UNFINISHED = "<unfinished ...>"
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
DESCRIPTOR = re.compile(r"(?:\d+|AT_FDCWD)<(?P<what>(?:[^<>]|->)*)>")

# PS3.7 9.3.1 and E.1: elements of the response's command set
COMMAND_FIELD, STATUS, SOP_INSTANCE = 0x0100, 0x0900, 0x1000
C_STORE_RSP, SUCCESS = b"\x01\x80", b"\x00\x00"
FIRST_ELEMENT = 12
"""Past the heads of PDU and fragment (PS3.8 9.3.5)."""


@dataclass(frozen=True)
class Call:
    """One system call; ``began`` and ``ended`` are lines of the log."""

    name: str
    arguments: str
    began: int
    ended: int

    @property
    def strings(self) -> list[bytes]:
        """The strings among the arguments, buffers and paths alike."""
        return [bytes.fromhex(text.replace("\\x", "")) for text in STRING.findall(self.arguments)]

    @property
    def paths(self) -> list[str]:
        """The paths among the arguments, relative ones resolved as far as they are told."""
        return [text.decode(errors="replace") for text in self.strings]

    @property
    def descriptor(self) -> str:
        """What the first descriptor stands for: a path, or TCP:[...]."""
        found = DESCRIPTOR.search(self.arguments)
        return _plain(found["what"]) if found else ""

    @property
    def opened(self) -> str:
        """The path of the descriptor that an open returned, empty if it failed."""
        found = re.search(r"\) += \d+<([^>]*)>$", self.arguments)
        return _plain(found[1]) if found else ""

    @property
    def succeeded(self) -> bool:
        return re.search(r"\) += -1 ", self.arguments) is None


@dataclass
class File:
    """One file under all the names it ever had."""

    head: bytes = b""
    writes: list[Call] = field(default_factory=list)
    syncs: list[Call] = field(default_factory=list)
    named: list[tuple[str, Call]] = field(default_factory=list)
    removed: int | None = None


@dataclass(frozen=True)
class Response:
    """A C-STORE response of success, and the line on which it began to leave."""

    sop_instance_uid: str
    began: int


def read_calls(log: Iterable[str]) -> list[Call]:
    """Return the finished calls of a log."""
    calls, open_calls = [], {}
    for number, line in enumerate(log):
        if resumed := RESUMED.match(line):
            name, arguments, began = open_calls.pop(resumed["pid"])
            calls.append(Call(name, arguments + resumed["rest"], began, number))
        elif called := CALL.match(line):
            rest = called["rest"].rstrip()
            if rest.endswith(UNFINISHED):
                text = rest.removesuffix(UNFINISHED)
                open_calls[called["pid"]] = (called["name"], text, number)
            else:
                calls.append(Call(called["name"], rest, number, number))
    return calls


class Disk:
    """Files, folders and answers, as system calls tell them."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self.files: list[File] = []
        self.responses: list[Response] = []
        self._named: dict[str, File] = {}
        self._folder_syncs: dict[str, list[Call]] = {}
        self._folders_made: dict[str, Call] = {}
        for call in sorted(calls, key=lambda call: call.began):
            if call.succeeded:
                self._take(call)

    def violations(self) -> list[str]:
        """Say of each success that left too early what was not on the disk."""
        found = []
        for response in self.responses:
            why = self._why_not_safe(response)
            if why:
                found.append(f"line {response.began + 1}: {response.sop_instance_uid}: {why}")
        return found

    def _why_not_safe(self, response: Response) -> str:
        uid = response.sop_instance_uid.encode()
        reasons = [self._why_volatile(file, response.began) for file in self._holding(uid)]
        if not reasons:
            return "no file was written that holds it"
        return "" if "" in reasons else "; ".join(reasons)

    def _holding(self, uid: bytes) -> Iterator[File]:
        whole = re.compile(re.escape(uid) + rb"(?![0-9.])")
        return (file for file in self.files if whole.search(file.head))

    def _why_volatile(self, file: File, moment: int) -> str:
        """Say why a file would not outlive a power cut at this moment; nothing if it would."""
        if file.removed is not None and file.removed < moment:
            return "its file was removed"
        written = max((call.ended for call in file.writes if call.began < moment), default=0)
        if not _covered(file.syncs, written, moment):
            return "its data was not synced after the last write"
        names = [(name, call) for name, call in file.named if name.endswith(".dcm")]
        if not any(self._name_is_safe(name, call, moment) for name, call in names):
            return "its name was not synced in its folder"
        return ""

    def _name_is_safe(self, name: str, made: Call, moment: int) -> bool:
        folder = str(PurePosixPath(name).parent)
        if not _covered(self._folder_syncs.get(folder, ()), made.ended, moment):
            return False
        folder_made = self._folders_made.get(folder)
        return folder_made is None or self._name_is_safe(folder, folder_made, moment)

    def _take(self, call: Call) -> None:
        match call.name:
            case "open" | "openat" | "creat":
                self._opened(call)
            case "write" | "writev" | "pwrite64" | "pwritev" | "sendto" | "sendmsg":
                self._written(call)
            case "fsync" | "fdatasync":
                self._synced(call)
            case "rename" | "renameat" | "renameat2" | "link" | "linkat":
                self._renamed(call)
            case "unlink" | "unlinkat":
                self._removed(call)
            case "mkdir" | "mkdirat":
                self._folders_made[call.paths[0]] = call

    def _opened(self, call: Call) -> None:
        path = call.opened
        if "O_CREAT" in call.arguments and path not in self._named:
            file = File(named=[(path, call)])
            self.files.append(file)
            self._named[path] = file

    def _written(self, call: Call) -> None:
        if call.descriptor.startswith(("TCP:", "TCPv6:")):
            self.responses += successes(b"".join(call.strings), call.began)
        elif file := self._named.get(call.descriptor):
            file.writes.append(call)
            if len(file.head) < STRING_BYTES:
                file.head += b"".join(call.strings)

    def _synced(self, call: Call) -> None:
        if file := self._named.get(call.descriptor):
            file.syncs.append(call)
        else:
            self._folder_syncs.setdefault(call.descriptor, []).append(call)

    def _renamed(self, call: Call) -> None:
        old, new = call.paths[:2]
        if file := self._named.get(old):
            file.named.append((new, call))
            self._named[new] = file
            if call.name.startswith("rename"):
                del self._named[old]

    def _removed(self, call: Call) -> None:
        if file := self._named.pop(call.paths[0], None):
            file.removed = call.began


def _covered(syncs: Sequence[Call], since: int, until: int) -> bool:
    return any(sync.began > since and sync.ended < until for sync in syncs)


def successes(data: bytes, began: int) -> Iterator[Response]:
    """Find the C-STORE responses of success in what one call sent."""
    while len(data) > FIRST_ELEMENT:
        length = int.from_bytes(data[2:6], "big")
        pdu, data = data[: 6 + length], data[6 + length :]
        command = dict(_elements(pdu)) if pdu[0] == 4 else {}
        if (command.get(COMMAND_FIELD), command.get(STATUS)) == (C_STORE_RSP, SUCCESS):
            uid = command[SOP_INSTANCE].rstrip(b"\0 ")
            yield Response(uid.decode("latin-1"), began)


def _elements(pdu: bytes) -> Iterator[tuple[int, bytes]]:
    at = FIRST_ELEMENT
    while at + 8 <= len(pdu):
        _, number, length = struct.unpack_from("<HHL", pdu, at)
        yield number, pdu[at + 8 : at + 8 + length]
        at += 8 + length


def _plain(text: str) -> str:
    """Return a path that may stand in hexadecimal digits."""
    if text.startswith("\\x"):
        return bytes.fromhex(text.replace("\\x", "")).decode(errors="replace")
    return text
