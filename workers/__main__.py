"""Start one worker: ``python -m workers screen``, ``deliver`` or ``alone``.

Threads, never forks: an engine that is loaded must not be inherited. Deliveries have a process of
their own, so that a slow PACS costs no screening and no engine is loaded to send a file. What an
earlier process did not live to end goes to ``alone``, which starts ``screen --only`` or ``deliver
--only`` for each.
"""

import gc

if __name__ == "__main__":
    # what is loaded is no garbage: to look for some among it takes a quarter of the start
    gc.disable()

import argparse
import faulthandler
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import Celery

from daemon import config, holdings, jobs, logs, parent, schema, upkeep
from daemon.jobs import Doorbell
from daemon.presence import Presence
from daemon.pulse import Signs
from daemon.records import claims
from daemon.records.ledger import Ledger, LedgerError
from daemon.settings import Settings
from workers import limits
from workers.gpus import gpus
from workers.progress import Watch

if TYPE_CHECKING:
    from workers.screen import Bench

log = logging.getLogger("workers.main")

DELIVERY_THREADS = 16
"""More than a site has peers: each dead one may hold one thread."""

ALONE_AT_ONCE = 2

FIRST_TO_GO = {jobs.SCREEN: 300, jobs.DELIVER: 100, jobs.ALONE: 0}
"""proc(5) oom_score_adj of each part; a process that has one thing alone goes before all."""

ALONE_FIRST_TO_GO = 800

Work = Callable[[Any], None]


@dataclass(frozen=True)
class Shift:
    """What one process does: which rings it answers how, from which queues, how many at once."""

    answers: Mapping[str, Work]
    queues: list[str]
    threads: int
    watch: Watch | None = None
    has_engines: bool = False

    def facts(self) -> dict[str, Any]:
        """Say how many things this process does at once, how many it may, and on what GPUs."""
        used = {"slots_used": self.watch.at_work} if self.watch else {}
        return {"slots": self.threads, **used, **({"gpus": gpus()} if self.has_engines else {})}


def main() -> None:
    """Serve until told to stop, or do one thing alone."""
    # from here on garbage is looked for, but not among what is loaded
    gc.freeze()
    gc.enable()
    arguments = _arguments()
    # writes down where every thread is when code outside Python ends this process
    faulthandler.enable()
    settings = config.load(arguments.home)
    logs.set_up(settings.log_level, settings.log_format)
    if arguments.only is None:
        parent.leave_with_parent(arguments.parent)
        _serve(settings, arguments.part)
    else:
        parent.die_with_parent(arguments.parent)
        _do_only(settings, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="workers", description=__doc__)
    parser.add_argument("part", choices=[jobs.SCREEN, jobs.DELIVER, jobs.ALONE])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--only", help="do this one thing and end")
    parser.add_argument("--steps", type=int, help="descriptor to write the steps of it to")
    parser.add_argument("--parent", type=int, help="process that started this one")
    return parser.parse_args()


