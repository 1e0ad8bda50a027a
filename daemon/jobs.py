"""The doorbell: its queues and how to ring. Losing a ring loses nothing: the sweep rings again."""

import logging
import time

from celery import Celery
from kombu.exceptions import OperationalError

from daemon import embedded
from daemon.settings import EMBEDDED, Settings

log = logging.getLogger(__name__)

SCREEN = "screen"
DELIVER = "deliver"
AWAY_S = 2.0
"""A broker that did not answer is left alone so long: each ring may wait for it in vain."""
REPORT = "report"
CONFIRM = "confirm"
COUNT = "count"
ALONE = "alone"
"""The queue of what an earlier process did not live to end: each has a process of its own."""


def alone_queue(exam: str) -> str:
    """Return the queue of series of an exam that are screened alone."""
    return f"{ALONE}-{exam}"


class Doorbell:
    """The Celery application at the configured broker, and the two ways to ring it."""

    def __init__(self, settings: Settings) -> None:
        self._away_until = 0.0
        # kombu warns of a URL without a host, even where there is none to name
        broker = EMBEDDED + "home" if settings.broker_url == EMBEDDED else settings.broker_url
        self.app = Celery("osteoscreen", broker=broker, set_as_current=False)
        self.app.conf.update(
            task_ignore_result=True,
            # acknowledged on arrival: who works on what is the ledger's business, not the broker's
            task_acks_late=False,
            task_create_missing_queues=True,
            worker_prefetch_multiplier=1,
            worker_hijack_root_logger=False,
            worker_redirect_stdouts=False,
            worker_enable_remote_control=False,
            worker_send_task_events=False,
            broker_connection_retry_on_startup=True,
            broker_connection_max_retries=None,
            broker_transport_options=_transport_options(settings),
        )

    def screen(self, series_uid: str, exam: str, alone: bool = False) -> bool:
        """Ring for a queued series; False if the broker did not take the ring."""
        return self._ring(SCREEN, series_uid, alone_queue(exam) if alone else exam)

    def deliver(self, delivery_id: int, alone: bool = False) -> None:
        """Ring for a delivery that is due."""
        self._ring(DELIVER, delivery_id, ALONE if alone else DELIVER)

    def report(self, commitment_id: int) -> None:
        """Ring for a report on a commitment; it goes where the deliveries go."""
        self._ring(REPORT, commitment_id, DELIVER)

    def confirm(self, delivery_id: int) -> None:
        """Ring for a result whose peer is to be asked whether it has it."""
        self._ring(CONFIRM, delivery_id, DELIVER)

    def count(self, series_uid: str) -> None:
        """Ring for a series that is to be counted at a peer."""
        self._ring(COUNT, series_uid, DELIVER)

    def problem(self) -> str | None:
        """Return why the broker cannot be reached, None if it can."""
        try:
            with self.app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, timeout=3)
        except (OperationalError, OSError, KeyError, ImportError) as error:
            return str(error).splitlines()[0]
        return None

    def _ring(self, task: str, argument: str | int, queue: str) -> bool:
        if time.monotonic() < self._away_until:
            return False
        try:
            self.app.send_task(task, [argument], queue=queue, retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            log.warning("event=broker-unreachable task=%s error=%s", task, type(error).__name__)
            self._away_until = time.monotonic() + AWAY_S
            return False
        return True


def _transport_options(settings: Settings) -> dict[str, object]:
    if settings.broker_url == EMBEDDED:
        return embedded.options(settings.home / "doorbell")
    # a broker that is down must not hold up the intake: the sweep rings again
    limits = {"socket_timeout": 5, "socket_connect_timeout": 5}
    options: dict[str, object] = {**limits, "max_retries": 0}
    if settings.broker_master:
        # Sentinels are asked which server it is now; kombu takes a list of their addresses
        options["master_name"] = settings.broker_master
        options["sentinel_kwargs"] = limits
    return options
