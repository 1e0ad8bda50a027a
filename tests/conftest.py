"""Fixtures that tests of every room may ask for, and the option that lengthens some."""

import gc

import pytest

# what is collected is no garbage: to look for some among it takes a third of the time
gc.disable()

# real peers: orthanc, dcmtk_storescp, redis_server, postgres_server
pytest_plugins = ["peers"]

WAITING = {"faults", "house"}
"""Folders whose tests start whole sites and wait for them."""

SPREAD = 0.8
"""Part of the run over which they are spread; ours."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="run the fault tests in their long form: hours instead of minutes",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: run with --long alone")


def pytest_collection_finish() -> None:
    """Look for garbage from here on, but not among what is loaded."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal files out so that some that wait run beside some that compute, to the end of both.

    Those that wait take longest and are spread over the first part: what is left at the end keeps
    every core at work.
    """
    files = dict.fromkeys(item.path for item in items)
    waiting = [path for path in files if WAITING & set(path.parts)]
    computing = [path for path in files if path not in waiting]
    turns = {path: turn / len(computing) for turn, path in enumerate(computing)}
    turns |= {path: SPREAD * turn / len(waiting) for turn, path in enumerate(waiting)}
    items.sort(key=lambda item: turns[item.path])
