"""From a trained net to the folder that is served: ONNX and manifest, refused if they disagree."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from engines.cards import OperatingPoint, TrainedOn
from engines.errors import EngineMismatch
from engines.operating_points import written
from engines.runtime.ort import OrtEngine

#: Largest difference between torch and ONNX Runtime, against the largest value of the output.
TOLERANCE = 1e-4
# Where all values are smaller, against this: in probabilities of one in ten thousand float32 is
# less exact than that.
_SMALL = 1e-2


@dataclass(frozen=True)
class Release:
    """What the manifest says besides the hash of the network.

    Attributes
    ----------
    model, version : str
        As on the model's card.
    training : str
        One sentence: data, seed, recipe.
    trained_on : TrainedOn
        Whose images.
    operating_points : mapping of str to OperatingPoint
        By finding.
    parameters : mapping
        What the model must know of the net's input.
    """

    model: str
    version: str
    training: str
    trained_on: TrainedOn
    operating_points: Mapping[str, OperatingPoint]
    parameters: Mapping[str, Any]


def export(
    net: nn.Module, example: Mapping[str, NDArray[np.float32]], outputs: Sequence[str], file: Path
) -> Path:
    """Write a net as ONNX, batch size free, weights inside.

    Parameters
    ----------
    net : Module
        In evaluation mode.
    example : mapping of str to ndarray
        By name of the net's arguments, in their order; float32, shape (batch, ...), batch of at
        least 2; also used for the parity check.
    outputs : sequence of str
        Names of the net's results.
    file : Path
        Its folder is made if it does not exist.

    Raises
    ------
    EngineMismatch
        If ONNX Runtime does not compute what torch computes.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    batch = torch.export.Dim("batch")
    program = torch.onnx.export(
        net,
        tuple(map(torch.from_numpy, example.values())),
        dynamo=True,
        dynamic_shapes=tuple({0: batch} for _ in example),
        input_names=list(example),
        output_names=list(outputs),
        verbose=False,
    )
    if program is None:
        raise EngineMismatch("torch could not export the net")
    onnx.save(_without_traces(program.model_proto), file)
    _check_parity(net, file, example, outputs)
    return file


def _without_traces(network: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what the exporter notes of its own sources: paths of the machine that trained."""
    del network.metadata_props[:]
    graph = network.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    for weight in graph.initializer:
        weight.doc_string = ""
        del weight.metadata_props[:]
    return network


def _check_parity(
    net: nn.Module, file: Path, example: Mapping[str, NDArray[np.float32]], outputs: Sequence[str]
) -> None:
    with torch.no_grad():
        out = net(*map(torch.from_numpy, example.values()))
    wanted = [one.numpy() for one in (out if isinstance(out, tuple) else (out,))]
    got = OrtEngine(file)(example)
    for name, array in zip(outputs, wanted, strict=True):
        worst = float(np.abs(got[name] - array).max()) / max(float(np.abs(array).max()), _SMALL)
        if not worst <= TOLERANCE:
            raise EngineMismatch(f"{name}: ONNX Runtime is {worst:.1e} off torch, not released")


def write_manifest(release: Release, networks: Mapping[str, Path], folder: Path) -> None:
    """Write ``manifest.json`` as :func:`engines.cards.read_weights` reads it."""
    manifest = {
        "model": release.model,
        "version": release.version,
        "trained_on": release.trained_on.value,
        "training": release.training,
        "operating_points": {
            name: written(point) for name, point in release.operating_points.items()
        },
        "engines": {
            name: {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
            for name, file in networks.items()
        },
        "parameters": dict(release.parameters),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