def _serve(settings: Settings, part: str) -> None:
    ledger, doorbell = schema.awaited_ledger(settings), Doorbell(settings)
    # what this part held when it died; its next life is the first to know
    upkeep.free_dead(settings, ledger, doorbell)
    holdings.drop_leftovers(settings)
    limits.first_to_go(FIRST_TO_GO[part])
    shift = _shift(settings, ledger, doorbell, part)
    if part != jobs.DELIVER:
        upkeep.ring_queued(ledger, doorbell, silent_s=0)
    signs = Signs(shift.facts, waits_s=lambda: claims.waited_s(ledger, shift.queues))
    for ring, work in shift.answers.items():
        _answer(doorbell.app, ring, work, signs)
    worker = doorbell.app.Worker(
        pool="threads",
        concurrency=shift.threads,
        queues=shift.queues,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    log.info("event=worker-ready part=%s", part)
    with Presence(ledger, part, settings.home, signs):
        worker.start()


def _shift(settings: Settings, ledger: Ledger, doorbell: Doorbell, part: str) -> Shift:
    if part == jobs.ALONE:
        from workers import alone

        ward = alone.Ward(settings, ledger, doorbell)
        answers = {ring: partial(alone.attempt, ward, ring) for ring in (jobs.SCREEN, jobs.DELIVER)}
        queues = [jobs.ALONE, *map(jobs.alone_queue, settings.exams)]
        return Shift(answers, queues, ALONE_AT_ONCE)
    watch = Watch()
    watch.guard(settings.stall_s)
    limits.limit_memory(settings.worker_memory_mib)
    if part == jobs.SCREEN:
        from workers import screen

        bench = _bench(settings, ledger, doorbell, watch)
        screen.warm(bench)
        queues = [str(exam) for exam in settings.exams]
        answers = {part: partial(screen.screen, bench)}
        return Shift(answers, queues, settings.worker_threads, watch, has_engines=True)
    return Shift(_sending(settings, ledger, doorbell, watch), [part], DELIVERY_THREADS, watch)


def _sending(
    settings: Settings, ledger: Ledger, doorbell: Doorbell, watch: Watch
) -> Mapping[str, Work]:
    from daemon import commitment, confirmation, counts
    from workers import deliver

    desk = deliver.Desk(settings, ledger, doorbell, watch)

    def report(commitment_id: int) -> None:
        waiting = commitment.report(settings, ledger, commitment_id)
        if waiting is not None:
            doorbell.report(waiting)

    return {
        jobs.DELIVER: partial(deliver.deliver, desk),
        jobs.REPORT: report,
        jobs.CONFIRM: partial(confirmation.confirm, settings, ledger),
        jobs.COUNT: partial(counts.count, settings, ledger),
    }


def _do_only(settings: Settings, arguments: argparse.Namespace) -> None:
    limits.first_to_go(ALONE_FIRST_TO_GO)
    limits.limit_memory(settings.worker_memory_mib)
    ledger, doorbell = schema.open_ledger(settings), Doorbell(settings)
    watch = Watch(arguments.steps)
    if arguments.part == jobs.SCREEN:
        from workers import screen

        bench = replace(_bench(settings, ledger, doorbell, watch), alone=True)
        screen.screen(bench, arguments.only)
    else:
        from workers import deliver

        desk = deliver.Desk(settings, ledger, doorbell, watch, alone=True)
        deliver.deliver(desk, int(arguments.only))


def _bench(settings: Settings, ledger: Ledger, doorbell: Doorbell, watch: Watch) -> "Bench":
    # here and above: what the other parts would need stays out of a process's memory
    from engines.candidates import read_batches, read_order
    from engines.runtime.choosing import Terms
    from engines.runtime.plans import Plans
    from engines.runtime.trt_build import Wanted
    from workers.batching import Batching
    from workers.room import EngineRoom, Upkeep
    from workers.screen import Bench

    threads = settings.engine_threads
    wanted = Wanted(read_batches(settings.engine_profile))
    terms = Terms(read_order(settings.engine_order), threads, Plans(settings.engines), wanted)
    batching = Batching(
        settings.batch_cases, settings.batch_wait_ms / 1000, settings.engine_answer_s
    )
    upkeep = Upkeep(batching, settings.engine_recheck_s, settings.engines)
    room = EngineRoom(settings.weights, threads, terms, upkeep)
    return Bench(settings, ledger, doorbell, room, watch)


def _answer(app: Celery, ring: str, work: Work, signs: Signs) -> None:
    @app.task(name=ring)  # type: ignore[untyped-decorator]
    def on_ring(what: Any) -> None:
        signs.moved()
        try:
            work(what)
        except LedgerError as error:
            # what was claimed is freed when its process is gone or silent, and rung for again
            log.error("event=ledger-unreachable ring=%s error=%s", ring, type(error).__name__)


if __name__ == "__main__":
    main()
