"""Whether a part gets on is told by its progress, not by its process being there."""

import os
import subprocess
import sys
import time

import pytest

from daemon import health, processes, pulse
from daemon.presence import Presence
from daemon.pulse import Pulse, Signs
from daemon.records import claims
from daemon.records.ledger import Ledger


@pytest.fixture
def listener(tmp_path):
    mine = Pulse(tmp_path, "listener")
    mine.write(0.0, "")
    return mine


def test_a_part_that_gets_on_is_well(listener, tmp_path):
    assert health.problems(tmp_path, ["listener"], ready=True) == []


def test_a_part_that_is_not_there_is_missed(listener, tmp_path):
    assert health.problems(tmp_path, ["listener", "intake"], False) == ["intake is not running"]
    assert health.problems(tmp_path / "empty", [], False) == ["nothing is running"]


def test_a_process_that_runs_and_makes_no_progress_is_ill(listener, tmp_path):
    listener.write(health.STILL_S + 1, "")
    [told] = health.problems(tmp_path, [], False)
    assert "listener has made no progress" in told


def test_a_process_that_says_nothing_any_more_is_ill(listener, tmp_path, monkeypatch):
    later = time.monotonic() + health.SILENT_S + 1
    monkeypatch.setattr(health.time, "monotonic", lambda: later)
    [told] = health.problems(tmp_path, [], False)
    assert "listener has not answered" in told


def test_what_waits_for_the_database_lives_and_is_not_ready(tmp_path):
    away = Ledger("postgresql://nobody@127.0.0.1:1/none")
    with Presence(away, "intake", tmp_path):
        assert health.problems(tmp_path, ["intake"], ready=False) == []
        [told] = health.problems(tmp_path, ["intake"], ready=True)
        assert told == "intake is not ready: the database is away"
    assert pulse.beats(tmp_path) == []


def test_a_dead_process_and_one_of_another_host_do_not_speak_for_a_part(listener, tmp_path):
    [file] = (tmp_path / pulse.FOLDER).iterdir()
    here = processes.name_of(os.getpid())
    other = file.with_name("listener-1")
    other.write_text(file.read_text().replace(here, here.replace(here.split(":")[1], "another")))
    gone = file.with_name("listener-2")
    gone.write_text(file.read_text().replace(here, here[:-1] + "x"))
    assert len(pulse.beats(tmp_path)) == 1


def test_the_file_never_grows_so_a_full_disk_does_not_matter(listener, tmp_path):
    [file] = (tmp_path / pulse.FOLDER).iterdir()
    listener.write(1.0, "x" * 5000)
    assert file.stat().st_size == pulse.ROOM
    assert pulse.beats(tmp_path)[0].still_s == 1.0


def test_a_worker_stands_still_only_while_something_waits_for_it(ledger, claimed):
    signs = Signs(waits_s=lambda: claims.waited_s(ledger, ["cxr"]), moved_at=0.0)
    assert signs.still_s == 0
    claims.put_off(ledger, claimed, "again")
    assert signs.still_s > 0
    assert claims.waited_s(ledger, ["hip"]) == 0


def test_the_probe_needs_the_library_alone(listener, tmp_path):
    code = (
        "import sys; from daemon import health; "
        "assert not {'sqlalchemy', 'pydantic', 'typer'} & set(sys.modules); health.main()"
    )
    command = [sys.executable, "-c", code, "--only", "listener"]
    environment = {**os.environ, "OSTEOSCREEN_HOME": str(tmp_path)}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, "ok\n"), answer.stderr
