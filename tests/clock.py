"""A wall clock that the tests set, for the processes of one system: libfaketime, if installed."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Clock:
    """The wall clock of some processes; their steady clock and the disk's stay as they are.

    They need the hook of ``poison`` too, which gives them a sleep that libfaketime bears.
    """

    def __init__(self, folder: Path) -> None:
        if not LIBRARIES:
            missing = "faketime is not installed: apt-get install faketime"
            if os.environ.get("CI") == "true":
                pytest.fail(missing)
            pytest.skip(missing)
        self.file = folder / "clock"
        self.step(0)
        self.environment = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def step(self, seconds: float) -> None:
        """Set the clock to so far from the true time."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+.0f}\n")
        new.rename(self.file)

    def set(self, moment: datetime) -> None:
        """Set the clock to a moment."""
        self.step(moment.timestamp() - time.time())


def before(year: int, month: int, day: int, hour: int, seconds: float) -> datetime:
    """Return the moment so many seconds before an hour, in UTC."""
    then = datetime(year, month, day, hour, tzinfo=UTC).timestamp()
    return datetime.fromtimestamp(then - seconds, UTC)
