"""One process of the hospital side: ``python -m daemon.part listener|intake``, run by serve."""

import gc

if __name__ == "__main__":
    # what is loaded is no garbage: to look for some among it takes a quarter of the start
    gc.disable()

import argparse
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon import config, disk, logs, parent, schema
from daemon.presence import Presence
from daemon.pulse import Signs
from daemon.records.ledger import Ledger, LedgerError
from daemon.settings import Settings

if TYPE_CHECKING:
    from daemon.retention import Retention

log = logging.getLogger("daemon.part")

IDLE_S = 0.05
AGAIN_S = 2.0
"""When what the disk or the database refused is tried again."""
NICENESS = 15
DECODERS = ("PIL", "gdcm", "pylibjpeg")
"""What pydicom imports where it is installed."""
LEAVE_S = 0.5
"""Time for an object that is being written when the listener is told to stop."""


def main() -> None:
    """Be one part until told to stop."""
    # from here on garbage is looked for, but not among what is loaded
    gc.freeze()
    gc.enable()
    parser = argparse.ArgumentParser(prog="daemon.part", description=__doc__)
    parser.add_argument("part", choices=["listener", "intake"])
    parser.add_argument("--home", type=Path)
    several: dict[str, Any] = {"type": int, "action": "append", "default": []}
    parser.add_argument("--socket", **several, help="descriptor of a plain listening socket")
    parser.add_argument("--tls-socket", **several, help="descriptor of one for TLS")
    parser.add_argument("--parent", type=int, help="process that started this one")
    arguments = parser.parse_args()
    parent.leave_with_parent(arguments.parent)
    settings = config.load(arguments.home)
    logs.set_up(settings.log_level, settings.log_format)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if arguments.part == "listener":
        ledger = schema.ledger_even_if_away(settings)
        _listen(settings, ledger, [arguments.socket, arguments.tls_socket])
    else:
        # the choice among the series of a study counts with numpy
        _travel_light(*DECODERS)
        ledger = schema.awaited_ledger(settings)
        signs = Signs()
        with Presence(ledger, arguments.part, settings.home, signs):
            _take_in(settings, ledger, signs)


def _listen(settings: Settings, ledger: Ledger, descriptors: Sequence[Sequence[int]]) -> None:
    _travel_light("numpy", *DECODERS)
    # the intake needs the ledger's whole house, the listener the network: neither loads both
    from daemon.scp import Listener

    try:
        plain, secure = ([socket.socket(fileno=one) for one in kind] for kind in descriptors)
        listener = Listener(settings, ledger)
        with Presence(ledger, "listener", settings.home, listener.signs):
            listener.serve(plain, secure)
    finally:
        # what was acknowledged is on the disk; a modality that holds its association open must
        # not hold this process, and with it the port
        time.sleep(LEAVE_S)
        os._exit(0)


def _travel_light(*without: str) -> None:
    """Do without what only pixels need: nothing is decoded here, and every process would pay.

    None in ``sys.modules`` is how Python is told that a module is not to be had.
    """
    for library in without:
        sys.modules[library] = None  # type: ignore[assignment]


def _take_in(settings: Settings, ledger: Ledger, signs: Signs) -> None:
    from daemon.holdings import drop_leftovers
    from daemon.intake import Intake
    from daemon.jobs import Doorbell
    from daemon.retention import Retention
    from daemon.upkeep import Sweep

    drop_leftovers(settings)
    doorbell = Doorbell(settings)
    intake = Intake(settings, ledger, doorbell)
    retention, sweep = Retention(settings, ledger), Sweep(settings, ledger, doorbell)
    sweep_at = 0.0
    # the front door goes first: what waits here is safe on the disk, and waits without loss
    os.nice(NICENESS)
    while True:
        signs.moved()
        if time.monotonic() >= sweep_at:
            sweep_at = time.monotonic() + settings.sweep_s
            # first: it makes the room that the others may need
            _try(retention.turn, retention)
            _try(sweep.turn, retention)
        if not _try(lambda: not intake.steps_back() and intake.turn(), retention):
            time.sleep(IDLE_S)


def _try(turn: Callable[[], object], retention: "Retention") -> bool:
    """Take one turn; True when there is more at once.

    What the disk or the database refuses is waited for, and keeps no other turn from its work.
    """
    try:
        return bool(turn())
    except (LedgerError, OSError) as error:
        if disk.is_full(error):
            log.error("event=disk-full again_in_s=%.1f", AGAIN_S)
            retention.at_the_last_byte()
        elif isinstance(error, LedgerError):
            log.error("event=ledger-unreachable error=%s", type(error).__name__)
        else:
            log.error("event=disk-refuses errno=%s error=%s", error.errno, logs.where(error))
    time.sleep(AGAIN_S)
    return False


if __name__ == "__main__":
    main()
