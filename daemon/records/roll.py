"""The roll: which processes are at work on the ledger, with which version."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, delete, inspect, select, update
from sqlalchemy.orm import Session

from daemon import processes
from daemon.records.ledger import Ledger, changed, now
from daemon.records.process_tables import Process
from daemon.records.tables import Installation

FIRST = "0006"
"""The revision that brought the roll."""


def enter(ledger: Ledger, process: Process) -> str | None:
    """Write a process down; return what programs have to know here, None if any may work.

    Who knows less is not written down. The row comes first and the look second: a migration that
    would break this process either sees the row, or is over before the look.
    """
    with Session(ledger.engine, expire_on_commit=False) as session:
        session.merge(process)
        session.flush()
        # waits for a migration that is about to say otherwise
        terms = select(Installation.least_revision).with_for_update(read=True)
        least = session.scalars(terms).first()
        if least is None or least <= process.knows:
            session.commit()
    return least


def beat(ledger: Ledger, name: str, facts: Mapping[str, Any]) -> bool:
    """Say that a process lives, and what it says of itself; False if its row is gone."""
    living = update(Process).where(Process.name == name)
    with ledger.write() as session:
        alive = living.values(beat=Process.beat + 1, beat_at=now(), facts=dict(facts))
        return changed(session.execute(alive))


def leave(ledger: Ledger, *names: str) -> None:
    """Take processes off the roll."""
    with ledger.write() as session:
        session.execute(delete(Process).where(Process.name.in_(names)))


def everyone(where: Engine | Connection) -> list[Process]:
    """Return who is on the roll, by host; of this host those alone that live.

    A database that is too old to have a roll has nobody on it.
    """
    if not inspect(where).has_table(Process.__tablename__):
        return []
    with Session(where, expire_on_commit=False) as session:
        rows = list(session.scalars(select(Process).order_by(Process.name)))
        session.expunge_all()
    return [one for one in rows if not processes.is_gone(one.name)]


def demand(connection: Connection, least: str | None) -> None:
    """Say what programs have to know from this transaction's end on; others wait for it."""
    connection.execute(update(Installation).values(least_revision=least))
