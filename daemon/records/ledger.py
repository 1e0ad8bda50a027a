"""Open the database, the same way on SQLite and PostgreSQL."""

import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Cast,
    ColumnElement,
    CursorResult,
    Engine,
    String,
    cast,
    column,
    create_engine,
    event,
    func,
    insert,
    inspect,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from daemon.records import failover, round_trips
from daemon.records.tables import Event, Installation, Table

LedgerError = SQLAlchemyError
"""What any change raises when the database cannot be reached or refuses it."""

LOCK_WAIT_S = 30
"""How long SQLite waits for another writer: longer than any transaction of ours."""

PG_SILENT_S = 60
"""How long PostgreSQL may say nothing: longer than any query of ours. A host that lost its power
says nothing for ever."""

LARGE = 10_000
"""Series from which SQLite is asked to count: what it learns of fewer misleads it later."""

MIGRATING = 0x05E0
"""Number of our advisory lock; ours."""


def now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(UTC)


class Ledger:
    """The open database; every change goes through :meth:`write`, one transaction each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _open(url)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session whose changes are committed at the end, or not at all."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    read = write

    def revision(self) -> str | None:
        """Return the Alembic revision the database stands at, None when it is empty."""
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return str(
                connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            )

    def least_revision(self) -> str | None:
        """Return which revision a program has to know to work here, None for any."""
        with self.read() as session:
            return session.scalars(select(Installation.least_revision)).first()

    def namespace(self) -> uuid.UUID:
        """Return the namespace of this installation's UIDs, made once, at the first call."""
        with self.write() as session:
            row = session.get(Installation, 1)
            if row is None:
                row = Installation(id=1, namespace=str(uuid.uuid4()), created_at=now())
                session.add(row)
        return uuid.UUID(row.namespace)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process migrate at a time, on whichever host; SQLite serves one host alone."""
        if self.engine.dialect.name != "postgresql":
            yield
            return
        with self.engine.begin() as connection:
            # given back with the transaction, and by the server if we die
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
            yield

    def learn(self, least: int = LARGE) -> bool:
        """Let SQLite count what its tables hold, so that it picks the right index.

        0.1 s of CPU at 60,000 series; looking at a few rows of each alone does not help it.

        PostgreSQL does so by itself. False where there is little, which any way is quick in.
        """
        if self.engine.dialect.name != "sqlite":
            return False
        with self.engine.begin() as connection:
            rows = connection.exec_driver_sql("SELECT max(rowid) FROM series").scalar() or 0
            if rows >= least:
                connection.exec_driver_sql("ANALYZE")
        return rows >= least

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def note(session: Session, kind: str, **facts: str | None) -> None:
    """Write one decision down, in the transaction that carries it out.

    Parameters
    ----------
    session : Session
        Of the change this explains.
    kind : str
        What happened, e.g. ``queued``.
    **facts
        ``SeriesInstanceUID``, ``aet``, ``reason``, ``detail``; never a patient's identity.
    """
    session.add(Event(at=now(), kind=kind, **facts))


def insert_all(session: Session, table: type[Table], rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows, all with the same keys, in one statement.

    PostgreSQL is given them as one JSON text: its driver, which is written in Python, takes longer
    over thousands of parameters than the server takes over the rows.
    """
    if not rows:
        return
    if session.get_bind().dialect.name != "postgresql":
        session.execute(insert(table), rows)
        return
    columns = [one for one in inspect(table).columns if one.name in rows[0]]
    fields = [column(one.name, one.type) for one in columns]
    text = _json_text(rows)
    record = func.json_to_recordset(text).table_valued(*fields).render_derived(with_types=True)
    these = select(*(record.c[one.name] for one in columns))
    session.execute(insert(table).from_select([one.name for one in columns], these))


def among(
    session: Session, attribute: InstrumentedAttribute[str], values: Collection[str]
) -> ColumnElement[bool]:
    """Say that a column has one of many values.

    PostgreSQL is given them as one JSON text: a list of hundreds of parameters makes it read the
    whole table.
    """
    if session.get_bind().dialect.name != "postgresql":
        return attribute.in_(values)
    each = func.json_array_elements_text(_json_text(list(values))).column_valued("value")
    return attribute.in_(select(each))


def _json_text(value: object) -> Cast[Any]:
    return cast(literal(json.dumps(value, default=_as_stored), String), JSON)


def _as_stored(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def note_all(session: Session, events: Sequence[dict[str, str | None]]) -> None:
    """Write down many decisions, as :func:`note` does one, in one statement."""
    if events:
        moment = now()
        insert_all(session, Event, [{"at": moment, **event} for event in events])


def changed(result: object) -> bool:
    """Tell whether an update found its row."""
    assert isinstance(result, CursorResult)
    return bool(result.rowcount)


def last_events(ledger: Ledger, kind: str, most: int = 10) -> list[Event]:
    """Return the newest events of one kind, newest first."""
    with ledger.read() as session:
        newest = select(Event).where(Event.kind == kind).order_by(Event.id.desc()).limit(most)
        return list(session.scalars(newest))


def _open(url: str) -> Engine:
    if not url.startswith("sqlite"):
        url, places = failover.split(_with_driver(url))
        ours = "+pg8000:" in url
        engine = create_engine(
            url,
            pool_pre_ping=not ours,
            connect_args={"timeout": PG_SILENT_S} if ours else {},
            hide_parameters=True,
        )
        if ours:
            round_trips.spare(engine)
        if places is not None:
            failover.use(engine, places)
        return engine
    engine = create_engine(url, connect_args={"timeout": LOCK_WAIT_S}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _with_driver(url: str) -> str:
    """Name the driver we ship where an admin wrote the plain PostgreSQL URL."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+pg8000://" + url.removeprefix(plain)
    return url


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # FULL: a committed row survives a power cut, as the image it stands for does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
