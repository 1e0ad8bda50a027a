"""Time the ledger on PostgreSQL with millions of instance rows beside one with few.

Run with `PYTHONPATH=tests python -m bench.many_rows`. The server makes the rows: days of 23 series
and 500 images (a CT of 300 and 150, an MR of 30, 20 films), nine of them screened, purged after two
months, of a year, or of `--days`. Half a kilobyte an image is needed on the disk of the temporary
folder. The database is that of the tests, which does not wait for its disk, with what it would have
on a host of its own.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from bench.pages import PAGES, cpu_of
from browsing import running_site, signed_in
from peers import PostgresServer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

from daemon import config, schema
from daemon.records import arrivals, evidence, rates, retention, settling, summary
from daemon.records.arrivals import Arrival, Receipt
from daemon.records.ledger import Ledger, now
from daemon.records.people_tables import Right
from daemon.records.retention import Rule
from daemon.records.settling import Patience
from daemon.settings import Settings
from daemon.upkeep import Sweep

RESULTS = Path("bench-results")
A_BLOCK = 500
KEPT_DAYS = 60
BATCH = 500
SLOW_S = 60.0
"""What takes longer is asked once."""

# each block: studies of one CT and MR, and of twenty films; evenly over all days
SERIES = """
CREATE TABLE many AS
SELECT b * 23 + k AS number, k, modality, images, seen,
       '1.2.826.0.1.3680043.' || mod((b * 23 + k) * 2654435761, 4294967296) || '.' || b AS uid,
       '1.2.826.0.1.3681.' || b || '.' || greatest(k, 2) AS study,
       now() AT TIME ZONE 'UTC' - interval '1 day' * :days * (:blocks - b) / :blocks AS at,
       CASE WHEN b >= :blocks - 5 THEN 'receiving' WHEN b >= :blocks - 15 THEN 'queued'
            WHEN seen THEN 'screened' ELSE 'skipped' END AS state
FROM generate_series(0::bigint, :blocks - 1) b, (
  SELECT 0 AS k, 'CT' AS modality, 300 AS images, true AS seen
  UNION ALL SELECT 1, 'CT', 150, false UNION ALL SELECT 2, 'MR', 30, false
  UNION ALL SELECT k, 'DX', 1, k < 11 FROM generate_series(3, 22) k) kinds
"""
FILLED = (
    """
INSERT INTO series ("SeriesInstanceUID", "StudyInstanceUID", modality, exam, state, reason, images,
  first_at, opened_at, last_at, queued_at, ended_at, purged_at, lease_beat, attempts, patient_key,
  accession_key, holder)
SELECT uid, study, modality, CASE WHEN seen THEN CASE k WHEN 0 THEN 'ct' ELSE 'cxr' END END, state,
  CASE state WHEN 'skipped' THEN 'exam-not-screened' END, images, at, at, at, at,
  CASE WHEN state IN ('screened', 'skipped') THEN at END,
  CASE WHEN at < :purged_before THEN at END, 0, 0, md5(study), md5('A' || study), ''
FROM many
""",
    """
INSERT INTO instance ("SOPInstanceUID", "SOPClassUID", "SeriesInstanceUID", "TransferSyntaxUID",
  calling_aet, received_at, sha256, size_bytes, holder, purged_by, purged_at)
SELECT uid || '.' || i, '1.2.840.10008.5.1.4.1.1.2', uid, '1.2.840.10008.1.2.1', 'CR' || k, at,
  lpad(to_hex(number * 300 + i), 64, 'a'), 525000, '',
  CASE WHEN at < :purged_before THEN 'keep_days_screened' END,
  CASE WHEN at < :purged_before THEN at END
FROM many, generate_series(1, images) i
""",
    """
INSERT INTO event (at, kind, "SeriesInstanceUID", detail)
SELECT at, kind, uid, 'bench' FROM many, (VALUES ('queued'), ('ended')) kinds (kind)
WHERE state IN ('screened', 'skipped')
""",
    """
INSERT INTO screening (id, "SeriesInstanceUID", model, version, weights_sha256, key, stage, state,
  flagged, result, analysed_at, current)
SELECT number + 1, uid, 'cxr_osporscreen', '4', repeat('0', 64), md5(uid), 'research', 'screened',
  mod(number, 20) = 0, '{"model": "cxr_osporscreen", "version": "4", "state": "screened",
  "flagged": false, "findings": [], "reason": null, "detail": null}', at, true
FROM many WHERE state = 'screened'
""",
    """
INSERT INTO result_object ("SOPInstanceUID", "SOPClassUID", "SeriesInstanceUID", screening_id, kind,
  sha256, holder)
