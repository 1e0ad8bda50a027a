"""OpenVINO: on many CPUs quicker than ONNX Runtime; for sites that install it and ask for it."""

import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from engines.errors import BadSeries, EngineMismatch, Reason
from engines.runtime import Arrays
from engines.runtime.gpu import NotHere

# full precision is what was asked for: left to itself it sums in bfloat16 where a CPU can
_OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


class OvEngine:
    """One ONNX file in float32, compiled for this CPU.

    Parameters
    ----------
    onnx_file : Path
        The network.
    threads : int, optional
        Cores for one run; all that this process may use where not given.

    Raises
    ------
    NotHere
        If the package ``openvino`` is not installed.
    EngineMismatch
        If the file is not a network that it can load.
    """

    def __init__(self, onnx_file: Path, threads: int | None = None) -> None:
        openvino = _package()
        options = _OPTIONS | {"INFERENCE_NUM_THREADS": threads or len(os.sched_getaffinity(0))}
        try:
            network = openvino.Core().read_model(onnx_file)
            compiled = openvino.Core().compile_model(network, "CPU", options)
        except RuntimeError as error:
            raise EngineMismatch(f"{onnx_file}: OpenVINO cannot load it: {error}") from error
        self._request = compiled.create_infer_request()
        # by the network's own names: of what is compiled, one output may have several
        names = (output.any_name for output in network.outputs)
        self._outputs = dict(zip(names, compiled.outputs, strict=True))
        self.description = f"OpenVINO {openvino.__version__.partition('-')[0]} CPU FP32"

    def __call__(self, arrays: Arrays) -> Arrays:
        """Run a batch.

        Raises
        ------
        BadSeries
            ENGINE_FAILED, if the arrays do not fit the network.
        """
        feeds = {name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()}
        try:
            found = self._request.infer(feeds, share_inputs=True)
        except (RuntimeError, TypeError, KeyError) as error:
            raise BadSeries(Reason.ENGINE_FAILED, f"the network could not run: {error}") from error
        # its own memory is written anew at the next run
        return {name: np.array(found[port], np.float32) for name, port in self._outputs.items()}


def _package() -> Any:
    try:
        return importlib.import_module("openvino")
    except ImportError:
        raise NotHere("the package openvino is not installed") from None
