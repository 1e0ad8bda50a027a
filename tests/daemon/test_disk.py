"""Room on the disk: shut below one level, open again from a higher one."""

import errno
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from daemon import config, disk
from daemon.disk import Door, Free, Levels, Room
from daemon.errors import ConfigError

LEVELS = Levels(Free(100, 10), Free(200, 20), Free(300, 30))


@pytest.mark.parametrize(
    ("before", "free", "after"),
    [
        (Door.OPEN, Free(250, 25), Door.OPEN),
        (Door.OPEN, Free(150, 99), Door.NO_NEW_SENDERS),
        (Door.OPEN, Free(999, 15), Door.NO_NEW_SENDERS),
        (Door.OPEN, Free(99, 99), Door.SHUT),
        (Door.OPEN, Free(999, 9), Door.SHUT),
        (Door.SHUT, Free(299, 99), Door.SHUT),
        (Door.SHUT, Free(150, 99), Door.SHUT),
        (Door.SHUT, Free(300, 30), Door.OPEN),
        (Door.NO_NEW_SENDERS, Free(299, 99), Door.NO_NEW_SENDERS),
        (Door.NO_NEW_SENDERS, Free(300, float("inf")), Door.OPEN),
    ],
)
def test_what_is_let_in_follows_from_the_levels_and_from_what_was_let_in_before(
    before, free, after
):
    assert LEVELS.judge(before, free) is after


@pytest.fixture
def readings(monkeypatch):
    """Let the disk have what a test says, and count how often it was asked."""
    told = {"free": Free(1 << 30, 1000), "asked": 0}

    def free_on(_folder):
        told["asked"] += 1
        return told["free"]

    monkeypatch.setattr(disk, "free_on", free_on)
    monkeypatch.setattr(disk, "FRESH_S", 3600)
    return told


def room(tmp_path, least_bytes=0, least_inodes=0):
    least = Free(least_bytes, least_inodes)
    return Room(tmp_path, Levels(least, least, least))


def test_the_disk_is_read_once_however_many_images_come(readings, tmp_path):
    here = room(tmp_path)
    assert all(here.takes(1000) for _ in range(500))
    assert readings["asked"] == 1


def test_what_is_written_after_a_reading_is_counted_off_it(readings, tmp_path):
    here = room(tmp_path, least_bytes=(1 << 30) - 100_000)
    assert [here.takes(40_000) for _ in range(3)] == [True, True, False]
    assert here.takes(1000)


def test_inodes_are_counted_off_too(readings, tmp_path):
    here = room(tmp_path, least_inodes=998)
    assert [here.takes(0) for _ in range(3)] == [True, True, False]


def test_an_image_too_big_for_what_is_left_shuts_nobody_else_out(readings, tmp_path):
    here = room(tmp_path)
    assert not here.takes(2 << 30)
    assert here.takes(1000) and here.door() is Door.OPEN


def test_after_a_refused_write_the_disk_is_read_again(readings, tmp_path):
    here = room(tmp_path, least_bytes=1000)
    assert here.takes(0)
    readings["free"] = Free(10, 1000)
    here.ran_out()
    assert not here.takes(0) and here.door() is Door.SHUT
    assert here.words().startswith("the disk of the spool is full: 0 MiB free, ")


def test_the_words_name_what_is_scarce_and_when_we_go_on():
    levels = Levels(Free(1 << 29, 1000), Free(2 << 29, 2000), Free(3 << 29, 3000))
    assert disk.words(Door.SHUT, Free(12 << 20, 90_000), levels) == (
        "the disk of the spool is full: 12 MiB free, we take images again from 1536 MiB"
    )
    assert disk.words(Door.SHUT, Free(1 << 40, 12), levels) == (
        "the disk of the spool is full: 12 free inodes, we take images again from 3000 free inodes"
    )
    assert "let senders in again" in disk.words(Door.NO_NEW_SENDERS, Free(1 << 29, 9000), levels)


def test_the_levels_that_are_not_set_follow_from_the_lowest(tmp_path):
    levels = disk.levels_of(config.load(tmp_path))
    assert [free.size_bytes >> 20 for free in (levels.least, levels.wary, levels.ease)] == [
        512,
        1024,
        1536,
    ]


@pytest.mark.parametrize("crossed", ["wary_free_mib = 100", "resume_free_mib = 600"])
def test_levels_that_cross_are_an_error(tmp_path, crossed):
    (tmp_path / config.FILE).write_text(crossed + "\n")
    with pytest.raises(ConfigError, match=crossed.split()[0]):
        config.load(tmp_path)


def test_the_real_disk_is_read(tmp_path):
    free = disk.free_on(tmp_path)
    assert free.size_bytes > 0 and free.inodes > 0


def test_a_full_disk_is_known_by_what_the_system_and_the_databases_say():
    def said(by):
        return OperationalError("INSERT", {}, by)

    assert disk.is_full(OSError(errno.ENOSPC, "No space left on device"))
    assert disk.is_full(said(sqlite3.OperationalError("database or disk is full")))
    assert disk.is_full(said(Exception({"C": "53100", "M": "could not extend file"})))
    assert not disk.is_full(said(sqlite3.OperationalError("database is locked")))
    assert not disk.is_full(OSError(errno.EIO, "Input/output error"))


def test_a_reserve_is_held_where_there_is_plenty_and_given_up_once(tmp_path, monkeypatch):
    reserve = disk.Reserve(tmp_path)
    monkeypatch.setattr(disk, "free_on", lambda _: Free(disk.Reserve.SIZE_BYTES, 1000))
    reserve.hold()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    reserve.hold()
    [file] = tmp_path.iterdir()
    assert file.stat().st_blocks * 512 >= disk.Reserve.SIZE_BYTES
    reserve.give_up()
    assert list(tmp_path.iterdir()) == []
