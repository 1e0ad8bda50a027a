"""Fixtures that tests of every room may ask for, and the option that lengthens some."""

import pytest

# real peers: orthanc, dcmtk_storescp, redis_server, postgres_server
pytest_plugins = ["peers"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="run the fault tests in their long form: hours instead of minutes",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: run with --long alone")
