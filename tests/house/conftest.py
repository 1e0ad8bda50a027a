"""One running line a module: starting it takes seconds."""

from collections.abc import Iterator

import pytest
from line import Line, running_line
from peers import Orthanc


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, orthanc: Orthanc) -> Iterator[Line]:
    """Start the embedded default beside an Orthanc of its own."""
    folder = tmp_path_factory.mktemp("ours")
    with running_line(folder, orthanc, listener_processes=2) as running:
        yield running
