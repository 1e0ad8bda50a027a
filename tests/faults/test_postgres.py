"""PostgreSQL restarted, killed, absent: the spool is the log, and nothing is lost or doubled."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pg8000.dbapi
import pytest
from faults.site import PARTS, kept_up_line, pids, prove
from faults.traffic import Traffic, by_dcmsend, by_hand
from ours import Osteoscreen
from peers import LOOPBACK, PostgresServer, Process, run_sender, wait_for

from daemon import config, revisions, schema
from daemon.callers import COPY

GONE_S = 1.5


@pytest.fixture(scope="module")
def server():
    """A server of this module's own: it is not treated well."""
    with PostgresServer() as running:
        yield running


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc, server):
    url = server.new_database()
    with kept_up_line(tmp_path_factory.mktemp("ours"), orthanc, database_url=url) as running:
        yield running


@contextlib.contextmanager
def away(server, kill):
    """Take the server away, and give it back to whoever is still there."""
    kill(server)
    try:
        yield
    finally:
        Process.__enter__(server)


def restart_fast(server):
    server.process.send_signal(signal.SIGINT)
    server.process.wait(30)


def restart_immediately(server):
    """No shutdown at all: every process of the server at once, as in a power cut."""
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(30)
    # the socket's lock and the shared memory outlive it; the new one looks who holds them
    wait_for("its processes to be gone", lambda: not pids(f"-D {server.folder}/data"))


def cut_connections(server, url):
    database = url.rpartition("/")[2]
    with contextlib.closing(
        pg8000.dbapi.connect("osteoscreen", host=LOOPBACK, port=server.port, database="postgres")
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s",
            (database,),
        )
        return cursor.fetchone()[0]


def pour(line, tmp_path):
    ours = by_hand(line.system.port, line.system.aet)
    return ours, Traffic([ours, by_dcmsend(line.system.port, line.system.aet, tmp_path)], 1)


def ended_well(line, traffic):
    traffic.end()
    proof = prove(line, traffic)
    assert proof.is_sound, proof
    assert traffic.acknowledged == set(traffic.sent)


@pytest.mark.parametrize("kill", [restart_fast, restart_immediately])
def test_a_restart_while_images_come_loses_nothing_and_the_listener_goes_on(
    line, server, tmp_path, kill
):
    ours, traffic = pour(line, tmp_path)
    listeners = line.system.pids("listener")
    with traffic:
        with traffic.pouring():
            traffic.film(ours)
            with away(server, kill):
                before = len(traffic.acknowledged)
                wait_for(
                    "acknowledgements without a database",
                    lambda: len(traffic.acknowledged) > before + 5,
                )
                study, _ = traffic.film(ours)
                time.sleep(GONE_S)
        line.system.delivered(study)
        ended_well(line, traffic)
    assert line.system.pids("listener") == listeners


def test_connections_cut_in_mid_transaction_lose_nothing(line, server, tmp_path, long):
    ours, traffic = pour(line, tmp_path)
    cut = 0
    with traffic:
        with traffic.pouring():
            for _ in range(100 if long else 5):
                study, _ = traffic.film(ours)
                cut += cut_connections(server, line.system.environment["OSTEOSCREEN_DATABASE_URL"])
                time.sleep(0.3)
        line.system.delivered(study)
        ended_well(line, traffic)
    assert cut > 5


def test_a_start_without_the_database_receives_and_says_what_it_waits_for(line, server, tmp_path):
    ours, traffic = pour(line, tmp_path)
    assert (line.system.home / COPY).is_file()
    with traffic:
        with away(server, restart_fast):
            line.system.restart()
            study, _ = traffic.film(ours)
            wait_for("the words", lambda: "event=waiting-for-ledger" in line.system.logs())
            parts = {part: line.system.pids(part) for part in PARTS}
            time.sleep(GONE_S)
            # each waits where it is, and none is started again and again
            assert {part: line.system.pids(part) for part in PARTS} == parts
        line.system.delivered(study)
        ended_well(line, traffic)


@contextlib.contextmanager
def started_again(process):
    Process.__enter__(process)
    try:
        yield
    finally:
        process.stop()


def echo(listener):
    place = ["-aet", "MODALITY", "-aec", listener.aet, LOOPBACK, str(listener.port)]
    return run_sender("echoscu", "-v", *place)


def test_a_listener_that_nobody_has_called_knows_its_peers_when_the_database_has_gone(
    server, tmp_path
):
    modality = ["MODALITY", LOOPBACK, "11119", "--sends", "--results", "none"]
    ours = Osteoscreen(
        tmp_path, [modality], "listener", database_url=server.new_database(), listener_processes=1
    )
    copy = ours.home / COPY
    with ours:
        wait_for("the copy of its peers", copy.is_file)
    with away(server, restart_fast):
        with started_again(ours):
            assert echo(ours)[0] == 0
        copy.unlink()
        with started_again(ours):
            # who may be a peer is not turned away for good (PS3.8 9.3.4)
            rc, said = echo(ours)
            assert rc != 0 and "Transient" in said, said
    with started_again(ours):
        assert echo(ours)[0] == 0


def test_first_starts_on_many_hosts_make_one_ledger(server, tmp_path):
    url = server.new_database()
    starts = []
    for host in range(4):
        # a home each: no file that all of them could lock
        command = [sys.executable, "-m", "daemon", "migrate", "--home", str(tmp_path / str(host))]
        environment = {**os.environ, "OSTEOSCREEN_DATABASE_URL": url}
        starts.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
    assert [start.wait(60) for start in starts] == [0, 0, 0, 0]


def test_a_migration_waits_for_the_one_that_is_under_way(server, tmp_path, monkeypatch):
    monkeypatch.setenv("OSTEOSCREEN_DATABASE_URL", server.new_database())
    settings = config.load(tmp_path / "home")
    first = schema.Ledger(settings.ledger_url)
    command = [sys.executable, "-m", "daemon", "migrate", "--home", str(settings.home)]
    with first.alone():
        second = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(4)
        assert first.revision() is None
    assert second.wait(60) == 0
    assert first.revision() == revisions.newest()
    first.close()
