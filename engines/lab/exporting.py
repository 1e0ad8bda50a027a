"""Export a run's networks again from their checkpoints, e.g. after an update of torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from engines.cards import Weights, read_weights
from engines.lab.build import Release, export, write_manifest
from engines.lab.recipes import Network, recipe_of
from engines.lab.runs import NETS, order_of

_BATCH = 3


@dataclass(frozen=True)
class Exported:
    """One network that was written and computes what torch computes.

    Attributes
    ----------
    file : Path
        ONNX, batch size free.
    opset : int
        Of ONNX's own operators.
    megabytes : float
        Its size.
    """

    file: Path
    opset: int
    megabytes: float


def export_run(run: Path, out: Path) -> list[Exported]:
    """Write a run's weights to ``out / MODEL``, with the thresholds that they have by now.

    Raises
    ------
    EngineMismatch
        If the run has no released weights, or ONNX Runtime computes otherwise than torch.
    OSError
        If a checkpoint is missing.
    """
    order = order_of(run)
    weights = read_weights(order["model"], run)
    networks = recipe_of(weights.model).networks(weights.parameters)
    files = {one.name: _export(run, one, weights, out / weights.model) for one in networks}
    release = Release(
        model=weights.model,
        version=weights.version,
        training=weights.training,
        trained_on=weights.trained_on,
        operating_points=weights.operating_points,
        parameters=weights.parameters,
    )
    write_manifest(release, files, out / weights.model)
    return [_told(file) for file in files.values()]


def _export(run: Path, network: Network, weights: Weights, folder: Path) -> Path:
    name, _ = weights.engines[network.name]
    net = network.lesson.build()
    # a network without a schedule is released as it is built
    if network.schedule is not None:
        file = run / NETS / network.name / "checkpoint.pt"
        kept = torch.load(file, map_location="cpu", weights_only=True)
        net.load_state_dict(kept["net"])
    example = _example(weights.folder / name, network)
    return export(net.eval(), example, network.outputs, folder / name)


def _example(file: Path, network: Network) -> dict[str, NDArray[np.float32]]:
    """Return noise of the shapes that the released network takes."""
    rng = np.random.default_rng(0)
    shapes = {
        one.name: [dim.dim_value for dim in one.type.tensor_type.shape.dim][1:]
        for one in onnx.load(file).graph.input
    }
    return {name: rng.random((_BATCH, *shapes[name]), np.float32) for name in network.inputs}


def _told(file: Path) -> Exported:
    opsets = {one.domain: one.version for one in onnx.load(file).opset_import}
    return Exported(file, opsets[""], file.stat().st_size / 1e6)
