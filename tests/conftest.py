"""Fixtures that tests of every room may ask for, and the option that lengthens some."""

import pytest

# real peers: orthanc, dcmtk_storescp, redis_server, postgres_server
pytest_plugins = ["peers"]

WAITING = {"faults", "house"}
"""Folders whose tests start whole sites and wait for them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="run the fault tests in their long form: hours instead of minutes",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: run with --long alone")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal files out in turns, one that mostly waits and one that mostly computes.

    With several at a time on a few cores, neither then runs beside its like.
    """
    files = dict.fromkeys(item.path for item in items)
    waiting = [path for path in files if WAITING & set(path.parts)]
    computing = [path for path in files if path not in waiting]
    turns = {path: turn for kind in (waiting, computing) for turn, path in enumerate(kind)}
    items.sort(key=lambda item: turns[item.path])
