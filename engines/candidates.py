"""Which runtime may run a network, and how precisely: ``tensorrt:fp16``, ``onnxruntime-cpu:fp32``.

Apart from the runtimes themselves, so that the settings can be read without loading any.
"""

from dataclasses import dataclass
from enum import StrEnum


class Runtime(StrEnum):
    """What runs a network."""

    TENSORRT = "tensorrt"
    ORT_CUDA = "onnxruntime-cuda"
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
