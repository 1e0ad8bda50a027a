"""What runs each model at a worker, written down for who looks from another process.

Apart from the runtimes, so that ``osteoscreen check`` loads none.
"""

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_FOLDER = "serving"


def write_record(
    root: Path, model: str, networks: Mapping[str, Any], parked: str | None = None
) -> None:
    """Write down what serves a model on this host.

    Parameters
    ----------
    root : Path
        The folder of engines.
    model : str
        The card's name.
    networks : mapping
        By name, as :meth:`engines.runtime.choosing.Served.told` tells them.
    parked : str, optional
        Why the model serves no more.
    """
    host = socket.gethostname()
    folder = root / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "model": model,
        "host": host,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "parked": parked,
        "networks": dict(networks),
    }
    file = folder / f"{model}@{host}.json"
    part = file.with_suffix(".part")
    part.write_text(json.dumps(told, indent=2) + "\n")
    part.replace(file)


def read_records(root: Path, model: str) -> list[dict[str, Any]]:
    """Return what serves a model, one record for each host; none before a worker has loaded it."""
    found = []
    for file in sorted((root / _FOLDER).glob(f"{model}@*.json")):
        try:
            found.append(json.loads(file.read_text()))
        except (OSError, ValueError):
            # a worker of another version; it is written anew at the next start
            continue
    return found


def runs_on(records: list[dict[str, Any]]) -> str:
    """Return in one line what runs a model: ``ONNX Runtime 1.31.1 CPU FP32``."""
    told = {one["runtime"] for record in records for one in record["networks"].values()}
    return ", ".join(sorted(told))


def faults(records: list[dict[str, Any]]) -> list[str]:
    """Return what was refused though the machine has it, one sentence each."""
    return [
        f"{record['host']}: {refused['candidate']} refused for {name}: {refused['why']}"
        for record in records
        for name, one in record["networks"].items()
        for refused in one["refused"]
        if refused["fault"]
    ]


def parked(records: list[dict[str, Any]]) -> list[str]:
    """Return why the model serves no more, one sentence for each host."""
    return [f"{record['host']}: {record['parked']}" for record in records if record["parked"]]
