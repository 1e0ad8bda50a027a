"""The fault suite: short by default, `--long` for the numbers that the reliability page shows."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

HERE = Path(__file__).parent
LONGEST_S = 4 * 3600
FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Leave out what is marked long, or give all that is here the time that the long form takes."""
    long = config.getoption("--long", default=False)
    for item in items:
        if long and item.path.is_relative_to(HERE):
            # in front, where it counts more than a mark of the test's own
            item.add_marker(pytest.mark.timeout(LONGEST_S), append=False)
        elif not long and item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="runs with --long alone"))


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print what the tests measured, whether they passed or not."""
    if figures := config.stash[FIGURES]:
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Say whether the long form was asked for."""
    return bool(request.config.getoption("--long", default=False))


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what adds a line to the figures that are printed at the end of the run."""
    return request.config.stash[FIGURES].append
