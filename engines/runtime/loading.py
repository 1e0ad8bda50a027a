"""Pick the runtime that this machine has for an ONNX file."""

from pathlib import Path

from engines.runtime import Engine
from engines.runtime.ort import OrtEngine


def load(onnx_file: Path, threads: int | None = None) -> Engine:
    """Load one ONNX file; ONNX Runtime on the CPU is the one runtime there is today.

    Raises
    ------
    EngineMismatch
        If the file is not a network that the runtime can load.
    """
    return OrtEngine(onnx_file, threads)
