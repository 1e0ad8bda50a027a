"""The one seam between the science and the machine: ``run(name, arrays) -> arrays``."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.float32]]


class Run(Protocol):
    """Run a loaded engine by its name in the weights' manifest.

    The first axis of every array is the batch; inputs and outputs are float32, by tensor name.
    """

    def __call__(self, name: str, arrays: Arrays, /) -> Arrays: ...


class Engine(Protocol):
    """One loaded network."""

    description: str
    """What runs it and how precisely, for the SR's provenance: ``ONNX Runtime 1.31 CPU FP32``."""

    def __call__(self, arrays: Arrays, /) -> Arrays: ...
