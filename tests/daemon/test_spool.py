"""The spool: whole files or none, durable before anyone is told, names rebuilt from outside."""

import errno
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from daemon import spool
from daemon.disk import Free, Levels, Room
from daemon.errors import SpoolFull
from daemon.spool import Spool


@pytest.fixture
def folder(tmp_path):
    kept = Spool(tmp_path)
    kept.prepare()
    return kept


def test_what_is_put_arrives_byte_for_byte(folder):
    folder.put(b"head", b"data")
    [file] = folder.arrived()
    assert file.read_bytes() == b"headdata"


def test_file_and_folder_are_synced_before_put_returns(folder, monkeypatch):
    synced = []

    def watched(name):
        real = getattr(os, name)

        def sync(descriptor):
            synced.append((name, os.readlink(f"/proc/self/fd/{descriptor}")))
            real(descriptor)

        return sync

    monkeypatch.setattr(spool.os, "fdatasync", watched("fdatasync"))
    monkeypatch.setattr(spool.os, "fsync", watched("fsync"))
    final = folder.put(b"head", b"data")
    assert synced == [
        ("fdatasync", str(folder.partial / f"{final.stem}.part")),
        ("fsync", str(folder.incoming)),
    ]


def test_a_full_disk_takes_nothing_and_leaves_nothing(tmp_path):
    more = Free(1 << 60, 0)
    full = Spool(tmp_path, Room(tmp_path, Levels(more, more, more)))
    full.prepare()
    with pytest.raises(SpoolFull):
        full.put(b"head", b"data")
    assert os.listdir(full.incoming) == os.listdir(full.partial) == []


def test_a_failed_write_leaves_no_partial_file(folder, monkeypatch):
    def no_space(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool.os, "fdatasync", no_space)
    with pytest.raises(OSError, match="No space"):
        folder.put(b"head", b"data")
    assert os.listdir(folder.incoming) == os.listdir(folder.partial) == []


def test_half_written_files_of_a_dead_listener_are_dropped_at_the_next_start(folder):
    (folder.partial / "x.part").write_bytes(b"half")
    assert folder.arrived() == []
    folder.drop_partial()
    assert os.listdir(folder.partial) == []


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1.2/3", "..", "", "1.2\0", "x" * 300])
def test_a_uid_from_outside_never_names_a_path_as_it_is(folder, uid):
    place = folder.place(uid, uid).resolve()
    assert place.parent.parent == folder.kept.resolve()
    assert len(place.parent.name) == 64


def test_an_indexed_file_moves_to_its_series_and_a_copy_is_dropped(folder):
    for _ in range(2):
        folder.keep([(folder.put(b"", b"data"), folder.place("1.2.3", "1.2.3.4"))])
    assert folder.arrived() == []
    assert [file.name for file in folder.series("1.2.3")] == ["1.2.3.4.dcm"]


def test_dropping_what_the_disk_will_not_let_go_of_ends_nothing(folder, monkeypatch):
    def refuse(_name):
        raise OSError(errno.EROFS, "the disk has turned read-only")

    incoming = folder.receive()
    with monkeypatch.context() as broken:
        broken.setattr(spool.os, "unlink", refuse)
        incoming.drop()
    assert os.listdir(folder.partial) and not folder.arrived()
    folder.drop_partial()
    assert os.listdir(folder.partial) == []


def test_what_a_clock_that_was_set_back_dates_ahead_is_received_already(folder):
    file, moment = folder.put(b"", b""), datetime.now(UTC)
    assert folder.received_until(moment)
    ahead = time.time() + 3600
    os.utime(file, (ahead, ahead))
    assert folder.received_until(moment)


class Turn:
    """A lock that tells who comes to wait for it."""

    def __init__(self):
        self.came, self._lock = threading.Semaphore(0), threading.Lock()

    def __enter__(self):
        self.came.release()
        self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()


def test_one_sync_serves_all_names_that_were_there_before_it_began(folder, monkeypatch):
    began, go_on, turn, syncs = threading.Semaphore(0), threading.Semaphore(0), Turn(), []

    def slow(descriptor):
        syncs.append(descriptor)
        began.release()
        assert go_on.acquire(timeout=10)

    monkeypatch.setattr(os, "fsync", slow)
    monkeypatch.setattr(folder.names, "_turn", turn)
    with ThreadPoolExecutor(7) as senders:
        everybody = [senders.submit(folder.names.sync)]
        assert began.acquire(timeout=10)
        everybody += [senders.submit(folder.names.sync) for _ in range(6)]
        assert all(turn.came.acquire(timeout=10) for _ in everybody)
        go_on.release()
        # the one that was under way may have passed by their names: another has to begin
        assert began.acquire(timeout=10)
        assert not any(one.done() for one in everybody[1:])
        go_on.release()
        for one in everybody:
            one.result(timeout=10)
    assert len(syncs) == 2
