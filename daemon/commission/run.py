"""Send virtual patients to a receiver, wait until they have been through, and report."""

import time
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.progress import Progress

from daemon import schema, scu
from daemon.commission import report
from daemon.commission.judge import judge
from daemon.commission.patients import MADE, Probe, probes
from daemon.console import stdout
from daemon.errors import DeliveryError
from daemon.records import summary
from daemon.records.ledger import Ledger, now
from daemon.settings import Settings
from daemon.story import is_over
from engines.exams import Exam

LOOK_S = 0.5


def run(
    settings: Settings,
    to: scu.Address,
    within_s: float,
    page: Path,
    exams: Collection[Exam] = tuple(MADE),
) -> bool:
    """Commission the site; the system has to be running.

    Parameters
    ----------
    settings : Settings
        Of the site.
    to : Address
        Where the images are sent: our own listener, or a PACS or router that passes them on to us.
    within_s : float
        How long all of them may take from the last one sent.
    page : Path
        Where the report is written, as HTML.
    exams : collection of Exam
        What is sent.

    Returns
    -------
    bool
        Whether everything came out as it is.

    Raises
    ------
    DeliveryError
        If the receiver does not take the images.
    """
    console, ledger = stdout(), schema.ready_ledger(settings)
    name = f"{now():%Y%m%dT%H%M%S}"
    with Progress(console=console) as progress:
        made = list(
            progress.track(probes(name, exams), total=None, description="making virtual patients")
        )
        _send(to, made, progress)
        _wait(ledger, made, within_s, progress)
    verdicts = [judge(ledger, one, summary.study(ledger, one.study_uid)) for one in made]
    page.write_text(report.page(settings, to.aet, name, verdicts), encoding="utf-8")
    console.print(report.table(verdicts))
    console.print(f"report: {page}")
    return not any(verdict.problems for verdict in verdicts)


def _send(to: scu.Address, made: Sequence[Probe], progress: Progress) -> None:
    for probe in progress.track(made, description=f"sending to {to.aet}"):
        for answer in scu.store(to, list(probe.images)):
            if not answer.stored:
                raise DeliveryError(f"{probe.label}: {answer.detail}")


def _wait(ledger: Ledger, made: Sequence[Probe], within_s: float, progress: Progress) -> None:
    bar = progress.add_task("screening and delivering", total=len(made))
    until, waiting = time.monotonic() + within_s, list(made)
    while waiting and time.monotonic() < until:
        time.sleep(LOOK_S)
        waiting = [one for one in waiting if not is_over(summary.study(ledger, one.study_uid))]
        progress.update(bar, completed=len(made) - len(waiting))
