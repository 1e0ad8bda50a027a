"""A disk that fills up: refused in time or at the last byte, whole or not at all, taken up again.

The site lies on a file system of its own in memory, small enough to be filled.
"""

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from bench.payloads import CT_LIKE, Object, Payload, make, write_part10
from bench.sender import Association, encode_pdus
from faults.traffic import STORED_BY_STORESCU, Films
from line import running_line
from ours import Osteoscreen
from peers import LOOPBACK, dcmsend, echoscu, run_sender, storescu, wait_for
from pydicom.uid import CTImageStorage

from daemon.disk import FRESH_S
from daemon.header import dataset_sha256
from daemon.records import retention, summary
from daemon.records.ledger import last_events
from daemon.records.tables import DISK

MIB = 1 << 20
OUT_OF_RESOURCES = 0xA700
MODALITY = ["MODALITY", LOOPBACK, "11119", "--sends", "--results", "none"]
SMALL = Payload("ct", CTImageStorage, 64, 64, 1)
HURRIED = {"sweep_s": 0.5, "volume_settle_s": 1}


@dataclass
class SmallDisk:
    """A mounted file system, and ballast to fill it with."""

    folder: Path

    def free(self) -> int:
        read = os.statvfs(self.folder)
        return read.f_bavail * read.f_frsize

    def fill(self, leave: int) -> None:
        """Leave so many bytes free, whatever the ballast was before; nobody sees more meanwhile."""
        with (self.folder / "ballast").open("ab") as file:
            weighs = os.fstat(file.fileno()).st_size
            wanted = weighs + self.free() - leave
            wanted -= wanted % 4096
            if wanted > weighs:
                os.posix_fallocate(file.fileno(), weighs, wanted - weighs)
            else:
                file.truncate(wanted)

    def use_inodes(self, leave: int) -> None:
        """Leave so many inodes free."""
        many = self.folder / "many"
        many.mkdir()
        for number in range(os.statvfs(self.folder).f_favail - leave):
            (many / str(number)).touch()

    def grow(self, size: str) -> None:
        """Make the file system larger, as one extends a volume."""
        command = ["mount", "-o", f"remount,size={size}", str(self.folder)]
        subprocess.run(command, check=True)

    def make_room(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            for file in (self.folder / "many").iterdir():
                file.unlink()
            (self.folder / "many").rmdir()


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a small file system; where that is refused, the test cannot be made."""
    folder.mkdir(parents=True)
    options = f"size={size},nr_inodes=1000,mode=700"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        why = f"no file system can be mounted here: {mounted.stderr.strip()}"
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(why)
        pytest.skip(why)
    try:
        yield SmallDisk(folder)
    finally:
        # lazily: a process that is about to end may still stand in it
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Sender:
    """One open association that tells each answer."""

    def __init__(self, system: Osteoscreen) -> None:
        self._association = Association(system.port, system.aet, "MODALITY", CTImageStorage)

    def status(self, one: Object) -> int:
        return self._association.status(encode_pdus(one, self._association.maximum_length))


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Start a listener and an intake on 64 MiB, with levels at 8, 16 and 24."""
    folder = tmp_path_factory.mktemp("watched")
    levels = {"min_free_mib": 8, "wary_free_mib": 16, "resume_free_mib": 24, "min_free_inodes": 20}
    with (
        small_disk(folder / "home", "64m") as disk,
        Osteoscreen(folder, [MODALITY], "listener,intake", **levels, **HURRIED) as system,
    ):
        yield disk, system


def test_a_filling_disk_refuses_new_senders_then_objects_and_takes_both_again(watched, tmp_path):
    disk, system = watched
    objects = make(SMALL, 7)
    open_one = Sender(system)
    disk.fill(leave=12 * MIB)
    _wait_until_told(system, "nearly-full")
    path = write_part10(tmp_path, objects[0])
    rc, said = storescu(system.port, [path], system.aet)
    assert rc != 0 and "Rejected Transient" in said and "Temporary Congestion" in said
    assert echoscu(system.port, system.aet)[0] == 0
    assert open_one.status(objects[1]) == 0
    disk.fill(leave=4 * MIB)
    _wait_until_told(system, "full")
    assert [open_one.status(one) for one in objects[2:4]] == [OUT_OF_RESOURCES] * 2
    told = system.status()["disk"]
    assert (told["lets_in"], told["why"].split(":")[0]) == ("full", "the disk of the spool is full")
    assert told["why"].endswith("we take images again from 24 MiB")
    disk.fill(leave=20 * MIB)
    assert open_one.status(objects[4]) == OUT_OF_RESOURCES
    disk.make_room()
    _wait_until_told(system, "room")
    assert [open_one.status(one) for one in objects] == [0] * 7
    assert dcmsend(system.port, [path], system.aet)[0] == 0
    assert [event.reason for event in reversed(last_events(system.ledger, DISK))] == [
        "nearly-full",
        "full",
        "room",
    ]
    _prove(system, objects)


def test_a_disk_without_inodes_is_full_too(watched):
    disk, system = watched
    [one] = make(SMALL, 1)
    sender = Sender(system)
    disk.use_inodes(leave=10)
    _wait_until_told(system, "full")
    assert sender.status(one) == OUT_OF_RESOURCES
    # the ledger's own files may take one or two of those left
    assert re.search(r"\b(10|[1-9]) free inodes", system.status()["disk"]["why"])
    disk.make_room()
    _wait_until_told(system, "room")
    assert sender.status(one) == 0
    _prove(system, [one])


def test_at_the_last_byte_nothing_is_lost_and_everything_goes_on_by_itself(orthanc, tmp_path):
    alone = {"min_free_mib": 0, "min_free_inodes": 0, "max_attempts": 2}
    with (
        small_disk(tmp_path / "home", "64m") as disk,
        small_disk(tmp_path / "home" / "outbox", "16k") as outbox,
        running_line(tmp_path, orthanc, **alone, **HURRIED) as line,
    ):
        made = Films(bodies=1)
        first = _a_full_outbox_delays_a_result(line, outbox, made.new(), tmp_path)
        second = _a_full_ledger_delays_a_film(line, disk, made.new(), tmp_path)
        slices = _what_fits_is_kept_whole(line.system, disk, tmp_path)
        outbox.grow("32m")
        disk.make_room()
        _send_until_accepted(line.system, slices, tmp_path)
        for study, _ in (first, second):
            assert line.system.delivered(study)["state"] == "screened"
            assert len(line.stored(study)) == 2
        line.settle()
        _prove(line.system, [first[1], second[1], *slices])


def _a_full_outbox_delays_a_result(line, outbox, film, folder):
    study, one = film
    line.send(dcmsend, write_part10(folder, one))
    wait_for("the outbox to be full", lambda: "event=put-off" in line.system.logs())
    wait_for("that to be said", lambda: "put off" in _kinds(line.system, study))
    assert not list(outbox.folder.glob("*.part"))
    return film


def _a_full_ledger_delays_a_film(line, disk, film, folder):
    path = write_part10(folder, film[1])

    def taken() -> bool:
        # room for the film, and none for its rows; again if what was left went to something else
        disk.fill(leave=path.stat().st_size + 20480)
        return bool(storescu(line.system.port, [path], line.system.aet)[0] == 0)

    wait_for("the film to be taken", taken)
    wait_for("the ledger to be refused", lambda: "event=disk-full again" in line.system.logs())
    return film


def _what_fits_is_kept_whole(system, disk, folder):
    slices = make(CT_LIKE, 8)

    def fewer_than_all(leave: int) -> list[set[str]]:
        # again if need be: the reserve may have been given up between the filling and the sending
        disk.fill(leave)
        stored = _stored_by_storescu(system, slices, folder)
        return [stored] if len(stored) < len(slices) else []

    for leave in (8192, 3 * MIB):
        [stored] = wait_for("some to be refused", partial(fewer_than_all, leave))
        assert not list((system.home / "spool").rglob("*.part"))
        _prove_bytes(system, [one for one in slices if one.uid in stored])
    return slices


def test_retention_makes_room_by_itself_and_every_object_is_accepted_in_the_end(tmp_path):
    # as on any real disk, what must stay free is more than the reserve asks for to be held again
    levels = {"min_free_mib": 40, "wary_free_mib": 44, "resume_free_mib": 48, "min_free_inodes": 20}
    with (
        small_disk(tmp_path / "home", "110m") as disk,
        Osteoscreen(
            tmp_path, [MODALITY], "listener,intake", purge_when_full=True, **levels, **HURRIED
        ) as system,
    ):
        every = [make(CT_LIKE, 8) for _ in range(18)]
        room = disk.free() - levels["min_free_mib"] * MIB
        assert sum(len(one.data) for series in every for one in series) > room
        for series in every:
            _send_until_accepted(system, series, tmp_path)
        _wait_until_skipped(system, len(every))
        # and now others fill it, to the last byte
        disk.fill(leave=0)
        wait_for("room to be made", lambda: disk.free() > levels["wary_free_mib"] * MIB)
        every.append(make(SMALL, 1))
        _send_until_accepted(system, every[-1], tmp_path)
        _wait_until_skipped(system, len(every))
        audited = json.loads(system.cli("audit", "--json"))
        told = {one["SOPInstanceUID"]: one["purged_by"] for one in audited["objects"]}
        assert set(told) == {one.uid for series in every for one in series}
        assert set(told.values()) == {None, "purge_when_full"}


def _send_until_accepted(system: Osteoscreen, series: Sequence[Object], folder: Path) -> None:
    paths = [write_part10(folder, one) for one in series]
    # dcmsend ends well though objects were refused: it counts those that were not
    accepted = f"with status SUCCESS  : {len(paths)}\n"
    wait_for("acceptance", lambda: accepted in dcmsend(system.port, paths, system.aet)[1])
    for path in paths:
        path.unlink()


def _wait_until_told(system: Osteoscreen, reason: str) -> None:
    wait_for(f"the disk to be {reason}", lambda: retention.told_of_disk(system.ledger) == reason)
    # each listener looks for itself, a few times a second
    time.sleep(2 * FRESH_S)


def _kinds(system: Osteoscreen, study: str) -> set[str]:
    [series] = system.show(study)["series"]
    return {event["kind"] for event in series["events"]}


def _wait_until_skipped(system: Osteoscreen, series: int) -> None:
    def told() -> tuple[int, list[dict[str, object]]]:
        status = summary.status(system.ledger)
        wanted = [{"state": "skipped", "reason": "exam-not-screened", "series": series}]
        return len(_waiting(system)), [one for one in status["reasons"] if one not in wanted]

    try:
        wait_for("everything to be skipped", lambda: _skipped(system) == series and not told()[0])
    except AssertionError as error:
        raise AssertionError(f"{error}: waiting files and other ends: {told()}") from None


def _skipped(system: Osteoscreen) -> int:
    return int(summary.status(system.ledger)["series"]["by_state"]["skipped"])


def _stored_by_storescu(system: Osteoscreen, objects: Sequence[Object], folder: Path) -> set[str]:
    """Send with DCMTK's storescu, which goes on after a refusal; return what was acknowledged."""
    paths = [write_part10(folder, one) for one in objects]
    titles = ["-aet", "MODALITY", "-aec", system.aet]
    _, said = run_sender("storescu", "-v", "-nh", *titles, LOOPBACK, str(system.port), *paths)
    assert said.count("Received Store Response") == len(objects), said
    return {Path(name).stem for name in STORED_BY_STORESCU.findall(said)}


def _prove(system: Osteoscreen, objects: Sequence[Object]) -> None:
    """Hold what was acknowledged against the disk, and the ledger against it too."""
    _prove_bytes(system, objects)
    assert not list(system.home.rglob("*.part"))
    wait_for("everything to be indexed", lambda: not _waiting(system))
    with system.ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert system.audit() == []


def _prove_bytes(system: Osteoscreen, objects: Sequence[Object]) -> None:
    lying = {dataset_sha256(path)[0] for path in system.received()}
    assert [one.uid for one in objects if one.digest not in lying] == []


def _waiting(system: Osteoscreen) -> list[Path]:
    return list((system.home / "spool" / "incoming").rglob("*.dcm"))
