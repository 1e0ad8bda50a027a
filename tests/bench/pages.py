"""Time the site's pages on a ledger of many studies, as a browser asks for them.

Run with `PYTHONPATH=tests python -m bench.pages`. The rows are of no patient and have no files; the
site and who asks are one process, so each figure holds both. Seconds of CPU are of that process and
of PostgreSQL's: on a busy machine they tell what the others do not.
"""

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from browsing import running_site, signed_in
from peers import PostgresServer
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from daemon import config, schema
from daemon.pseudonyms import Pseudonyms
from daemon.records.ledger import Ledger, insert_all, now
from daemon.records.people_tables import Right
from daemon.records.tables import Delivery, Event, Instance, Peer, ResultObject, Screening, Series
from daemon.settings import Settings

RESULTS = Path("bench-results")
A_DAY = 500
AT_ONCE = 2000
THRESHOLD = 0.9
PAGES = {
    "overview": "/",
    "studies": "/studies",
    "flagged": "/studies?state=flagged",
    "skipped for a reason": "/studies?state=skipped&reason=age-missing",
    "one study": "/study?uid=1.2.77",
    "deliveries": "/deliveries",
    "flow of 28 days": "/flow",
    "peers": "/peers",
}


def _rows(number: int, studies: int, pseudonyms: Pseudonyms) -> dict[type, list[dict[str, Any]]]:
    """Return what the ledger holds of one study: half are screened, a tenth of those flagged."""
    at = now() - timedelta(days=(studies - number) / A_DAY)
    uid, sop = f"1.2.{number}.1", f"1.2.{number}.1.1"
    screened, flagged = number % 2 == 0, number % 20 == 0
    state = "screened" if screened else "failed" if number % 101 == 0 else "skipped"
    reason = None if screened else "age-missing" if number % 4 == 1 else "exam-not-screened"
    reason = "pixels-undecodable" if state == "failed" else reason
    series = {
        "SeriesInstanceUID": uid, "StudyInstanceUID": f"1.2.{number}", "modality": "DX",
        "exam": "cxr" if screened else None, "state": state, "reason": reason, "images": 1,
        "first_at": at, "opened_at": at, "last_at": at, "ended_at": at,
        "patient_key": pseudonyms.of("PatientID", f"P{number // 3}"),
        "accession_key": pseudonyms.of("AccessionNumber", f"A{number}"),
    }  # fmt: skip
    instance = {
        "SOPInstanceUID": sop, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1", "sha256": "0" * 64,
        "SeriesInstanceUID": uid, "TransferSyntaxUID": "1.2.840.10008.1.2.1", "calling_aet": "CR1",
        "received_at": at, "size_bytes": 1,
    }  # fmt: skip
    events = [
        {"at": at, "kind": kind, "SeriesInstanceUID": uid, "detail": "bench"}
        for kind in ("queued", state)
    ]
    rows: dict[type, list[dict[str, Any]]] = {Series: [series], Instance: [instance], Event: events}
    if screened:
        rows |= _result(number, at, flagged)
    return rows


def probability(number: int) -> float:
    """Return the score of a study: a tenth of those that are screened lie above the threshold."""
    below = (number % 97) / 97 * THRESHOLD
    return THRESHOLD + (1 - THRESHOLD) / 2 if number % 20 == 0 else below


def _result(number: int, at: Any, flagged: bool) -> dict[type, list[dict[str, Any]]]:
    finding = {"name": "osteoporosis", "site": "chest", "laterality": None, "flagged": flagged}
    finding |= {"probability": probability(number), "threshold": THRESHOLD}
    finding |= {"quantity": "probability"}
    finding |= {"words": ""}
    result = {"model": "cxr_osporscreen", "version": "1", "state": "screened", "flagged": flagged}
    result |= {"findings": [finding], "reason": None, "detail": None}
    screening = {
        "id": number + 1, "SeriesInstanceUID": f"1.2.{number}.1", "model": "cxr_osporscreen",
        "version": "1", "weights_sha256": "0" * 64, "key": f"{number:064d}", "stage": "research",
        "state": "screened", "flagged": flagged, "result": result, "analysed_at": at,
        "current": True,
    }  # fmt: skip
    made = {
        "SOPInstanceUID": f"2.25.{number}", "SOPClassUID": "1.2", "SeriesInstanceUID": "2.25.1",
        "screening_id": number + 1, "kind": "SR", "sha256": "0" * 64,
    }  # fmt: skip
    parked = number % 1000 == 0
    delivery = {
        "screening_id": number + 1, "SOPInstanceUID": f"2.25.{number}", "aet": "PACS",
        "state": "parked" if parked else "sent", "rung_at": at, "status": 0xA700 if parked else 0,
        "detail": "out of resources" if parked else None, "sent_at": None if parked else at,
    }  # fmt: skip
    return {Screening: [screening], ResultObject: [made], Delivery: [delivery]}


