"""The intake's turns: none keeps another from its work."""

import errno
import subprocess
import sys

import pytest
from sqlalchemy.exc import OperationalError

from daemon import part

REFUSALS = {
    "a file that cannot be unlinked": OSError(errno.EPERM, "Operation not permitted"),
    "a disk that fails": OSError(errno.EIO, "Input/output error"),
    "a full disk": OSError(errno.ENOSPC, "No space left on device"),
    "a database that is away": OperationalError("SELECT 1", {}, Exception("away")),
}


class Rooms:
    """What is asked for room when the disk is full."""

    gave_up = False

    def at_the_last_byte(self):
        self.gave_up = True


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_is_refused_is_told_and_ends_no_process(refusal, monkeypatch, caplog):
    monkeypatch.setattr(part, "AGAIN_S", 0)
    rooms = Rooms()

    def turn():
        raise REFUSALS[refusal]

    assert not part._try(turn, rooms)
    assert "event=" in caplog.text
    assert rooms.gave_up == (refusal == "a full disk")


def test_an_error_of_ours_is_not_hidden():
    def turn():
        raise KeyError

    with pytest.raises(KeyError):
        part._try(turn, Rooms())


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("daemon.cli", ("pydicom", "numpy")),
        ("daemon.intake", ("scipy", *part.DECODERS)),
        ("daemon.scp", ("numpy", *part.DECODERS)),
    ],
)
def test_a_process_that_decodes_nothing_does_without_what_decodes(module, heavy):
    without = f"import sys; sys.modules.update(dict.fromkeys({heavy!r}));"
    subprocess.run([sys.executable, "-c", f"{without} import {module}"], check=True)
