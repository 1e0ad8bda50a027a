"""What was made of networks at some cost, kept on disk: TensorRT's plans, typed ONNX files.

A plan is found by all that it depends on. One of another GPU, version or network has another key
and is never looked at; one whose bytes are not those that were written is made anew.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engines.candidates import Candidate


@dataclass(frozen=True)
class Key:
    """All that a plan depends on.

    Attributes
    ----------
    model, engine : str
        Of the manifest.
    weights_sha256, onnx_sha256 : str
        Of all the model's files, and of the network's own.
    candidate : Candidate
        Runtime and precision.
    builder : str
        Package and version.
    gpu : str
        Name and generation of the GPU it was built on; empty where it is not tied to one.
    options : str
        Profile, targets, compatibility, calibration cases.
    """

    model: str
    engine: str
    weights_sha256: str
    onnx_sha256: str
    candidate: Candidate
    builder: str
    gpu: str
    options: str

    def told(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "candidate": str(self.candidate)}

    @property
    def sha256(self) -> str:
        """Its hash, by which it lies on the disk."""
        return hashlib.sha256(json.dumps(self.told(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Kept:
    """A plan on the disk.

    Attributes
    ----------
    file : Path
        Its bytes.
    is_new : bool
        Whether it was made just now.
    """

    file: Path
    is_new: bool

    @property
    def kernels(self) -> Path:
        """File for what TensorRT for RTX adds at the first runs; it goes with the plan."""
        return self.file.with_suffix(".kernels")


class Plans:
    """A folder of plans that several processes may share.

    Parameters
    ----------
    root : Path
        Made if need be.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, key: Key, make: Callable[[], bytes]) -> Kept:
        """Return a plan, made if it is not there; of several who ask at once, one makes it.

        What ``make`` raises is the caller's, and nothing is kept then. A kill at any moment leaves
        a plan that is whole, or none.
        """
        folder = self.root / key.model / key.engine
        folder.mkdir(parents=True, exist_ok=True)
        stem = folder / key.sha256[:24]
        plan, note = stem.with_suffix(".plan"), stem.with_suffix(".json")
        with _locked(stem.with_suffix(".lock")):
            if _is_whole(plan, note, key):
                return Kept(plan, is_new=False)
            note.unlink(missing_ok=True)
            data = make()
            _write(plan, data)
            told = {"key": key.told(), "sha256": hashlib.sha256(data).hexdigest()}
            # last: only with its note is a plan one
            _write(note, json.dumps(told, indent=2).encode() + b"\n")
            return Kept(plan, is_new=True)


def _is_whole(plan: Path, note: Path, key: Key) -> bool:
    try:
        told = json.loads(note.read_text())
        found = hashlib.sha256(plan.read_bytes()).hexdigest()
        return bool(told["key"] == key.told() and told["sha256"] == found)
    except (OSError, ValueError, KeyError, TypeError):
        return False


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold a file's lock; the kernel frees it when the holder's process ends, however it ends."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(file: Path, data: bytes) -> None:
    # under the lock, so what an earlier kill left of the same name is overwritten
    part = file.with_name(file.name + ".part")
    with part.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
