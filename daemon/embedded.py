"""The embedded doorbell: Celery's file transport, made safe for several processes.

kombu's own file transport writes a message under its final name before it is whole, and moves it
through the machine's temporary folder to read it. A ring may be lost (the sweep rings again), but
it must never be read by half.
"""

import json
import os
import uuid
from pathlib import Path
from queue import Empty
from time import monotonic_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem

SCHEME = "embedded"
POLL_S = 0.02

TRANSPORT_ALIASES[SCHEME] = "daemon.embedded:Transport"


class Channel(filesystem.Channel):
    """One file a ring; whoever renames it first has heard it."""

    # kombu's own two classes above this one disagree on the arguments' names
    def _put(self, queue: str, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{monotonic_ns():020}_{uuid.uuid4().hex}.{queue}.msg"
        partial = folder / f"{name}.part"
        try:
            partial.write_text(json.dumps(payload))
            partial.rename(folder / name)
        except OSError:
            # a full disk: the ring is lost, and leaves nothing
            partial.unlink(missing_ok=True)
            raise

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(n for n in os.listdir(folder) if n.endswith(f".{queue}.msg")):
            heard = folder / f"{name}.heard"
            try:
                (folder / name).rename(heard)
            except FileNotFoundError:
                continue
            payload = heard.read_text()
            heard.unlink()
            return json.loads(payload)
        raise Empty


class Transport(filesystem.Transport):
    """The transport behind ``embedded://``."""

    Channel = Channel


def options(folder: Path) -> dict[str, Any]:
    """Return Celery's transport options for a doorbell in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
        "polling_interval": POLL_S,
    }


def silence(folder: Path) -> None:
    """Drop the rings of an earlier run: the sweep rings again for all that still waits."""
    for ring in folder.glob("*.msg*"):
        ring.unlink(missing_ok=True)
