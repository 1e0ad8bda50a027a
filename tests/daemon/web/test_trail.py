"""The trail holds what was done, and shows when somebody changed it afterwards."""

import threading

import pytest
from sqlalchemy import text

from daemon import config, schema
from daemon.audit import audit
from daemon.records import trail
from daemon.records.trail import Deed, Watch


@pytest.fixture
def written(ledger):
    for number in range(5):
        trail.write_down(ledger, Deed("ada", "10.0.0.1", "peer set", f"CT{number}", "é\n"))
    return ledger


def test_an_untouched_trail_holds(written):
    assert trail.problems(written) == []
    assert [row.subject for row in trail.newest(written, most=2)] == ["CT4", "CT3"]


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE trail SET person = 'bob' WHERE id = 3", 3),
        ("UPDATE trail SET at = '2020-01-01 00:00:00.000000' WHERE id = 2", 2),
        ("UPDATE trail SET seal = repeat_64 WHERE id = 1", 1),
        ("DELETE FROM trail WHERE id = 4", 4),
        ("DELETE FROM trail WHERE id = 1", 1),
    ],
)
def test_a_row_that_was_changed_or_taken_out_is_named(written, statement, row):
    with written.engine.begin() as connection:
        connection.execute(text(statement.replace("repeat_64", "'" + "a" * 64 + "'")))
    [problem] = trail.problems(written)
    assert f"row {row} " in problem


def test_a_watch_follows_each_row_once_and_a_new_one_follows_them_all(written, monkeypatch):
    watch, looked = Watch(), []
    honest = trail.seal_of
    monkeypatch.setattr(trail, "seal_of", lambda *row: looked.append(row) or honest(*row))
    assert (watch.problems(written), watch.rows, len(looked)) == ([], 5, 5)
    trail.write_down(written, Deed("ada", "", "looked", "1.2.3"))
    looked.clear()
    assert (watch.problems(written), watch.rows, len(looked)) == ([], 6, 1)
    with written.engine.begin() as connection:
        connection.execute(text("UPDATE trail SET person = 'bob' WHERE id = 3"))
    assert watch.problems(written) == []
    assert "row 3 " in Watch().problems(written)[0]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM trail WHERE id > 4", "row 5 held before"),
        ("UPDATE trail SET seal = 'x' WHERE id = 5", "row 5 held before"),
        ("UPDATE trail SET detail = 'x' WHERE id = 6", "row 6 is not"),
        ("DELETE FROM trail WHERE id = 6", "row 6 is gone"),
    ],
)
def test_a_watch_sees_what_was_cut_off_and_what_is_wrong_since(written, statement, words):
    watch = Watch()
    assert watch.problems(written) == []
    for _ in range(2):
        trail.write_down(written, Deed("ada", "", "looked", "1.2.3"))
    with written.engine.begin() as connection:
        connection.execute(text(statement))
    for _ in range(2):
        assert words in watch.problems(written)[0]


def test_many_who_write_at_once_make_one_chain(ledger):
    def write():
        for _ in range(5):
            trail.write_down(ledger, Deed("ada", "", "looked", "1.2.3"))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert trail.count(ledger) == 20
    assert trail.problems(ledger) == []


def test_the_audit_of_the_ledger_includes_the_trail(tmp_path):
    settings = config.load(tmp_path)
    ledger = schema.ready_ledger(settings)
    trail.write_down(ledger, Deed("ada", "", "looked", "1.2.3"))
    found = audit(settings, ledger)
    assert (found["problems"], found["totals"]["audit trail"]) == ([], 1)
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE trail SET subject = '1.2.4'"))
    assert "row 1 is not" in audit(settings, ledger)["problems"][0]
    ledger.close()
