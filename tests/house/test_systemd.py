"""The unit that `deploy/systemd` gives: systemd takes it, and finds little to say against it."""

import re
import subprocess
from pathlib import Path

from ours import COMMAND
from programs import find_program

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "osteoscreen.service"
EXPOSURE_MOST = 2.0
"""Of 10, as `systemd-analyze security` counts."""


def analyze(*arguments):
    command = [find_program("systemd-analyze"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_takes_the_unit(tmp_path):
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace("/opt/osteoscreen/bin/osteoscreen", str(COMMAND)))
    answer = analyze("verify", "--man=no", str(here))
    assert answer.returncode == 0 and not answer.stderr, answer.stderr


def test_the_unit_leaves_little_exposed():
    told = analyze("security", "--offline=true", str(UNIT)).stdout
    assert float(re.findall(r"exposure level for \S+ ([\d.]+)", told)[0]) <= EXPOSURE_MOST
