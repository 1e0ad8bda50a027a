"""Each process killed while films come in: nothing lost, nothing doubled, the audit adds up."""

import json
import os
import signal
from pathlib import Path

import films
import pytest
from line import running_line
from peers import dcmsend, wait_for

PROCESSES = ("daemon.part listener", "daemon.part intake", "workers screen", "workers deliver")


@pytest.fixture(scope="module")
def hurried_line(tmp_path_factory, orthanc):
    """Start a line whose leases and sweeps are short, so that it recovers while we watch."""
    folder = tmp_path_factory.mktemp("ours")
    with running_line(folder, orthanc, lease_s=3, sweep_s=1, delivery_backoff_s=0.2) as line:
        yield line


def pids(home: Path, process: str) -> list[int]:
    wanted = f"{process} --home {home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if wanted in command:
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("process", PROCESSES)
def test_a_killed_process_loses_nothing_and_doubles_nothing(hurried_line, tmp_path, process):
    line = hurried_line
    sent = [films.film(seed, size=512) for seed in (1, 2, 3)]
    killed = []
    for film in sent:
        path = films.write(tmp_path, film)
        for pid in pids(line.system.home, process):
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        # a modality repeats what was not acknowledged
        wait_for(
            "an acknowledgement",
            lambda path=path: dcmsend(line.system.port, [path], line.system.aet)[0] == 0,
        )
    assert killed
    for film in sent:
        story = line.system.delivered(film.StudyInstanceUID, within_s=150)
        assert story["state"] == "screened"
        assert len(line.stored(film.StudyInstanceUID)) == 2
    audited = line.system.run("audit", "--json")
    assert (audited.returncode, json.loads(audited.stdout)["problems"]) == (0, [])
