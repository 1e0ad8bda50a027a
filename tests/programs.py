"""Programs of other projects that some tests need."""

import os
import shutil
import sys
from pathlib import Path

import pytest

# programs that come as packages lie beside the interpreter, which need not be on PATH
OUR_BIN = Path(sys.executable).parent


def find_program(name: str) -> str:
    """Return the path of a program; without it the test skips, and in CI it fails."""
    places = [str(OUR_BIN), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    path = shutil.which(name, path=os.pathsep.join(places))
    if path:
        return path
    reason = f"{name} is not installed; .ci/run says which packages bring the peers"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
