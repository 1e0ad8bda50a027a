"""Start one worker: ``python -m workers screen`` or ``python -m workers deliver``.

Threads, never forks: an engine that is loaded must not be inherited. Deliveries have a process of
their own, so that a slow PACS costs no screening and no engine is loaded to send a file.
"""

import argparse
import logging
from pathlib import Path

from daemon import config, jobs, logs, parent, schema
from daemon.jobs import Doorbell
from daemon.records import peers
from daemon.records.tables import Stage
from daemon.spool import Spool
from engines import catalog
from engines.errors import EngineMismatch
from engines.exams import Exam
from workers import tasks
from workers.room import EngineRoom

log = logging.getLogger("workers.main")

DELIVERY_THREADS = 16
"""More than a site has peers: each dead one may hold one thread."""


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="workers", description=__doc__)
    parser.add_argument("part", choices=["screen", "deliver"])
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    settings = config.load(arguments.home)
    logs.set_up(settings.log_level)
    parent.leave_with_parent()
    bench = _bench(settings)
    tasks.register(bench.doorbell.app, bench)
    screening = arguments.part == "screen"
    if screening:
        _warm(bench)
    worker = bench.doorbell.app.Worker(
        pool="threads",
        concurrency=settings.worker_threads if screening else DELIVERY_THREADS,
        queues=[str(exam) for exam in Exam] if screening else [jobs.DELIVER],
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    log.info("event=worker-ready part=%s", arguments.part)
    worker.start()


def _bench(settings: config.Settings) -> tasks.Bench:
    return tasks.Bench(
        settings=settings,
        ledger=schema.open_ledger(settings),
        spool=Spool(settings.spool),
        doorbell=Doorbell(settings),
        room=EngineRoom(settings.weights, settings.engine_threads),
    )


def _warm(bench: tasks.Bench) -> None:
    """Load every model that is switched on; one without a usable engine parks no other."""
    for model in catalog.MODELS:
        if peers.stage_of(bench.ledger, model.CARD.model) is Stage.OFF:
            continue
        try:
            bench.room.seat(model)
        except EngineMismatch as error:
            log.error("event=engine-mismatch model=%s why=%r", model.CARD.model, str(error))


if __name__ == "__main__":
    main()
