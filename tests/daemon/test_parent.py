"""Parts that leave when the one who started them is gone, however early or badly that ended."""

import signal
import subprocess
import sys

import pytest
from faults.site import pids
from ours import Osteoscreen
from peers import wait_for

DEAF = """
import signal, time
from daemon import parent
signal.signal(signal.SIGTERM, signal.SIG_IGN)
parent.POLITE_S = 0.2
parent.leave_with_parent({parent})
time.sleep(60)
"""


@pytest.fixture
def gone():
    """Return the number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.parametrize("part", [["daemon.part", "intake"], ["workers", "deliver"]])
def test_a_part_whose_parent_was_gone_before_it_had_begun_leaves(tmp_path, gone, part):
    command = [sys.executable, "-m", *part, "--home", str(tmp_path), "--parent", str(gone)]
    # either would run for ever
    assert subprocess.run(command, timeout=60, check=False).returncode in (0, -signal.SIGTERM)


def test_a_part_that_does_not_listen_is_ended_by_force(gone):
    ended = subprocess.run(
        [sys.executable, "-c", DEAF.format(parent=gone)], timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL


def test_a_part_without_a_parent_stays():
    deaf = DEAF.format(parent=None).replace("sleep(60)", "sleep(1)")
    assert subprocess.run([sys.executable, "-c", deaf], timeout=60, check=False).returncode == 0


def test_a_supervisor_killed_while_its_parts_begin_leaves_none_of_them(tmp_path):
    with Osteoscreen(tmp_path) as system:
        wait_for("parts to begin", lambda: pids(f"--home {system.home}"))
        system.process.kill()
        wait_for("all parts to leave", lambda: not pids(f"--home {system.home}"))
