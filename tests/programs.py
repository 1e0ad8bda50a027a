"""Programs of other projects that some tests need."""

import os
import shutil
import sys
from pathlib import Path

import pytest

# Programs that come as packages lie beside the interpreter, which need not be on PATH. Looked at
# last: pynetdicom brings a storescu, echoscu and storescp of its own, and DCMTK's are meant.
OUR_BIN = Path(sys.executable).parent


def find_program(name: str) -> str:
    """Return the path of a program; without it the test skips, and in CI it fails."""
    path = os.environ.get("PATH", "").split(os.pathsep)
    places = [place for place in path if Path(place) != OUR_BIN]
    places += ["/usr/sbin", "/usr/local/sbin", str(OUR_BIN)]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found:
        return found
    reason = f"{name} is not installed; .ci/run says which packages bring the peers"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
