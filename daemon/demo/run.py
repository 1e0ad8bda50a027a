"""Start a system and a PACS, send films and CTs, wait, and show what came back."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydicom.uid import Comprehensive3DSRStorage
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from daemon import config, invitations, schema, scu
from daemon.console import stdout
from daemon.demo.films import Film, virtual_and_real
from daemon.demo.pacs import Pacs, open_pacs
from daemon.demo.table import Row, show
from daemon.errors import DeliveryError
from daemon.records import peers, summary
from daemon.records.ledger import Ledger
from daemon.records.people_tables import Right
from daemon.records.tables import Peer, Role, Stage, Wants
from daemon.settings import Settings
from daemon.story import current_results, deliveries, is_over
from engines import catalog

MODALITY = "DEMO_CR1"
PACS = "DEMO_PACS"
START_S = 60.0
PATIENCE_S = 120.0
WORKERS = 2


@dataclass(frozen=True)
class Site:
    """The demo's system while it runs."""

    settings: Settings
    ledger: Ledger
    pacs: Pacs

    @property
    def listener(self) -> scu.Address:
        """Where the films are sent, as a modality would."""
        return scu.Address(self.settings.aet, "127.0.0.1", self.settings.port, MODALITY)


def run(results: Path, films: Path | None, keep: bool) -> int:
    """Run the demo.

    Parameters
    ----------
    results : Path
        Where the SR and SC files received by the PACS are left.
    films : Path, optional
        A folder of DICOM films to send besides those we make.
    keep : bool
        Stay up at the end until Ctrl-C.

    Returns
    -------
    int
        Exit code: 0 if everything that was expected arrived.
    """
    console = stdout()
    # the demo is a system of its own: nothing set for another one may reach it
    for name in [name for name in os.environ if name.startswith(config.PREFIX)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="osteoscreen-demo-") as folder:
        with _progress(console) as progress:
            made = list(progress.track(virtual_and_real(films), description="making films and CTs"))
        with _site(Path(folder), keep) as site:
            console.print(f"system up at port {site.settings.port}; PACS: {site.pacs.name}")
            with _progress(console) as progress:
                sent_at = _send_each(site, made, progress)
            rows = [row for film in made for row in _rows(site, film, sent_at[film.label])]
            _leave_results(site.pacs, results)
            show(console, rows)
            console.print(f"SR and SC as the PACS received them: {results}")
            if keep:
                _stay(console, site)
    problems = [problem for row in rows for problem in row.problems]
    for problem in problems:
        console.print(f"[red]not as expected:[/] {problem}")
    return 1 if problems else 0


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<30}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=console)


@contextmanager
def _site(folder: Path, keep: bool) -> Iterator[Site]:
    """Start PACS and system; the PACS is a research peer that wants every result.

    What stays up has pages, too; what ends at once does without that process.
    """
    pacs = open_pacs(PACS, folder / "pacs", (free_port(), free_port()))
    home = folder / "home"
    home.mkdir()
    port, web_port = free_port(), free_port() if keep else 0
    (home / config.FILE).write_text(
        f'host = "127.0.0.1"\nport = {port}\nmin_free_mib = 0\nweb_port = {web_port}\n'
    )
    settings = config.load(home)
    ledger = schema.ready_ledger(settings)
    for aet, at, sends, wants in (
        (MODALITY, 104, True, Wants.NONE),
        (PACS, pacs.port, False, Wants.ALL),
    ):
        peer = Peer(aet=aet, host="127.0.0.1", port=at, sends=sends, results=wants)
        peer.role, peer.sr_class = Role.RESEARCH, str(Comprehensive3DSRStorage)
        peers.add(ledger, peer)
    for model in catalog.MODELS:
        peers.set_stage(ledger, model.CARD.model, Stage.RESEARCH)
    system = _start(home, folder / "system.log")
    try:
        site = Site(settings, ledger, pacs)
        _wait_until_up(site, system, folder / "system.log")
        yield site
    finally:
        system.terminate()
        system.wait()
        ledger.close()
        pacs.stop()


def _start(home: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "daemon", "serve", "--home", str(home)]
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)


def _wait_until_up(site: Site, system: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _is_up(site, log):
        if system.poll() is not None or time.monotonic() > deadline:
            raise DeliveryError(f"the system did not start:\n{log.read_text()}")
        time.sleep(0.1)


def _is_up(site: Site, log: Path) -> bool:
    """Whether the listener answers and both workers wait for work."""
    try:
        scu.echo(site.listener)
    except DeliveryError:
        return False
    return log.read_bytes().count(b"event=worker-ready") == WORKERS


def _send_each(site: Site, films: list[Film], progress: Progress) -> dict[str, float]:
    """Send one study after another, each in an association of its own, and wait for its end.

    Returns
    -------
    dict
        By label, when the last image was accepted (seconds since 1970).
    """
    sent_at = {}
    bar = progress.add_task("", total=len(films))
    for film in films:
        progress.update(bar, description=film.label)
        for answer in scu.store(site.listener, film.images):
            if not answer.stored:
                raise DeliveryError(answer.detail)
        sent_at[film.label] = time.time()
        _wait(site, film)
        progress.advance(bar)
    progress.update(bar, description="sent, screened, delivered")
    return sent_at


def _wait(site: Site, film: Film) -> None:
    """Wait until every series has ended and every delivery is over, or patience has."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_over(summary.study(site.ledger, film.study_uid)):
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _rows(site: Site, film: Film, sent_at: float) -> list[Row]:
    """Return a row for each model that looked, or one where none did."""
    story = summary.study(site.ledger, film.study_uid)
    series = story["series"][0] if story else {"state": "never indexed", "results": []}
    in_pacs, rows = site.pacs.objects(), []
    for result in current_results(series) or [{}]:
        sent = deliveries({"results": [result] if result else []})
        stored = [one["kind"] for one in sent if one["SOPInstanceUID"] in in_pacs]
        alone = {**series, "results": [result] if result else []}
        rows.append(Row(_as_expected_of(film, result), alone, sent, stored, sent_at))
    return rows


def _as_expected_of(film: Film, result: Mapping[str, Any]) -> Film:
    """Expect nothing of a model whose findings do not follow from density."""
    told = {model.CARD.model: model.CARD.of_density for model in catalog.MODELS}
    return film if told.get(result.get("model", ""), True) else replace(film, expected=None)


def _leave_results(pacs: Pacs, results: Path) -> None:
    if results.exists():
        shutil.rmtree(results)
    results.mkdir(parents=True)
    for uid, content in pacs.objects().items():
        (results / f"{uid}.dcm").write_bytes(content)


def _stay(console: Console, site: Site) -> None:
    link = invitations.link(site.settings, site.ledger, invitations.FIRST, Right.ADMINISTRATOR)
    console.print(
        f"\nStill up. See it in a browser; this link is good once, for the password of "
        f"{invitations.FIRST}:\n  {link}\n"
        f"Send it something:\n"
        f"  storescu -aet {MODALITY} -aec {site.settings.aet} 127.0.0.1 {site.settings.port} FILE\n"
        f"  osteoscreen push --home {site.settings.home} FILE\n"
        f"  osteoscreen status --home {site.settings.home}\n"
        f"PACS: {site.pacs.where}\nCtrl-C ends it."
    )
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("ending")


def free_port() -> int:
    """Return a loopback port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
