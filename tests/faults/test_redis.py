"""Redis is only the doorbell: absent, killed, emptied or forgetful, it costs time alone."""

import contextlib
import os
import signal
import subprocess
import sys

import films
import pytest
import redis
from faults.site import pids
from line import running_line
from peers import RedisServer, dcmsend, wait_for
from pydicom.uid import generate_uid

from daemon import config
from daemon.jobs import Doorbell

HURRIED = {
    "sweep_s": 1,
    "lease_s": 3,
    "delivery_backoff_s": 0.2,
    "radiograph_settle_s": 0.3,
    # a machine that stands still for so long is no reason to give a case up
    "max_attempts": 50,
}


@pytest.fixture(scope="module")
def body():
    """One body for all films here: it takes long to make."""
    return films.film(1)


@pytest.fixture
def new_film(body, tmp_path):
    """Return a maker of new examinations: their study and their file."""

    def make():
        film = body.copy()
        fresh = generate_uid
        film.StudyInstanceUID, film.SeriesInstanceUID = fresh(), fresh()
        film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = fresh()
        return str(film.StudyInstanceUID), films.write(tmp_path, film)

    return make


def is_queued(line, study):
    story = line.system.show(study)
    return bool(story) and story["series"][0]["state"] == "queued"


def stored_once(line, study):
    """Wait until the results of a study are in the PACS; they are two, and one result stands."""
    story = line.system.delivered(study)
    assert [result["current"] for result in story["results"]] == [True]
    assert len(line.stored(study)) == 2
    return story


def sound(line):
    line.settle()
    assert line.system.audit() == []


def test_redis_absent_killed_and_emptied_costs_time_and_nothing_else(
    orthanc, new_film, tmp_path_factory
):
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    folder = tmp_path_factory.mktemp("ours")
    with running_line(folder, orthanc, broker_url=server.url, **HURRIED) as line:
        absent, path = new_film()
        line.send(dcmsend, path)
        wait_for("the film to be queued without a broker", lambda: is_queued(line, absent))
        workers = pids(f"workers screen --home {line.system.home}")
        with server:
            stored_once(line, absent)
            _emptied(line, server, new_film)
            server.process.kill()
            server.process.wait()
            killed, path = new_film()
            line.send(dcmsend, path)
            wait_for("the film to be queued", lambda: is_queued(line, killed))
        with server:
            stored_once(line, killed)
            after, path = new_film()
            line.send(dcmsend, path)
            stored_once(line, after)
        # the same processes hear again: none had to die for it
        assert workers and pids(f"workers screen --home {line.system.home}") == workers
        sound(line)


def _emptied(line, server, new_film):
    """Lose every ring while nobody listens: the worker is stopped, as a debugger would."""
    stopped = pids(f"workers screen --home {line.system.home}")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        lost = []
        for _ in range(2):
            study, path = new_film()
            line.send(dcmsend, path)
            lost.append(study)
        wait_for("both to be queued", lambda: all(is_queued(line, study) for study in lost))
        with redis.Redis.from_url(server.url) as client:
            client.flushall()
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    for study in lost:
        stored_once(line, study)


HASTY = """
import sys
from daemon import jobs
usual = jobs._transport_options
hasty = {"visibility_timeout": 1, "unacked_restore_interval": 0.2, "unacked_restore_throttle": 1}
jobs._transport_options = lambda settings: usual(settings) | hasty
from workers.__main__ import main
main()
"""


@pytest.mark.long
def test_a_visibility_timeout_shorter_than_the_job_doubles_nothing(
    orthanc, new_film, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("ours")
    settings = HURRIED | {"worker_threads": 1}
    with (
        RedisServer(tmp_path_factory.mktemp("redis")) as server,
        running_line(
            folder, orthanc, only="listener,intake", broker_url=server.url, **settings
        ) as line,
    ):
        sent = [new_film() for _ in range(3)]
        line.send(dcmsend, *(path for _, path in sent))
        wait_for("all to be queued", lambda: all(is_queued(line, study) for study, _ in sent))
        with _worker(line, HASTY, "screen"), _worker(line, HASTY, "deliver"):
            for study, _ in sent:
                stored_once(line, study)
            sound(line)


@contextlib.contextmanager
def _worker(line, program, part):
    command = [sys.executable, "-c", program, part, "--home", str(line.system.home)]
    worker = subprocess.Popen(command, env=line.system.environment)
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(30)


def test_a_ring_into_nothing_returns_at_once_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("OSTEOSCREEN_BROKER_URL", RedisServer(tmp_path).url)
    doorbell = Doorbell(config.load(tmp_path))
    assert doorbell.screen("1.2.3", "cxr") is False
    assert doorbell.screen("1.2.3", "cxr") is False
