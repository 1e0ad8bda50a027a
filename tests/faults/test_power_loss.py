"""Success is said only of what a power cut would leave: seen in the system calls themselves."""

import re
import threading
from dataclasses import replace

import pytest
from bench.payloads import make
from faults.syscalls import STRING_BYTES, TRACED, Disk, read_calls
from faults.traffic import SLICE, Films, by_hand, by_storescu
from ours import Osteoscreen
from peers import LOOPBACK
from programs import find_program


class Watched(Osteoscreen):
    """`osteoscreen serve` under strace, from its first system call on."""

    @property
    def calls(self):
        """Give the log of system calls."""
        return self.folder / "calls.log"

    def command(self):
        how = ["-f", "--seccomp-bpf", "-yy", "-xx", "-s", str(STRING_BYTES), "-I", "1"]
        what = ["-e", f"trace={TRACED}", "-o", str(self.calls)]
        return [find_program("strace"), *how, *what, *super().command()]


@pytest.fixture(scope="module", params=[True, False], ids=["straight", "public"])
def watched(request, tmp_path_factory, long):
    """Send from four senders at once; return the calls and the UIDs that were acknowledged."""
    folder = tmp_path_factory.mktemp("watched")
    modality = ["MODALITY", LOOPBACK, "11119", "--sends", "--results", "none"]
    acknowledged = []
    with Watched(folder, [modality], only="listener,intake", straight_path=request.param) as system:
        ours = by_hand(system.port, system.aet)
        films = Films(bodies=1)
        rounds = 20 if long else 1
        batches = [[*make(SLICE, 20 * rounds), films.new()[1]] for _ in range(4)]
        senders = [ours, ours, ours, by_storescu(system.port, system.aet, folder)]
        threads = [
            threading.Thread(target=lambda s, b: acknowledged.extend(s(b)), args=pair)
            for pair in zip(senders, batches, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(acknowledged) == 4 * (20 * rounds + 1)
    with system.calls.open() as log:
        return read_calls(log), set(acknowledged)


def test_data_and_name_are_on_the_disk_before_success_is_said(watched, tell):
    calls, acknowledged = watched
    disk = Disk(calls)
    # and those of the rehearsals that the listeners hold before the port opens
    assert acknowledged <= {response.sop_instance_uid for response in disk.responses}
    assert disk.violations() == []
    tell(f"power loss: {len(disk.responses)} successes, each after data and name were synced")


@pytest.mark.parametrize(
    ("path", "why"), [(".part", "data"), ("/spool/incoming", "name"), ("/spool", "name")]
)
def test_success_without_a_sync_is_seen(watched, path, why):
    calls, acknowledged = watched
    without = [
        call for call in calls if "sync" not in call.name or not call.descriptor.endswith(path)
    ]
    assert len(without) < len(calls)
    assert acknowledged <= _seen(without, why)


@pytest.mark.parametrize("path", [".part", "/spool/incoming"])
def test_success_before_the_sync_has_ended_is_seen(watched, path):
    calls, acknowledged = watched
    last = max(call.ended for call in calls)
    late = [
        replace(call, ended=last)
        if "sync" in call.name and call.descriptor.endswith(path)
        else call
        for call in calls
    ]
    assert acknowledged <= _seen(late, "data|name")


def test_success_before_anything_is_written_is_seen(watched):
    calls, acknowledged = watched
    early = [
        replace(call, began=-1, ended=-1) if call.descriptor.startswith("TCP") else call
        for call in calls
    ]
    assert acknowledged <= _seen(early, "data")


def test_a_write_after_the_sync_is_seen():
    log = [
        '1 openat(AT_FDCWD</>, "\\x2f\\x61", O_WRONLY|O_CREAT|O_EXCL, 0640) = 5</s/a.part>',
        f'1 write(5</s/a.part>, "{_hex(b"1.2.3 head")}", 10) = 10',
        "1 fdatasync(5</s/a.part>) = 0",
        f'2 write(5</s/a.part>, "{_hex(b"tail")}", 4 <unfinished ...>',
        f'1 rename("{_hex(b"/s/a.part")}", "{_hex(b"/s/a.dcm")}") = 0',
        "1 fsync(3</s>) = 0",
        f'1 sendto(9<TCP:[1->2]>, "{_hex(_response(b"1.2.3"))}", 90, 0, NULL, 0) = 90',
        "2 <... write resumed>) = 4",
    ]
    [told] = Disk(read_calls(log)).violations()
    assert told.startswith("line 7: 1.2.3: its data")
    without = [line for line in log if not line.startswith("2")]
    assert Disk(read_calls(without)).violations() == []


def _seen(calls, why):
    """Return the UIDs of the violations whose words say this."""
    told = Disk(calls).violations()
    return {line.split(": ")[1] for line in told if re.search(why, line)}


def _hex(data):
    return "".join(f"\\x{byte:02x}" for byte in data)


def _response(uid):
    fields = [(0x0100, b"\x01\x80"), (0x0900, b"\0\0"), (0x1000, uid)]
    body = b"".join(
        bytes(2) + number.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value
        for number, value in fields
    )
    return b"\x04\0" + (len(body) + 6).to_bytes(4, "big") + bytes(6) + body
