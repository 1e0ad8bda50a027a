"""Success is said only of what a power cut would leave: seen in the system calls themselves."""

import threading

import pytest
from bench.payloads import make
from faults.syscalls import STRING_BYTES, TRACED, Disk
from faults.traffic import SLICE, Films, by_hand, by_storescu
from ours import Osteoscreen
from peers import LOOPBACK
from programs import find_program

PATHS = [{}]


class Watched(Osteoscreen):
    """`osteoscreen serve --only listener` under strace, from its first call on."""

    @property
    def log_of_calls(self):
        return self.folder / "calls.log"

    def command(self):
        how = ["-f", "--seccomp-bpf", "-yy", "-xx", "-s", str(STRING_BYTES), "-I", "1"]
        what = ["-e", f"trace={TRACED}", "-o", str(self.log_of_calls)]
        return [find_program("strace"), *how, *what, *super().command()]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Send from four senders at once; return the log and the UIDs that were acknowledged."""
    folder = tmp_path_factory.mktemp("watched")
    modality = ["MODALITY", LOOPBACK, "11119", "--sends", "--results", "none"]
    acknowledged = set()
    with Watched(folder, [modality], only="listener,intake") as system:
        ours = by_hand(system.port, system.aet)
        films = Films(bodies=1)
        batches = [make(SLICE), make(SLICE), [films.new()[1] for _ in range(3)], make(SLICE)]
        senders = [ours, ours, ours, by_storescu(system.port, system.aet, folder)]
        threads = [
            threading.Thread(target=lambda s, b: acknowledged.update(s(b)), args=pair)
            for pair in zip(senders, batches, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return system.log_of_calls.read_text().splitlines(), acknowledged


def test_data_and_name_are_on_the_disk_before_success_is_said(watched):
    log, acknowledged = watched
    disk = Disk(log)
    assert len(acknowledged) == 63
    assert acknowledged <= {response.sop_instance_uid for response in disk.responses}
    assert disk.violations() == []


def _without(log, call, path):
    """Drop one kind of call on paths that match, as if the listener had never made it."""
    name = re.compile(rf"\d+ +({call})\(")
    hexed = re.compile(path.encode().hex("x").replace("x", r"\\x"))
    return [line for line in log if not (name.match(line) and hexed.search(line))]
