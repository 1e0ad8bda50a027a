"""What the pages ask of a large ledger is found by indexes, in both databases."""

from datetime import timedelta

import pytest
from bench.pages import fill
from sqlalchemy import event

from daemon.records import evidence, flow, search, summary, tally
from daemon.records.flow import Period
from daemon.records.ledger import last_events, now
from daemon.records.search import Wanted
from daemon.records.tables import DISK, SeriesState

LARGE = ("series", "instance", "event", "screening", "delivery", "result_object")
DAY = timedelta(days=1)
ASKED = {
    "what presses": summary.pressing,
    "the days": lambda ledger: tally.days(ledger, 14),
    "today's reasons": lambda ledger: tally.reasons(ledger, now() - DAY, SeriesState.SKIPPED),
    "the last images": lambda ledger: tally.last_images(ledger, ["CR1"]),
    "the disk": lambda ledger: last_events(ledger, DISK, 1),
    "the newest studies": lambda ledger: search.studies(ledger, Wanted()),
    "the flagged": lambda ledger: search.studies(ledger, Wanted(flagged=True)),
    "a patient": lambda ledger: search.studies(ledger, Wanted(patient_key="x")),
    "a study": lambda ledger: search.studies(ledger, Wanted(uid="1.2.77")),
    "a story": lambda ledger: summary.study(ledger, "1.2.80"),
    "the skipped for a reason": lambda ledger: search.studies(
        ledger, Wanted(state="skipped", reason="age-missing")
    ),
    "the status": summary.status,
    "a page of the audit": lambda ledger: next(evidence.acknowledged(ledger)),
    "its results": lambda ledger: evidence.results_of(ledger, {"1.2.80.1", "1.2.81.1"}),
    "its files": lambda ledger: evidence.images(ledger, ["1.2.80.1.1", "1.2.81.1.1"]),
    "the flow": lambda ledger: flow.flow(ledger, Period(now() - DAY, now())),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ledger(request, tmp_path_factory):
    from daemon import config

    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server").new_database()
    home = tmp_path_factory.mktemp("quick") / "home"
    ledger = fill(config.Settings(home=home, database_url=url), 1000)
    yield ledger
    ledger.close()


@pytest.mark.parametrize("asked", ASKED)
def test_no_large_table_is_read_whole_for_a_page(ledger, asked):
    statements = []

    def heard(_connection, _cursor, statement, parameters, *_):
        statements.append((statement, parameters))

    event.listen(ledger.engine, "before_cursor_execute", heard)
    ASKED[asked](ledger)
    event.remove(ledger.engine, "before_cursor_execute", heard)
    assert statements
    for statement, parameters in statements:
        if not statement.startswith("SELECT"):
            continue
        for line in plan(ledger, statement, parameters):
            assert not reads_whole(line), f"{line}\n{statement}"


def plan(ledger, statement, parameters):
    postgresql = ledger.engine.dialect.name == "postgresql"
    how = "EXPLAIN " if postgresql else "EXPLAIN QUERY PLAN "
    with ledger.engine.connect() as connection:
        if postgresql:
            # a table of a thousand rows is read whole where no index were of any use in it
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        rows = connection.exec_driver_sql(how + statement, parameters).all()
    return [str(row[-1]) for row in rows]


def reads_whole(line):
    """Tell whether a step of a plan reads a large table without an index."""
    words = line.replace("->", "").split()
    if words[:3] == ["Seq", "Scan", "on"]:
        return words[3] in LARGE
    return words[0] == "SCAN" and words[1] in LARGE and "INDEX" not in words


def test_sqlite_learns_what_a_large_ledger_holds(ledger):
    postgresql = ledger.engine.dialect.name == "postgresql"
    assert not ledger.learn()
    assert ledger.learn(1000) is not postgresql
    if not postgresql:
        with ledger.engine.begin() as connection:
            told = connection.exec_driver_sql("SELECT DISTINCT tbl FROM sqlite_stat1").scalars()
            assert {"series", "screening", "delivery"} <= set(told)
            connection.exec_driver_sql("DELETE FROM sqlite_stat1")
