"""How the system stands: all numbers of the ledger, with what the disk and the spool say."""

from typing import Any

from daemon.records import summary
from daemon.records.ledger import Ledger
from daemon.retention import disk_now
from daemon.settings import Settings
from daemon.spool import Spool


def standing(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """Return what `osteoscreen status --json` tells."""
    numbers = summary.status(ledger) | {"disk": disk_now(settings, ledger)}
    numbers["oldest"] = Spool(settings.spool).oldest() | numbers["oldest"]
    return numbers
