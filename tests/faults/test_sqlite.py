"""The embedded database held by another process: everybody waits, nobody dies, all goes on."""

import contextlib
import sqlite3
import threading
import time

import pytest
from faults.site import PARTS, kept_up_line, prove
from faults.traffic import Traffic, by_dcmsend, by_hand
from peers import wait_for

from daemon.records.ledger import LOCK_WAIT_S

HELD_S = 5.0


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc):
    with kept_up_line(tmp_path_factory.mktemp("ours"), orthanc) as running:
        yield running


@contextlib.contextmanager
def held(home, seconds):
    """Hold the whole database, as a backup or an admin's shell would."""
    taken = threading.Event()

    def hold():
        # closed by hand: leaving the connection's own context would only commit
        with contextlib.closing(sqlite3.connect(home / "ledger.db", timeout=60)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            taken.set()
            time.sleep(seconds)
            connection.rollback()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(60)
    yield
    thread.join()


def every_part(line):
    """Return the processes of each part, once all parts have some: the listener answers first."""
    found = {part: line.system.pids(part) for part in PARTS}
    return found if all(found.values()) else None


def hold_under_load(line, tmp_path, seconds):
    ours = by_hand(line.system.port, line.system.aet)
    senders = [ours, by_dcmsend(line.system.port, line.system.aet, tmp_path)]
    before = wait_for("every part to run", lambda: every_part(line))
    with Traffic(senders, 1) as traffic:
        with traffic.pouring():
            traffic.film(ours)
            with held(line.system.home, seconds):
                acknowledged = len(traffic.acknowledged)
                study, _ = traffic.film(ours)
                assert len(traffic.acknowledged) > acknowledged
        line.system.delivered(study)
        traffic.end()
    proof = prove(line, traffic)
    assert proof.is_sound, proof
    assert traffic.acknowledged == set(traffic.sent)
    assert every_part(line) == before


def test_a_database_held_for_seconds_costs_seconds(line, tmp_path):
    hold_under_load(line, tmp_path, HELD_S)


@pytest.mark.long
def test_a_database_held_for_longer_than_anybody_waits_costs_no_process(line, tmp_path):
    hold_under_load(line, tmp_path, LOCK_WAIT_S + 10)
