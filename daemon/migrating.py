"""Change the ledger's revision, unless that would break a process that runs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alembic import command
from alembic.config import Config

from daemon import revisions
from daemon.errors import ConfigError
from daemon.presence import BEAT_S
from daemon.records import roll
from daemon.records.ledger import Ledger
from daemon.records.process_tables import Process
from daemon.revisions import Revision

SILENT_S = 3 * BEAT_S
"""So long without a beat, a process on another host is taken for gone."""
LOOK_S = 0.5

Breaks = Callable[[Process], bool]


@dataclass(frozen=True)
class Migrated:
    """Where the ledger stands, and what was held back for whom."""

    revision: str
    held_back: str = ""


def up(ledger: Ledger, wait: bool) -> Migrated:
    """Bring a ledger up to the newest revision, or to the last before what would break somebody.

    Parameters
    ----------
    ledger : Ledger
        Nobody else migrates it now.
    wait : bool
        Whether to watch whom a revision would break, for whether they still live; else they count
        as alive.

    Raises
    ------
    ConfigError
        If this program cannot work with what is reached.
    """
    reached = ledger.revision()
    if reached is None:
        return _first(ledger)
    for step in revisions.revisions():
        if step.number <= reached:
            continue
        if in_the_way := _in_the_way(ledger, step, wait):
            return _held_back(reached, step, in_the_way)
        reached = _to(ledger, step)
    return Migrated(reached)


def down(ledger: Ledger, target: str) -> Migrated:
    """Take a ledger back to an earlier revision, with what later ones brought.

    Raises
    ------
    ConfigError
        If there is no such revision, or a process runs that needs a later one.
    """
    if target not in [one.number for one in revisions.revisions()]:
        raise ConfigError(f"--to {target}: there is no such revision")
    if (ledger.revision() or "") <= target:
        raise ConfigError(f"--to {target}: the database is at revision {ledger.revision()}")
    running = _alive(ledger, lambda one: one.needs > target, wait=True)
    if running:
        raise ConfigError(f"--to {target}: first stop {_names(running)}, which need later ones")
    with ledger.engine.begin() as connection:
        if target >= roll.FIRST:
            roll.demand(connection, revisions.least(target))
        command.downgrade(_config(connection), target)
    return Migrated(target)


def _first(ledger: Ledger) -> Migrated:
    """Make a ledger where there is none: there is nobody to break."""
    with ledger.engine.begin() as connection:
        command.upgrade(_config(connection), "head")
    ledger.namespace()
    with ledger.engine.begin() as connection:
        roll.demand(connection, revisions.least(revisions.newest()))
    return Migrated(revisions.newest())


def _in_the_way(ledger: Ledger, step: Revision, wait: bool) -> Sequence[Process]:
    before = step.breaks_before
    return _alive(ledger, lambda one: one.knows < before, wait) if before else ()


def _alive(ledger: Ledger, breaks: Breaks, wait: bool) -> Sequence[Process]:
    """Return who would break and lives: whose beat moves, or, without waiting, who is on the roll.

    Who stands still is taken off the roll; should it wake up, it asks again whether it may work.
    """
    first = {one.name: one.beat for one in roll.everyone(ledger.engine) if breaks(one)}
    until = time.monotonic() + SILENT_S
    while True:
        now = [one for one in roll.everyone(ledger.engine) if breaks(one)]
        moved = [one for one in now if first.get(one.name) != one.beat]
        if not now or moved or not wait:
            return now
        if time.monotonic() >= until:
            roll.leave(ledger, *first)
            return ()
        time.sleep(LOOK_S)


def _to(ledger: Ledger, step: Revision) -> str:
    with ledger.engine.begin() as connection:
        if step.breaks_before:
            # first: from here on nobody enters who would break
            roll.demand(connection, revisions.least(step.number))
            if late := [one for one in roll.everyone(connection) if one.knows < step.breaks_before]:
                raise ConfigError(f"{_names(late)} began just now: migrate again")
        command.upgrade(_config(connection), step.number)
    return step.number


def _held_back(reached: str, step: Revision, running: Sequence[Process]) -> Migrated:
    why = (
        f"revision {step.number} would break what runs: {_names(running)}. Bring these to this "
        "version, then run osteoscreen migrate once more"
    )
    if reached < revisions.needed():
        raise ConfigError(why)
    return Migrated(reached, why)


def _names(running: Sequence[Process]) -> str:
    return ", ".join(f"{one.part} {one.version} on {one.host}" for one in running)


def _config(connection: Any) -> Config:
    config = Config()
    config.set_main_option("script_location", str(revisions.SCRIPTS))
    config.attributes["connection"] = connection
    return config
