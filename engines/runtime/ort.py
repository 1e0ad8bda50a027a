"""ONNX Runtime: on the CPU in full precision the same score on every machine, no GPU needed."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as faults

from engines.candidates import Precision, Runtime
from engines.errors import BadSeries, EngineMismatch, Reason
from engines.runtime import Arrays
from engines.runtime.gpu import NotHere, require_driver

# ONNX Runtime's exceptions share no parent but Exception
_NOT_LOADABLE = (
    faults.Fail,
    faults.InvalidArgument,
    faults.InvalidGraph,
    faults.InvalidProtobuf,
    faults.NoModel,
    faults.NoSuchFile,
    faults.NotImplemented,
    faults.RuntimeException,
    RuntimeError,
)
_NOT_RUNNABLE = (
    faults.EPFail,
    faults.EngineError,
    faults.Fail,
    faults.InvalidArgument,
    faults.RuntimeException,
    RuntimeError,
    ValueError,
)
# its want of memory has no type of its own: std::bad_alloc, the words of its own allocator, CUDA's
_WANT_OF_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate memory", "out of memory")
_CUDA = "CUDAExecutionProvider"
# full precision is what was asked for, not 10 bits of it
_PROVIDERS: dict[Runtime, list[Any]] = {
    Runtime.ORT_CPU: ["CPUExecutionProvider"],
    Runtime.ORT_CUDA: [(_CUDA, {"use_tf32": "0"}), "CPUExecutionProvider"],
}
_NAMES = {Runtime.ORT_CPU: "CPU", Runtime.ORT_CUDA: "CUDA"}


class OrtEngine:
    """One ONNX file, loaded.

    Parameters
    ----------
    onnx_file : Path
        The network.
    threads : int, optional
        Cores for one run; all that this process may use where not given.
    runtime : Runtime
        On which kind of processor.
    precision : Precision
        Of the file, for the description.

    Raises
    ------
    NotHere
        If this ONNX Runtime has nothing for that kind of processor, or there is none.
    EngineMismatch
        If the file is not a network that ONNX Runtime can load.
    """

    def __init__(
        self,
        onnx_file: Path,
        threads: int | None = None,
        runtime: Runtime = Runtime.ORT_CPU,
        precision: Precision = Precision.FP32,
    ) -> None:
        if runtime is Runtime.ORT_CUDA:
            _make_cuda_ready()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.inter_op_num_threads = 1
        # the listener and the database share these cores: idle threads must not spin
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                onnx_file, options, providers=_PROVIDERS[runtime]
            )
        except _NOT_LOADABLE as error:
            raise EngineMismatch(f"{onnx_file}: not a loadable ONNX network: {error}") from error
        if runtime is Runtime.ORT_CUDA and _CUDA not in self._session.get_providers():
            # it goes on with the CPU by itself, and says so nowhere but in its log
            raise NotHere("ONNX Runtime found no GPU that its CUDA provider can use")
        self._outputs = [output.name for output in self._session.get_outputs()]
        version, place = onnxruntime.__version__, _NAMES[runtime]
        self.description = f"ONNX Runtime {version} {place} {precision.upper()}"

    @property
    def sizes(self) -> dict[str, tuple[int, ...]]:
        """Sizes of the inputs by name, without the batch."""
        return {one.name: tuple(one.shape[1:]) for one in self._session.get_inputs()}

    def __call__(self, arrays: Arrays) -> Arrays:
        """Run a batch.

        Raises
        ------
        BadSeries
            ENGINE_FAILED, if the arrays do not fit the network.
        MemoryError
            If there is not enough: no fault of the case, which may be tried again alone.
        """
        feeds = {name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()}
        try:
            results = self._session.run(self._outputs, feeds)
        except _NOT_RUNNABLE as error:
            if any(words in str(error) for words in _WANT_OF_MEMORY):
                raise MemoryError from error
            raise BadSeries(Reason.ENGINE_FAILED, f"the network could not run: {error}") from error
        return dict(zip(self._outputs, results, strict=True))


def _make_cuda_ready() -> None:
    """Load CUDA's libraries from NVIDIA's wheels, where the system's loader does not look."""
    if _CUDA not in onnxruntime.get_available_providers():
        raise NotHere("this ONNX Runtime is built for the CPU alone")
    require_driver()
    onnxruntime.preload_dlls()
