"""Which runtime may run a network, how precisely and in which batches: ``tensorrt:fp16``.

Apart from the runtimes themselves, so that the settings can be read without loading any.
"""

from dataclasses import dataclass
from enum import StrEnum


class Runtime(StrEnum):
    """What runs a network."""

    TENSORRT = "tensorrt"
    ORT_CUDA = "onnxruntime-cuda"
    OPENVINO = "openvino-cpu"
    ORT_CPU = "onnxruntime-cpu"


class Precision(StrEnum):
    """Of its weights and of its sums; inputs and outputs are float32 in any case."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


@dataclass(frozen=True)
class Candidate:
    """One way to run a network."""

    runtime: Runtime
    precision: Precision

    def __str__(self) -> str:
        """Write it as the settings do."""
        return f"{self.runtime}:{self.precision}"

    @property
    def is_reference(self) -> bool:
        """Whether this is what every other is held against."""
        return self == REFERENCE


@dataclass(frozen=True)
class Batches:
    """The batch sizes an engine is built for: the smallest, the one to be quickest, the largest."""

    least: int = 1
    best: int = 8
    most: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.best <= self.most:
            raise ValueError(f"{self}: batch sizes are to rise from 1 on")

    def __str__(self) -> str:
        """Write it as the command line does."""
        return f"{self.least},{self.best},{self.most}"


def read_batches(text: str) -> Batches:
    """Read ``min,opt,max``.

    Raises
    ------
    ValueError
        If it is not three sizes that rise.
    """
    numbers = [int(part) for part in text.split(",")]
    if len(numbers) != 3:
        raise ValueError(f"{text!r}: three batch sizes are wanted")
    return Batches(*numbers)


REFERENCE = Candidate(Runtime.ORT_CPU, Precision.FP32)

ORDER = "tensorrt:fp16, tensorrt:fp32, onnxruntime-cuda:fp32, onnxruntime-cpu:fp32"
"""The order in which they are tried, unless a site says otherwise."""


def read_order(text: str) -> tuple[Candidate, ...]:
    """Read an order, with commas between.

    Raises
    ------
    ValueError
        If a part is no runtime and precision, comes twice, or there is none.
    """
    found = tuple(_read(part.strip()) for part in text.split(",") if part.strip())
    if not found:
        raise ValueError("no engine is named")
    if len(set(found)) < len(found):
        raise ValueError("an engine is named twice")
    return found


def _read(text: str) -> Candidate:
    runtime, _, precision = text.partition(":")
    try:
        return Candidate(Runtime(runtime), Precision(precision))
    except ValueError:
        runtimes, precisions = ", ".join(Runtime), ", ".join(Precision)
        raise ValueError(f"{text!r} is none of {runtimes} with one of {precisions}") from None
