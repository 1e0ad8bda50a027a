"""Does each part get on? A container's probe: ``python -m daemon.health``, of the library alone.

`osteoscreen health` is the same; a probe that comes every half minute should not load a system.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from daemon import pulse
from daemon.pulse import Beat

SILENT_S = 40.0
"""A process says every ten seconds how it goes."""
STILL_S = 300.0
"""Longer than any turn of a loop of ours takes."""

PROCESSES = {
    "listener": ("listener",),
    "intake": ("intake",),
    "worker": ("screen", "deliver", "alone"),
    "web": ("web",),
    "files": ("files",),
}


def problems(home: Path, parts: Sequence[str], ready: bool) -> list[str]:
    """Return what is wrong with the parts that run here, each in one line.

    Parameters
    ----------
    home : Path
        Of the system.
    parts : sequence of str
        Those that have to be here, as `osteoscreen serve --only` names them; empty: some have.
    ready : bool
        Whether they are to take work now, too: they may live and wait for the database.
    """
    beats = pulse.beats(home)
    wanted = [process for part in parts for process in PROCESSES[part]]
    missing = sorted(set(wanted) - {beat.part for beat in beats})
    told = [f"{part} is not running" for part in missing]
    if not beats and not wanted:
        told.append("nothing is running")
    here = [beat for beat in beats if not wanted or beat.part in wanted]
    return told + [words for beat in here if (words := _problem(beat, ready))]


def _problem(beat: Beat, ready: bool) -> str:
    silent_s = time.monotonic() - beat.at_s
    if silent_s > SILENT_S:
        return f"{beat.part} has not answered for {silent_s:.0f} s"
    if beat.still_s > STILL_S:
        return f"{beat.part} has made no progress for {beat.still_s + silent_s:.0f} s"
    return f"{beat.part} is not ready: {beat.obstacle}" if ready and beat.obstacle else ""


def main() -> None:
    """Say what is wrong and end with 1, or with 0."""
    parser = argparse.ArgumentParser(prog="daemon.health", description=__doc__)
    parser.add_argument("--only", default="", help="parts that have to be here, with commas")
    parser.add_argument("--ready", action="store_true", help="and take work now")
    arguments = parser.parse_args()
    home = Path(os.environ.get("OSTEOSCREEN_HOME") or Path.home() / ".osteoscreen")
    parts = [part for part in arguments.only.split(",") if part]
    told = problems(home, parts, arguments.ready)
    sys.stdout.write("".join(f"{line}\n" for line in told or ["ok"]))
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
