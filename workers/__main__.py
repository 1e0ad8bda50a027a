"""Start one worker: ``python -m workers screen`` or ``python -m workers deliver``.

Threads, never forks: an engine that is loaded must not be inherited. Deliveries have a process of
their own, so that a slow PACS costs no screening and no engine is loaded to send a file.
"""

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import Celery

from daemon import config, jobs, logs, parent, schema, upkeep
from daemon.config import Settings
from daemon.jobs import Doorbell
from daemon.records.ledger import Ledger
from engines.exams import Exam

log = logging.getLogger("workers.main")

Work = dict[str, Callable[[Any], None]]
"""What to do at which ring."""

DELIVERY_THREADS = 16
"""More than a site has peers: each dead one may hold one thread."""


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="workers", description=__doc__)
    parser.add_argument("part", choices=[jobs.SCREEN, jobs.DELIVER])
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    settings = config.load(arguments.home)
    logs.set_up(settings.log_level)
    parent.leave_with_parent()
    ledger, doorbell = schema.open_ledger(settings), Doorbell(settings)
    work: Work
    if arguments.part == jobs.SCREEN:
        work, threads = _screening(settings, ledger, doorbell), settings.worker_threads
        queues = [str(exam) for exam in Exam]
    else:
        work, threads = _delivering(settings, ledger, doorbell), DELIVERY_THREADS
        queues = [jobs.DELIVER]
    for ring, what in work.items():
        _answer(doorbell.app, ring, what)
    worker = doorbell.app.Worker(
        pool="threads",
        concurrency=threads,
        queues=queues,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    log.info("event=worker-ready part=%s", arguments.part)
    worker.start()


def _answer(app: Celery, ring: str, work: Callable[[Any], None]) -> None:
    @app.task(name=ring)  # type: ignore[untyped-decorator]
    def on_ring(what: Any) -> None:
        work(what)


def _screening(settings: Settings, ledger: Ledger, doorbell: Doorbell) -> Work:
    # here and below: what the other part would need stays out of this process's memory
    from workers import screen
    from workers.room import EngineRoom

    room = EngineRoom(settings.weights, settings.engine_threads)
    bench = screen.Bench(settings, ledger, doorbell, room)
    screen.warm(bench)
    upkeep.ring_queued(ledger, doorbell, silent_s=0)
    return {jobs.SCREEN: lambda series_uid: screen.screen(bench, series_uid)}


def _delivering(settings: Settings, ledger: Ledger, doorbell: Doorbell) -> Work:
    from daemon import commitment, confirmation, counts
    from workers import deliver

    desk = deliver.Desk(settings, ledger, doorbell)

    def report(commitment_id: int) -> None:
        waiting = commitment.report(settings, ledger, commitment_id)
        if waiting is not None:
            doorbell.report(waiting)

    return {
        jobs.DELIVER: lambda delivery_id: deliver.deliver(desk, delivery_id),
        jobs.REPORT: report,
        jobs.CONFIRM: lambda delivery_id: confirmation.confirm(settings, ledger, delivery_id),
        jobs.COUNT: lambda series_uid: counts.count(settings, ledger, series_uid),
    }


if __name__ == "__main__":
    main()
