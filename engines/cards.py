"""Model cards: who a model is for, what is claimed for it and by whom, and its weights."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from engines.errors import EngineMismatch
from engines.exams import Exam
from engines.operating_points import OperatingPoint as OperatingPoint
from engines.operating_points import read_point

WEIGHTS = Path(__file__).parent / "weights"


class TrainedOn(StrEnum):
    """Whose images the weights have seen; decides how far a result may travel."""

    SIMULATED = "simulated patients"
    PATIENTS = "patients"
    #: A method without weights: its manifest holds thresholds and settings only.
    NOTHING = "nothing: measured"


@dataclass(frozen=True)
class Claim:
    """One number with the people who measured it; a paper's number is never ours."""

    text: str
    source: str


@dataclass(frozen=True)
class Card:
    """What a model is, independent of the weights it runs with.

    Attributes
    ----------
    model : str
        The name used everywhere: folder, command line, database, SR.
    title : str
        For people, e.g. ``Chest film osteoporosis score``.
    exam : Exam
        What it reads.
    paper : str
        Citation of the system it re-implements.
    claims : tuple of Claim
        What the paper reported. Never the performance of our build.
    deviations : tuple of str
        Each choice that is ours, "not stated by the paper".
    parity_tolerance : float
        How far an engine may be off full precision in the model's known cases, against the largest
        value of the output; ours.
    of_density : bool
        Whether its findings follow from bone density, so that a virtual patient's density says
        what is to be expected of it.
    off_by_default : bool
        Whether it looks at nothing until somebody switches it on.
    reads_visits : bool
        Whether earlier studies of the same patient change what it says.
    """

    model: str
    title: str
    exam: Exam
    paper: str
    claims: tuple[Claim, ...]
    deviations: tuple[str, ...]
    parity_tolerance: float = 0.005
    of_density: bool = True
    off_by_default: bool = False
    reads_visits: bool = False


@dataclass(frozen=True)
class Weights:
    """The manifest of one set of weights, as read from ``manifest.json``.

    Attributes
    ----------
    folder : Path
        Where the ONNX files lie.
    model, version : str
        Must agree with the card that uses them.
    trained_on : TrainedOn
        ``simulated patients`` can never be set to live.
    training : str
        One sentence: data, seed, recipe.
    operating_points : mapping of str to OperatingPoint
        By finding name.
    engines : mapping of str to (file name, sha256)
        Every ONNX file by the name that ``run`` calls it.
    parameters : mapping
        What the net needs to know of its input, e.g. ``{"input_size_px": 256}``.
    """

    folder: Path
    model: str
    version: str
    trained_on: TrainedOn
    training: str
    operating_points: Mapping[str, OperatingPoint]
    engines: Mapping[str, tuple[str, str]]
    parameters: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """One hash for all files: the single file's own, or the hash of the sorted hashes.

        Where nothing was learned there is no file, and the settings are what makes a result.
        """
        if not self.engines:
            return hashlib.sha256(self._settings.encode()).hexdigest()
        hashes = sorted(sha for _, sha in self.engines.values())
        if len(hashes) == 1:
            return hashes[0]
        return hashlib.sha256("\n".join(hashes).encode()).hexdigest()

    @property
    def _settings(self) -> str:
        points = {name: point.threshold for name, point in self.operating_points.items()}
        told = {"version": self.version, "points": points, "parameters": dict(self.parameters)}
        return json.dumps(told, sort_keys=True)


def read_weights(model: str, root: Path | None = None) -> Weights:
    """Read a model's manifest and check every file against its hash.

    Parameters
    ----------
    model : str
        The card's name.
    root : Path, optional
        A site's own weights; the reference weights are used where it has none of this model.

    Raises
    ------
    EngineMismatch
        If the manifest or a file is missing, or a file is not the one that was released.
    """
    own = root / model if root else None
    folder = own if own and own.is_dir() else WEIGHTS / model
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        weights = _parse(folder, manifest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineMismatch(f"{model}: no usable manifest in {folder}: {error}") from error
    if weights.model != model:
        raise EngineMismatch(f"{folder}: these are weights of {weights.model}, not of {model}")
    for name, (file, sha256) in weights.engines.items():
        _check(folder / file, name, sha256)
    return weights


def _parse(folder: Path, manifest: Mapping[str, Any]) -> Weights:
    points, trained_on = manifest["operating_points"], TrainedOn(manifest["trained_on"])
    if bool(manifest["engines"]) is (trained_on is TrainedOn.NOTHING):
        raise ValueError("a model is either learned and has engines, or measured and has none")
    return Weights(
        folder=folder,
        model=manifest["model"],
        version=manifest["version"],
        trained_on=trained_on,
        training=manifest["training"],
        operating_points={name: read_point(point) for name, point in points.items()},
        engines={k: (v["file"], v["sha256"]) for k, v in manifest["engines"].items()},
        parameters=manifest["parameters"],
    )


def _check(file: Path, engine: str, sha256: str) -> None:
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise EngineMismatch(f"engine {engine}: cannot read {file}: {error}") from error
    if found != sha256:
        raise EngineMismatch(
            f"engine {engine}: {file} has sha256 {found[:12]}, its manifest says {sha256[:12]}"
        )
