"""What a PostgreSQL ledger is asked takes few round trips, and says what it always said."""

import pytest
from bench.round_trips import counting
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from daemon.records.ledger import Ledger

ROUND_TRIPS = {"begin": 1, "commit": 1}


@pytest.fixture
def near(postgres_server):
    ledger = Ledger(postgres_server.new_database())
    with ledger.write() as session:
        session.execute(text("CREATE TABLE film (uid text PRIMARY KEY, rows int, pixels bytea)"))
    yield ledger
    ledger.close()


def add(session, uid, rows=None):
    words = "INSERT INTO film VALUES (:uid, :rows, :pixels) RETURNING rows"
    return session.scalar(text(words), {"uid": uid, "rows": rows, "pixels": b"\0\xff"})


def test_a_statement_takes_one_round_trip_and_so_do_begin_and_commit(near):
    with counting() as counted, near.write() as session:
        for number in range(3):
            assert add(session, str(number), number) == number
    assert counted.told() == (3 + sum(ROUND_TRIPS.values()), 3)


def test_what_is_stored_is_read_as_it_was(near):
    with near.write() as session:
        assert add(session, "ä", None) is None
    with near.read() as session:
        rows = session.execute(text("SELECT * FROM film WHERE uid = :uid"), {"uid": "ä"}).all()
        assert rows == [("ä", None, b"\0\xff")]
        changed = session.execute(text("UPDATE film SET rows = :n"), {"n": 2048})
        assert changed.rowcount == 1
        assert session.execute(text("SELECT 1 WHERE :no"), {"no": False}).all() == []


def add_and_fail(near, words):
    with near.write() as session:
        add(session, "2")
        session.execute(text(words), {"uid": "1"})


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("INSERT INTO film VALUES (:uid)", IntegrityError),
        ("SELECT nothing FROM film WHERE uid = :uid", ProgrammingError),
        ("SELECT 1 / (length(:uid) - 1)", ProgrammingError),
    ],
)
def test_what_the_server_refuses_is_said_and_the_connection_goes_on(near, words, error):
    with near.write() as session:
        add(session, "1")
    with pytest.raises(error):
        add_and_fail(near, words)
    with near.read() as session:
        assert session.scalars(text("SELECT uid FROM film")).all() == ["1"]


def test_a_connection_that_died_in_the_pool_is_replaced_unseen(near):
    with near.read() as session:
        mine = session.scalar(text("SELECT pg_backend_pid()"))
    other = Ledger(near.url)
    with other.write() as session:
        assert session.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": mine})
    other.close()
    with near.write() as session:
        add(session, "1")
        assert session.scalar(text("SELECT pg_backend_pid()")) != mine
