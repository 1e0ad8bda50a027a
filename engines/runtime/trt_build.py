"""From an ONNX file to a TensorRT plan; with TensorRT for RTX no GPU is needed for that.

Precision lies in the ONNX file (:mod:`engines.runtime.typed`): all networks are built strongly
typed, and TensorRT 11 and TensorRT for RTX know no other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines.candidates import Batches
from engines.errors import EngineMismatch
from engines.runtime import gpu
from engines.runtime.trt_package import package, require, tensorrt_log, title

Progress = Callable[[str, int, int], bool]
"""Hears of a phase, steps done and steps in all; says whether to go on."""


@dataclass(frozen=True)
class Wanted:
    """How an engine is to be built.

    Attributes
    ----------
    batches : Batches
        The optimisation profile.
    targets : tuple of str
        GPU generations such as ``8.6``, for TensorRT for RTX; empty: whatever it builds for by
        itself. Full TensorRT builds for the GPU of the machine.
    is_version_compatible : bool
        Whether later versions shall load it, too; larger and a little slower.
    timing_cache : Path, optional
        File in which full TensorRT keeps what it has timed.
    """

    batches: Batches = field(default_factory=Batches)
    targets: tuple[str, ...] = ()
    is_version_compatible: bool = False
    timing_cache: Path | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Plan:
    """What was built.

    Attributes
    ----------
    data : bytes
        To be loaded by the version of TensorRT that built it.
    batches : Batches
        The limits of its profile, read back from TensorRT.
    layers : int
        Of the network as TensorRT read it.
    """

    data: bytes
    batches: Batches
    layers: int


def build(network: bytes, wanted: Wanted, progress: Progress | None = None) -> Plan:
    """Build a plan from an ONNX file.

    Parameters
    ----------
    network : bytes
        ONNX, weights inside, batch size free, all other sizes given.
    wanted : Wanted
        How.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    Plan
        The same bytes for the same network on TensorRT for RTX.

    Raises
    ------
    NotHere
        If no TensorRT is installed, or full TensorRT finds no GPU.
    EngineMismatch
        If it cannot be parsed or built, with what TensorRT said.
    MemoryError
        If there is not enough.
    """
    trt = package()
    if trt.__name__ == "tensorrt":
        gpu.enter()
    builder = trt.Builder(tensorrt_log())
    flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    definition = require(builder.create_network(flags), "no network can be made")
    _parse(network, definition)
    config = require(builder.create_builder_config(), "no configuration can be made")
    _configure(config, wanted)
    profile = _profile(builder, definition, wanted.batches)
    config.add_optimization_profile(profile)
    monitor = _monitor(progress) if progress else None
    if monitor is not None:
        config.progress_monitor = monitor
    cache_file = wanted.timing_cache if trt.__name__ == "tensorrt" else None
    timings = _timing_cache(config, cache_file) if cache_file else None
    plan = bytes(require(builder.build_serialized_network(definition, config), "not built"))
    if timings is not None and cache_file:
        cache_file.write_bytes(bytes(timings.serialize()))
    limits = (shape[0] for shape in profile.get_shape(definition.get_input(0).name))
    return Plan(plan, Batches(*limits), definition.num_layers)


def _parse(network: bytes, definition: Any) -> None:
    parser = package().OnnxParser(definition, tensorrt_log())
    if parser.parse(network):
        tensorrt_log().errors.clear()
        return
    told = [parser.get_error(i) for i in range(parser.num_errors)]
    tensorrt_log().errors.clear()
    words = "; ".join(f"{one.node_name() or 'network'}: {one.desc()}" for one in told)
    raise EngineMismatch(f"{title()} cannot read the network: {words or 'no reason given'}")


def _configure(config: Any, wanted: Wanted) -> None:
    trt = package()
    # full precision is what was asked for, not 10 bits of it
    config.clear_flag(trt.BuilderFlag.TF32)
    if wanted.is_version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if not wanted.targets:
        return
    known = getattr(getattr(trt, "ComputeCapability", None), "__members__", {})
    names = ["SM" + target.replace(".", "") for target in wanted.targets]
    if unknown := [name for name in names if name not in known]:
        told = ", ".join(known) or "only the GPU of this machine"
        raise EngineMismatch(f"{title()} does not build for {', '.join(unknown)}; it does: {told}")
    config.num_compute_capabilities = len(names)
    for i, name in enumerate(names):
        config.set_compute_capability(known[name], i)


def _profile(builder: Any, definition: Any, batches: Batches) -> Any:
    profile = require(builder.create_optimization_profile(), "no profile can be made")
    for i in range(definition.num_inputs):
        tensor = definition.get_input(i)
        _, *size = tuple(tensor.shape)
        if -1 in size:
            raise EngineMismatch(
                f"input {tensor.name} leaves more than its batch size open: {size}"
            )
        profile.set_shape(
            tensor.name, *((n, *size) for n in (batches.least, batches.best, batches.most))
        )
    return profile


def _timing_cache(config: Any, file: Path) -> Any:
    kept = file.read_bytes() if file.exists() else b""
    cache = require(config.create_timing_cache(kept), "no timing cache can be made")
    # one of another GPU or version is refused, and begun anew
    if not config.set_timing_cache(cache, False):
        cache = require(config.create_timing_cache(b""), "no timing cache can be made")
        config.set_timing_cache(cache, False)
    return cache


def _monitor(progress: Progress) -> Any:
    trt = package()

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str, steps: int) -> None:
            self.steps[phase] = steps

        def phase_finish(self, phase: str) -> None:
            self.steps.pop(phase, None)

        def step_complete(self, phase: str, step: int) -> bool:
            return progress(phase, step + 1, self.steps.get(phase, 0))

    return Monitor()
