"""The whole system as one command: start every part, restart what dies, stop all together."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from daemon import embedded, tls
from daemon.binding import open_sockets
from daemon.errors import ConfigError
from daemon.parent import POLITE_S
from daemon.settings import EMBEDDED, Settings
from daemon.spool import Spool

log = logging.getLogger(__name__)

POLL_S = 0.2
LONGEST_DELAY_S = 30.0
STEADY_S = 60.0
"""A part that ran so long has earned a quick restart."""


class Part(StrEnum):
    """What can be run on a host of its own."""

    LISTENER = "listener"
    INTAKE = "intake"
    WORKER = "worker"
    WEB = "web"
    FILES = "files"


@dataclass
class _Child:
    """One process, and when to start it again after it died."""

    name: str
    command: list[str]
    descriptors: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    delay_s: float = field(default=0.5)

    def tend(self) -> None:
        """Start it when it is due; note when it has died."""
        moment = time.monotonic()
        if self.process is None:
            if moment >= self.start_at:
                self._start(moment)
        elif self.process.poll() is not None:
            steady = moment - self.started_at > STEADY_S
            self.delay_s = 0.5 if steady else min(self.delay_s * 2, LONGEST_DELAY_S)
            code = self.process.returncode
            log.error("event=died part=%s code=%d again_in_s=%.1f", self.name, code, self.delay_s)
            self.process, self.start_at = None, moment + self.delay_s

    def _start(self, moment: float) -> None:
        try:
            # a session of its own: a Ctrl-C is ours to pass on, as SIGTERM
            self.process = subprocess.Popen(
                self.command, pass_fds=self.descriptors, start_new_session=True
            )
        except OSError as error:
            # no memory or no process to be had: those that run go on
            log.error("event=not-started part=%s errno=%s", self.name, error.errno)
            self.start_at = moment + LONGEST_DELAY_S
            return
        self.started_at = moment


def serve(settings: Settings, parts: Sequence[Part]) -> None:
    """Run the parts until SIGTERM or SIGINT.

    Raises
    ------
    ConfigError
        If a port is taken, our certificate cannot be used, or one host of several stands alone.
    """
    if settings.host_name and (settings.broker_url == EMBEDDED or not settings.database_url):
        raise ConfigError(
            "setting 'host_name': hosts share a ledger and a broker: set database_url, broker_url"
        )
    spool = Spool(settings.spool)
    spool.prepare()
    settings.outbox.mkdir(parents=True, exist_ok=True)
    # binds the port: beyond this line no other system is at work on it
    children = _children(settings, parts)
    if Part.LISTENER in parts:
        spool.drop_partial()
    if settings.broker_url == EMBEDDED and set(Part) - {Part.WEB, Part.FILES} <= set(parts):
        embedded.silence(settings.home / "doorbell")
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stop.append(received))
    try:
        while not stop:
            for child in children:
                child.tend()
            time.sleep(POLL_S)
    finally:
        _end(children)


def _children(settings: Settings, parts: Sequence[Part]) -> list[_Child]:
    ours = ["--home", str(settings.home), "--parent", str(os.getpid())]
    daemon = [sys.executable, "-m", "daemon.part"]
    workers = [sys.executable, "-m", "workers"]
    children = []
    if Part.LISTENER in parts:
        doors = _doors(settings)
        descriptors = tuple(number for _, number in doors)
        sockets = [text for option, number in doors for text in (option, str(number))]
        command = [*daemon, "listener", *ours, *sockets]
        for number in range(settings.listener_processes):
            children.append(_Child(f"listener-{number}", command, descriptors))
    if Part.INTAKE in parts:
        children.append(_Child("intake", [*daemon, "intake", *ours]))
    if Part.WORKER in parts:
        children.append(_Child("worker-screen", [*workers, "screen", *ours]))
        children.append(_Child("worker-deliver", [*workers, "deliver", *ours]))
        children.append(_Child("worker-alone", [*workers, "alone", *ours]))
    if Part.WEB in parts and settings.web_port:
        children.append(_Child("web", [sys.executable, "-m", "daemon.web", *ours]))
    if Part.FILES in parts and settings.files_port:
        children.append(_Child("files", [sys.executable, "-m", "daemon.wado", *ours]))
    return children


def _doors(settings: Settings) -> list[tuple[str, int]]:
    """Bind the ports that are wanted at every address; return descriptors with their option."""
    doors = []
    if settings.tls_port is not None:
        tls.server_context(settings)
        secure = open_sockets(settings, settings.tls_port)
        doors += [("--tls-socket", sock.detach()) for sock in secure]
    if not settings.tls_only:
        doors += [("--socket", sock.detach()) for sock in open_sockets(settings, settings.port)]
    return doors


def _end(children: Sequence[_Child]) -> None:
    """Ask politely, then insist: nothing is lost either way."""
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + POLITE_S
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
