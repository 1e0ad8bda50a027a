"""Count what each step of a chest film asks of a PostgreSQL ledger: round trips and statements.

Run with `PYTHONPATH=tests python -m bench.round_trips`. A round trip is one wait for the server: on
a ledger that is 10 ms away each costs 10 ms. One process does all, so nobody else is counted.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import films
import pytest
from main_path import Site
from peers import DcmtkStorescp, PostgresServer
from pg8000.core import CoreConnection
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, event

from daemon.records.tables import Stage
from workers import screen
from workers.room import EngineRoom


class Counted:
    """What went to the server since it was last asked."""

    def __init__(self) -> None:
        self.round_trips = self.statements = 0

    def told(self) -> tuple[int, int]:
        """Return round trips and statements, and begin anew."""
        told = self.round_trips, self.statements
        self.round_trips = self.statements = 0
        return told


@contextmanager
def counting() -> Iterator[Counted]:
    """Count what goes to the server from all connections of this process."""
    counted, waits = Counted(), CoreConnection.handle_messages

    def one_more(connection: CoreConnection, context: Any) -> None:
        counted.round_trips += 1
        waits(connection, context)

    def another(*_: object) -> None:
        counted.statements += 1

    event.listen(Engine, "after_cursor_execute", another)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(CoreConnection, "handle_messages", one_more)
            yield counted
    finally:
        event.remove(Engine, "after_cursor_execute", another)


def steps(folder: Path, url: str, pacs: DcmtkStorescp) -> Iterator[tuple[str, int, int]]:
    """Give each step of the second film with its counts: the first has made what all share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSTEOSCREEN_DATABASE_URL", url)
        site = Site(folder, EngineRoom(None, engine_threads=1))
    site.stage(Stage.RESEARCH)
    site.add(pacs.aet, pacs.port)
    with counting() as counted:
        for ds in (films.film(1), films.film(2)):
            todo = {
                "intake: index and settle": partial(site.receive, ds),
                "screen": partial(screen.screen, site.bench, ds.SeriesInstanceUID),
                "deliver two objects": site.deliver,
            }
            found = [(name, *_of(counted, step)) for name, step in todo.items()]
    assert site.story(ds)["state"] == "screened", site.story(ds)
    yield from found
    site.ledger.close()


def _of(counted: Counted, step: Callable[[], object]) -> tuple[int, int]:
    counted.told()
    step()
    return counted.told()


def main() -> None:
    table = Table(title="a chest film on PostgreSQL")
    for title in ("step", "round trips", "statements"):
        table.add_column(title, justify="left" if title == "step" else "right")
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as server:
        pacs = DcmtkStorescp(Path(folder) / "pacs", "PACS")
        with pacs:
            rows = list(steps(Path(folder) / "home", server.new_database(), pacs))
    for name, trips, statements in rows:
        table.add_row(name, str(trips), str(statements))
    Console().print(table)


if __name__ == "__main__":
    main()