def fill(settings: Settings, studies: int) -> Ledger:
    """Return a ledger of many studies, five hundred a day until now."""
    schema.migrate(settings)
    ledger, pseudonyms = schema.open_ledger(settings), Pseudonyms(settings.home)
    for begin in range(0, studies, AT_ONCE):
        piece = range(begin, min(begin + AT_ONCE, studies))
        every = [_rows(number, studies, pseudonyms) for number in piece]
        with ledger.write() as session:
            for table in (Series, Instance, Event, Screening, ResultObject, Delivery):
                rows = [row for one in every for row in one.get(table, ())]
                if rows:
                    insert_all(session, table, rows)
    with ledger.write() as session:
        for aet, sends, results in (("CR1", True, "none"), ("PACS", False, "all")):
            one = Peer(aet=aet, host="10.0.0.1", port=104, sends=sends, results=results)
            one.role, one.sr_class = "research", "1.2.840.10008.5.1.4.1.1.88.34"
            session.add(one)
    # as the sweep does after a while, and PostgreSQL's autovacuum
    if not ledger.learn() and ledger.engine.dialect.name == "postgresql":
        with ledger.engine.begin() as connection:
            connection.execute(text("ANALYZE"))
    return ledger


def cpu_of(server: PostgresServer) -> float:
    """Return the seconds of CPU that the processes of a server have taken, to the nanosecond."""
    own, taken = str(server.process.pid), 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[1] == own:
                taken += int(stat.with_name("schedstat").read_text().split()[0]) / 1e9
    return taken


def timed(ask: Any, rounds: int, server: PostgresServer) -> tuple[float, float]:
    """Return the median of wall and of CPU milliseconds."""
    walls, cpus = [], []
    for _ in range(rounds):
        began = cpu_of(server), time.process_time(), time.perf_counter()
        answer = ask()
        wall, cpu = time.perf_counter(), time.process_time()
        walls.append((wall - began[2]) * 1e3)
        cpus.append((cpu - began[1] + cpu_of(server) - began[0]) * 1e3)
        assert answer.status_code == 200, answer.text
    return statistics.median(walls), statistics.median(cpus)


def measure(
    settings: Settings, studies: int, rounds: int, server: PostgresServer
) -> Iterator[tuple[str, float, float]]:
    """Give each page with its medians."""
    ledger = fill(settings, studies)
    ledger.engine.dispose()
    with running_site(settings, ledger) as origin:
        browser = signed_in(origin, ledger, Right.OPERATOR)
        for name, path in PAGES.items():
            if browser.get(path).status_code != 404:
                yield name, *timed(lambda path=path: browser.get(path), rounds, server)
        key = browser.key()
        form = {"form_key": key, "patient": "P77"}
        asked = lambda: browser.client.post("/studies", data=form)  # noqa: E731
        yield "by patient ID", *timed(asked, rounds, server)
    ledger.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    table = Table(title=f"pages at {options.studies} studies, medians of {options.rounds}")
    for column in ("database", "page", "ms", "ms of CPU"):
        table.add_column(column, justify="right" if "ms" in column else "left")
    rows = []
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as server:
        for database, url in (("SQLite", ""), ("PostgreSQL", server.new_database())):
            settings = config.Settings(home=Path(folder) / database, database_url=url)
            for name, wall_ms, cpu_ms in measure(settings, options.studies, options.rounds, server):
                rows.append({"database": database, "page": name, "ms": wall_ms, "cpu_ms": cpu_ms})
                table.add_row(database, name, f"{wall_ms:.0f}", f"{cpu_ms:.0f}")
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "pages.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
