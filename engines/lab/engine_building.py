"""Build a model's engines beforehand, and say what came of it."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engines.candidates import Candidate, Precision, Runtime
from engines.cards import TrainedOn, Weights, read_weights
from engines.lab.build import Release, export, write_manifest
from engines.lab.recipes import Network, recipe_of
from engines.runtime.making import Making, tensorrt_plan
from engines.runtime.ort import OrtEngine
from engines.runtime.plans import Plans
from engines.runtime.trt_build import Progress, Wanted

Parameters = Mapping[str, Any]

#: Said wherever a network of random weights leaves a trace.
RANDOM = "nobody: random weights, for building and timing alone"


@dataclass(frozen=True)
class Built:
    """One network's plan.

    Attributes
    ----------
    engine : str
        The network's name.
    candidate : Candidate
        Runtime and precision.
    file : Path
        The plan.
    is_new : bool
        Whether it was built just now.
    megabytes, seconds : float
        Of the plan; of the whole way there.
    sha256 : str
        Of the plan.
    """

    engine: str
    candidate: Candidate
    file: Path
    is_new: bool
    megabytes: float
    seconds: float
    sha256: str


def build_engines(
    weights: Weights, precision: Precision, plans: Plans, wanted: Wanted, progress: Progress
) -> Iterator[Built]:
    """Build a plan of each network of a model, or find it built already.

    Raises
    ------
    NotHere
        If there is no TensorRT, or the full one finds no GPU.
    EngineMismatch
        If one cannot be built.
    """
    candidate = Candidate(Runtime.TENSORRT, precision)
    for name in weights.engines:
        began = time.perf_counter()
        kept = tensorrt_plan(candidate, Making(weights, name, plans, wanted), progress)
        data = kept.file.read_bytes()
        yield Built(
            name,
            candidate,
            kept.file,
            kept.is_new,
            len(data) / 1e6,
            time.perf_counter() - began,
            hashlib.sha256(data).hexdigest(),
        )


def random_weights(model: str, config: str, folder: Path) -> Weights:
    """Write a configuration's networks with random weights, marked so.

    For networks that nobody has trained yet, to see that they export, build and how fast they are.

    Parameters
    ----------
    model : str
        The card's name.
    config : str
        One of its recipe's.
    folder : Path
        Where ``MODEL/manifest.json`` and the networks go.

    Raises
    ------
    EngineMismatch
        If one cannot be exported.
    KeyError
        If there is no such configuration.
    """
    recipe, reference = recipe_of(model), read_weights(model)
    parameters = {**reference.parameters, **recipe.CONFIGS[config]}
    networks = recipe.networks(parameters)
    torch.manual_seed(0)
    files = {one.name: _exported(one, reference, parameters, folder / model) for one in networks}
    release = Release(
        model=model,
        version=f"{config}-random",
        training=RANDOM,
        trained_on=TrainedOn.SIMULATED,
        operating_points=reference.operating_points,
        parameters=parameters,
    )
    write_manifest(release, files, folder / model)
    return read_weights(model, folder)


def _exported(network: Network, weights: Weights, parameters: Parameters, folder: Path) -> Path:
    net = network.lesson.build().eval()
    sizes = _sizes(network, weights, parameters)
    example = {name: torch.rand(2, *sizes[name]).numpy() for name in network.inputs}
    return export(net, example, network.outputs, folder / f"{network.name}.onnx")


def _sizes(
    network: Network, weights: Weights, parameters: Parameters
) -> dict[str, tuple[int, ...]]:
    """Return sizes of inputs: the reference network's, with what the parameters change of them."""
    changed = {
        weights.parameters[name]: value
        for name, value in parameters.items()
        if type(value) is int and type(weights.parameters.get(name)) is int
    }
    reference = OrtEngine(weights.folder / weights.engines[network.name][0], 1)
    return {
        name: tuple(changed.get(side, side) for side in size)
        for name, size in reference.sizes.items()
    }
