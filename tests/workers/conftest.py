"""The engines, loaded once."""

import pytest

from workers.room import EngineRoom


@pytest.fixture(scope="session")
def room():
    """Return an engine room that keeps what it has loaded."""
    return EngineRoom(None, engine_threads=1)
