"""Programs of other projects that some tests need."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

# Programs that come as packages lie beside the interpreter. Only these are looked for there, for
# pynetdicom brings a storescu, an echoscu and a storescp of its own, and the tests mean DCMTK's.
OUR_BIN = str(Path(sys.executable).parent)
PACKAGED = ("dciodvfy", "dcentvfy")


def find_program(name: str) -> str:
    """Return the path of a program; without it the test skips, and in CI it fails."""
    places = [*_places(), OUR_BIN] if name in PACKAGED else _places()
    return shutil.which(name, path=os.pathsep.join(places)) or missing(name)


def missing(name: str) -> NoReturn:
    """Skip the test that needs something; in CI fail it, so that a hole cannot hide there."""
    reason = f"{name} is not installed; .ci/run says which packages bring the peers"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _places() -> list[str]:
    path = os.environ.get("PATH", "").split(os.pathsep)
    return [place for place in (*path, "/usr/sbin", "/usr/local/sbin") if place != OUR_BIN]
