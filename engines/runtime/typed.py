"""Networks with their precision written into the ONNX file, as strongly typed runtimes want it.

Inputs and outputs stay float32. Needs the package ``onnx``, which the extras for a GPU bring.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.candidates import Precision
from engines.runtime import Arrays
from engines.runtime.gpu import NotHere

# What int8 pays for. All else stays float32, sums and biases too: TensorRT takes no others, and a
# normalisation by a quantised spread is none.
_QUANTISED = ["Conv", "MatMul", "Gemm"]


def typed(network: Path, precision: Precision, cases: Arrays) -> bytes:
    """Return a network in a precision.

    Parameters
    ----------
    network : Path
        ONNX in float32.
    precision : Precision
        Wanted.
    cases : mapping of str to ndarray
        What int8 is calibrated on, by name of the input; float32, shape (case, ...).

    Raises
    ------
    NotHere
        If the package ``onnx`` is missing.
    """
    if precision is Precision.FP32:
        return network.read_bytes()
    try:
        import onnx
    except ImportError:
        raise NotHere(f"{precision} needs the package onnx, which is not installed") from None
    if precision is Precision.FP16:
        return _half(onnx.load(network))
    return _quantised(network, cases)


def _half(network: Any) -> bytes:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    written: bytes = convert_float_to_float16(network, keep_io_types=True).SerializeToString()
    return written


def _quantised(network: Path, cases: Arrays) -> bytes:
    """Quantise weights by channel and activations by what the cases make of them (QDQ)."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        folded, written = Path(folder, "folded.onnx"), Path(folder, "int8.onnx")
        quant_pre_process(str(network), str(folded), skip_symbolic_shape=True)
        quantize_static(
            str(folded),
            str(written),
            _Reader(cases),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_QUANTISED,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            # TensorRT knows no zero points other than 0
            extra_options={"ActivationSymmetric": True, "QuantizeBias": False},
        )
        return written.read_bytes()


class _Reader:
    """Cases one by one, as the quantiser reads them."""

    def __init__(self, cases: Arrays) -> None:
        self._left = _one_by_one(cases)

    def get_next(self) -> Mapping[str, NDArray[np.float32]] | None:
        """Return the next case, None after the last."""
        return next(self._left, None)


def _one_by_one(cases: Arrays) -> Iterator[dict[str, NDArray[np.float32]]]:
    for i in range(len(next(iter(cases.values())))):
        yield {name: array[i : i + 1] for name, array in cases.items()}
