"""TensorRT behind the seam: one class over TensorRT 10 and 11 and TensorRT for RTX."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.candidates import Batches
from engines.errors import BadSeries, EngineMismatch, Reason
from engines.runtime import Arrays, gpu
from engines.runtime.graphs import Graphs
from engines.runtime.trt_package import package, require, tensorrt_log, title


@dataclass(frozen=True)
class _Recording:
    """The work of one batch size, and the context that it must not outlive."""

    graph: Any
    context: Any


def _records_itself() -> bool:
    """Whether this is TensorRT for RTX, which keeps kernels and records what comes again."""
    return hasattr(package(), "IRuntimeCache")


class TrtEngine:
    """A plan on the GPU of this machine.

    Memory for the largest batch is taken at once; larger batches run in pieces.

    Parameters
    ----------
    plan : bytes
        Of this version of TensorRT and for this GPU.
    precision : str
        For the description.
    kernels : Path, optional
        File in which TensorRT for RTX keeps the kernels that it makes at the first runs.

    Raises
    ------
    NotHere
        If there is no TensorRT or no GPU.
    EngineMismatch
        If the plan is not for this version or this GPU.
    MemoryError
        If the GPU has not enough.
    """

    def __init__(self, plan: bytes, precision: str, kernels: Path | None = None) -> None:
        # first of all: a Runtime without a driver ends the process in some versions
        device = gpu.present()
        trt = package()
        gpu.enter()
        runtime = require(trt.Runtime(tensorrt_log()), "no runtime")
        _require_valid(runtime, plan)
        self._runtime = runtime
        self._engine = require(runtime.deserialize_cuda_engine(plan), "the plan is not loadable")
        self._kernels = kernels
        self._stream = gpu.Stream()
        self._context = self._made_context()
        self._buffers = self._made_buffers()
        self._graphs = None if _records_itself() else Graphs(self._recorded)
        self.description = f"{title()} {precision.upper()} on {device.name}"

    @property
    def batches(self) -> Batches:
        """The batch sizes that the plan was built for, read back from it."""
        return limits(self._engine)

    def _made_context(self) -> Any:
        trt, engine = package(), self._engine
        if not _records_itself():
            return require(engine.create_execution_context(), "no context")
        config = require(engine.create_runtime_config(), "no runtime configuration")
        self._kernel_cache = require(config.create_runtime_cache(), "no runtime cache")
        if self._kernels and self._kernels.exists():
            self._kernel_cache.deserialize(self._kernels.read_bytes())
            # one of another version says no, and is begun anew
            tensorrt_log().errors.clear()
        config.set_runtime_cache(self._kernel_cache)
        config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        return require(engine.create_execution_context(config), "no context")

    def warm(self) -> None:
        """Run the smallest and the largest batch once, so that the first case need not wait."""
        for examples in {self.batches.least, self.batches.most}:
            shapes = {name: self._buffers[name].host.shape[1:] for name in self._inputs}
            self({name: np.zeros((examples, *size), np.float32) for name, size in shapes.items()})
        self.keep_kernels()

    def keep_kernels(self) -> None:
        """Write down what TensorRT for RTX has made since; for after the first runs."""
        if self._kernels and hasattr(self, "_kernel_cache"):
            made = bytes(self._kernel_cache.serialize())
            part = self._kernels.with_suffix(".part")
            part.write_bytes(made)
            part.replace(self._kernels)

    def _made_buffers(self) -> Mapping[str, gpu.Buffer]:
        trt, most = package(), self.batches.most
        context, made = self._context, {}
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._inputs = [
            n for n in names if self._engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT
        ]
        for name in names:
            if self._engine.get_tensor_dtype(name) != trt.float32:
                raise EngineMismatch(f"{name}: the plan takes or gives something else than float32")
        for name in self._inputs:
            size = tuple(self._engine.get_tensor_shape(name))[1:]
            require(context.set_input_shape(name, (most, *size)), f"{name}: no such size")
        for name in names:
            made[name] = gpu.Buffer(tuple(context.get_tensor_shape(name)))
            require(context.set_tensor_address(name, made[name].address), f"{name}: no address")
        return made

    def __call__(self, arrays: Arrays) -> Arrays:
        """Run a batch; one above the largest in pieces.

        Raises
        ------
        BadSeries
            ENGINE_FAILED, if the arrays do not fit the network.
        MemoryError
            If the GPU has not enough.
        GpuLost
            If it answers no more.
        """
        gpu.enter()
        most = self.batches.most
        self._require_fit(arrays)
        examples = len(next(iter(arrays.values())))
        parts = [
            self._run({name: array[at : at + most] for name, array in arrays.items()})
            for at in range(0, examples, most)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _require_fit(self, arrays: Arrays) -> None:
        wanted = {name: self._buffers[name].host.shape[1:] for name in self._inputs}
        given = {name: array.shape[1:] for name, array in arrays.items()}
        if wanted != given:
            detail = f"the network could not run: it takes {wanted}, not {given}"
            raise BadSeries(Reason.ENGINE_FAILED, detail)

    def _run(self, arrays: Arrays) -> Arrays:
        examples = len(next(iter(arrays.values())))
        for name, array in arrays.items():
            self._buffers[name].host[:examples] = array
        recording = self._graphs.recorded(examples) if self._graphs else None
        if recording:
            self._stream.begin_again(recording.graph)
        else:
            self._shape(self._context, examples)
            self._order(self._context, examples)
        self._stream.wait()
        outputs = [name for name in self._buffers if name not in arrays]
        return {name: self._buffers[name].host[:examples].copy() for name in outputs}

    def _shape(self, context: Any, examples: int) -> None:
        for name in self._inputs:
            shape = (examples, *self._buffers[name].host.shape[1:])
            require(context.set_input_shape(name, shape), f"{name}: no batch of {examples}")

    def _order(self, context: Any, examples: int) -> None:
        """Order copies there, the network, copies back."""
        for name in self._inputs:
            self._stream.to_gpu(self._buffers[name], examples)
        if not context.execute_async_v3(self._stream.handle):
            self._give_up()
        for name in self._buffers.keys() - set(self._inputs):
            self._stream.to_host(self._buffers[name], examples)

    def _recorded(self, examples: int) -> "_Recording":
        """Record the work of a batch size, on a context that nothing else changes."""
        context = self._made_context()
        for name, buffer in self._buffers.items():
            require(context.set_tensor_address(name, buffer.address), f"{name}: no address")
        self._shape(context, examples)
        # a first run does what TensorRT has put off until then, which cannot be recorded
        self._order(context, examples)
        self._stream.wait()
        return _Recording(self._stream.recorded(lambda: self._order(context, examples)), context)

    def _give_up(self) -> None:
        """Say why a run was not begun: for want of memory, or for good."""
        said = "; ".join(tensorrt_log().errors) or "no reason given"
        tensorrt_log().errors.clear()
        if "memory" in said.lower():
            raise MemoryError(said)
        raise gpu.GpuLost(f"{title()} could not run: {said}")


def _require_valid(runtime: Any, plan: bytes) -> None:
    """Refuse a plan for other GPUs in words, where TensorRT can tell beforehand."""
    if not hasattr(runtime, "get_engine_validity"):
        return
    found = runtime.get_engine_validity(plan[: runtime.engine_header_size])
    validity = found[0] if isinstance(found, tuple) else found
    tensorrt_log().errors.clear()
    if validity == package().EngineValidity.INVALID:
        here = gpu.present()
        raise EngineMismatch(f"{title()}: plan is not for {here.name} ({here.capability})")


def limits(engine: Any) -> Batches:
    """Read the batch sizes of a loaded plan's profile."""
    trt = package()
    for i in range(engine.num_io_tensors):
        name = engine.get_tensor_name(i)
        if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
            least, best, most = (shape[0] for shape in engine.get_tensor_profile_shape(name, 0))
            return Batches(least, best, most)
    raise EngineMismatch("the plan has no input")