SELECT '2.25.' || number || '.' || kind, '1.2', '2.25.' || number, number + 1, kind,
  repeat('0', 64), '' FROM many, (VALUES ('SR'), ('SC')) kinds (kind) WHERE state = 'screened'
""",
    """
INSERT INTO delivery (screening_id, "SOPInstanceUID", aet, state, status, attempts, crashes,
  rung_at, lease_beat, sent_at, confirmation, confirm_attempts, resends)
SELECT number + 1, '2.25.' || number || '.' || kind, 'PACS', 'sent', 0, 1, 0, at, 0, at,
  'not-offered', 0, 0
FROM many, (VALUES ('SR'), ('SC')) kinds (kind) WHERE state = 'screened'
""",
    """
INSERT INTO peer (aet, host, port, sends, results, role, sr_class, tls, tls_fingerprint, tls_named,
  bound, commits, answers_find)
SELECT 'CR' || k, '10.0.0.1', 104, true, 'none', 'clinical', '1.2', false, '', true, false, false,
  false FROM generate_series(0, 22) k
""",
)


class RoomyServer(PostgresServer):
    """As a host of its own would have it, and with room to make indexes."""

    def command(self) -> list[str]:
        given = {"shared_buffers": "2GB", "maintenance_work_mem": "2GB", "max_wal_size": "8GB"}
        given |= {"effective_cache_size": "12GB", "wal_level": "minimal", "max_wal_senders": "0"}
        return [
            *super().command(),
            *(word for key in given for word in ("-c", f"{key}={given[key]}")),
        ]


class NoBell:
    """What rings for workers; none is at work."""

    def __getattr__(self, _name: str) -> Callable[..., bool]:
        return lambda *_, **__: True


def fill(ledger: Ledger, instances: int, days: float) -> None:
    """Let the server make the rows, and the indexes afterwards."""
    with ledger.engine.connect() as connection:
        before, after = _indexes(connection)
    purged_before = f"now() AT TIME ZONE 'UTC' - interval '{KEPT_DAYS} days'"
    rows = [words.replace(":purged_before", purged_before) for words in FILLED]
    made = SERIES.replace(":blocks", str(instances // A_BLOCK)).replace(":days", str(days))
    # with no limit of time, as our own connections have
    _psql(ledger, "BEGIN", *before, made, *rows, "DROP TABLE many", *after, "COMMIT")
    # as autovacuum does in time
    _psql(ledger, "VACUUM ANALYZE")


def _psql(ledger: Ledger, *statements: str) -> None:
    command = [PostgresServer._binary("psql"), "-qX", "-v", "ON_ERROR_STOP=1", ledger.url]
    subprocess.run(command, input=";\n".join(statements) + ";", text=True, check=True)


def _indexes(connection: Connection) -> tuple[list[str], list[str]]:
    """Return what takes indexes and keys of the large tables away, and what makes them anew."""
    large = "('instance', 'series', 'event', 'screening', 'result_object', 'delivery')"
    constraints = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE conrelid::regclass::text IN {large} ORDER BY contype = 'f' DESC"
    )
    keys = connection.execute(text(constraints)).all()
    indexes = (
        f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN {large} AND indexname "
        "NOT IN (SELECT conname FROM pg_constraint)"
    )
    others = connection.execute(text(indexes)).all()
    before = [f'ALTER TABLE {table} DROP CONSTRAINT "{name}"' for table, name, _ in keys]
    before += [f'DROP INDEX "{name}"' for name, _ in others]
    # keys before what refers to them
    made = [
        f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {what}' for table, name, what in keys[::-1]
    ]
    return before, [*(definition for _, definition in others), *made]


def batch(start: int, a_series: int) -> list[Arrival]:
    """Return one batch of the intake: images that nobody has seen before."""
    at = now()
    return [
        Arrival(
            Receipt(f"{number}.dcm", "CR1", at, f"{number:064x}", 525_000),
            f"1.2.3.{number // a_series}",
            f"1.2.3.{number // a_series}.1",
            f"1.2.3.{number // a_series}.1.{number}",
            "1.2.840.10008.5.1.4.1.1.2",
            "1.2.840.10008.1.2.1",
            "CT",
        )
        for number in range(start * BATCH, (start + 1) * BATCH)
    ]


def tasks(settings: Settings, ledger: Ledger) -> dict[str, Callable[[], object]]:
    """Return what the processes ask of a ledger again and again, by what it is."""
    ids = count(1)
    before: datetime = now() - timedelta(days=KEPT_DAYS - 1)
    sweep = Sweep(settings, ledger, NoBell())  # type: ignore[arg-type]
    patience = Patience({}, 15.0, ("CT", "MR"))
    return {
        "index 500 images, series of 100": lambda: arrivals.index(ledger, batch(next(ids), 100)),
        "index 500 images, series of 1": lambda: arrivals.index(ledger, batch(next(ids), 1)),
        "series that are quiet": partial(settling.quiet, ledger, patience),
        "series that are overdue": partial(settling.overdue, ledger, 3600.0),
        "sweep": sweep.turn,
        "retention: what is due": lambda: retention.due_series(ledger, Rule.SCREENED, before, 20),
        "retention: give up one series": lambda: _give_up_one(ledger, before),
        "retention: what is to go": lambda: retention.unfinished_images(ledger, ("",), 500),
        "retention: results due": lambda: retention.give_up_results(ledger, _long_ago(), 500),
        "retention: kept back": partial(retention.kept_back, ledger),
        "what waits (metrics, overview)": partial(summary.pressing, ledger),
        "osteoscreen status": partial(summary.status, ledger),
        "osteoscreen capacity": partial(rates.measured, ledger),
        "audit: contradictions": lambda: _sound(ledger),
    }


def _sound(ledger: Ledger) -> None:
    assert (found := evidence.contradictions(ledger)) == [], found[:3]


def _long_ago() -> datetime:
    return now() - timedelta(days=800)


def _give_up_one(ledger: Ledger, before: datetime) -> None:
    for uid in retention.due_series(ledger, Rule.SCREENED, before, 1):
        assert retention.give_up_series(ledger, uid, Rule.SCREENED, before)


def timed(ask: Callable[[], object], rounds: int, server: PostgresServer) -> tuple[float, float]:
    """Return the median of wall and of CPU milliseconds, ours and the server's."""
    walls: list[float] = []
    cpus: list[float] = []
    while len(walls) < rounds and sum(walls) < SLOW_S * 1e3:
        began = cpu_of(server), time.process_time(), time.perf_counter()
        ask()
        wall, cpu = time.perf_counter(), time.process_time()
        walls.append((wall - began[2]) * 1e3)
        cpus.append((cpu - began[1] + cpu_of(server) - began[0]) * 1e3)
    return statistics.median(walls), statistics.median(cpus)


