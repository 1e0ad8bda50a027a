"""Copy a whole ledger into an empty one, of whichever databases both are."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Integer, Row, func, insert, select

from daemon.records import decision_tables, people_tables  # noqa: F401 - tables of the schema
from daemon.records.ledger import Ledger
from daemon.records.process_tables import Process
from daemon.records.tables import Peer, Series, Table

ROWS_AT_ONCE = 2000


def is_empty(ledger: Ledger) -> bool:
    """Tell whether nothing has come to a ledger, and nobody has been told to it."""
    with ledger.read() as session:
        return not any(session.scalars(select(one).limit(1)).first() for one in (Series, Peer))


def copy(source: Ledger, target: Ledger) -> int:
    """Copy every row as it stands at one moment; what is being written meanwhile is not in it.

    Parameters
    ----------
    source, target : Ledger
        At one revision; ``target`` holds nothing of worth.

    Returns
    -------
    int
        How many rows.
    """
    rows = 0
    with _one_moment(source) as reading, target.engine.begin() as writing:
        for table in reversed(Table.metadata.sorted_tables):
            writing.execute(table.delete())
        for table in Table.metadata.sorted_tables:
            if table.name == Process.__tablename__:
                # nobody is at work on the copy
                continue
            streamed = reading.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table))
            for part in streamed.partitions():
                writing.execute(insert(table), [_as_row(one) for one in part])
                rows += len(part)
        if target.engine.dialect.name == "postgresql":
            _count_on(writing)
    return rows


@contextmanager
def _one_moment(ledger: Ledger) -> Iterator[Connection]:
    """Read as if nobody else wrote: PostgreSQL and SQLite (in WAL mode) both give a snapshot."""
    with ledger.engine.connect() as connection:
        if ledger.engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        else:
            # Python's driver begins no transaction before the first change
            connection.exec_driver_sql("BEGIN")
        yield connection


def _as_row(row: Row[tuple[object, ...]]) -> dict[str, object]:
    return dict(row._mapping)


def _count_on(connection: Connection) -> None:
    """Have PostgreSQL number new rows after those that came with their numbers."""
    for table in Table.metadata.sorted_tables:
        for column in table.primary_key:
            if not isinstance(column.type, Integer):
                continue
            sequence = connection.scalar(
                select(func.pg_get_serial_sequence(table.name, column.name))
            )
            if sequence:
                last = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
                connection.execute(select(func.setval(sequence, last, False)))