def measure(
    settings: Settings, rounds: int, server: PostgresServer
) -> Iterator[tuple[str, float, float]]:
    """Give each task and each page with its medians."""
    ledger = schema.open_ledger(settings)
    for name, ask in tasks(settings, ledger).items():
        yield name, *timed(ask, rounds, server)
    with running_site(settings, ledger) as origin:
        browser = signed_in(origin, ledger, Right.OPERATOR)
        for name, path in PAGES.items():
            if browser.get(path).status_code != 404:
                yield f"page: {name}", *timed(partial(browser.get, path), rounds, server)
    ledger.close()


def _size_gb(ledger: Ledger) -> float:
    with ledger.engine.connect() as connection:
        size = connection.execute(text("SELECT pg_database_size(current_database())"))
        return float(size.scalar_one()) / 1e9


def compare(few: int, many: int, days: float, rounds: int) -> Iterator[dict[str, Any]]:
    """Measure a ledger of few rows, then one of many."""
    with tempfile.TemporaryDirectory() as folder, RoomyServer() as server:
        for instances in (few, many):
            settings = config.Settings(
                home=Path(folder) / str(instances), database_url=server.new_database()
            )
            schema.migrate(settings)
            ledger = schema.open_ledger(settings)
            began = time.monotonic()
            fill(ledger, instances, days)
            took_s, size_gb = time.monotonic() - began, _size_gb(ledger)
            ledger.close()
            Console().print(f"{instances} instances: {size_gb:.1f} GB, made in {took_s:.0f} s")
            for name, wall_ms, cpu_ms in measure(settings, rounds, server):
                row = {"instances": instances, "what": name, "ms": wall_ms, "cpu_ms": cpu_ms}
                Console().print(f"  {name}: {wall_ms:.1f} ms, {cpu_ms:.1f} of CPU")
                yield row


def show(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="PostgreSQL, ms, of CPU in brackets, by instance rows")
    sizes = list(dict.fromkeys(row["instances"] for row in rows))
    for title in ("what", *map(str, sizes)):
        table.add_column(title, justify="left" if title == "what" else "right")
    for name in dict.fromkeys(row["what"] for row in rows):
        mine = [row for row in rows if row["what"] == name]
        table.add_row(name, *(f"{row['ms']:.1f} ({row['cpu_ms']:.1f})" for row in mine))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=500_000)
    parser.add_argument("--many", type=int, default=50_000_000)
    parser.add_argument("--days", type=float, default=365.0)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    rows = list(compare(options.few, options.many, options.days, options.rounds))
    Console().print(show(rows))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "many_rows.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
