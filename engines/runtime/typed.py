"""Networks with their precision written into the ONNX file, as strongly typed runtimes want it.

Inputs and outputs stay float32. Needs the package ``onnx``, which the extras for a GPU bring.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.candidates import Precision, Runtime
from engines.runtime import Arrays
from engines.runtime.gpu import NotHere

# What int8 pays for. All else stays float32: a normalisation by a quantised spread is none.
_PRODUCTS = ["Conv", "MatMul", "Gemm"]
# A CPU gains only where what lies between two products is quantised too, and with unsigned inputs.
_BETWEEN = ["Add", "AveragePool", "Clip", "Concat", "GlobalAveragePool", "MaxPool", "Mul", "Relu"]


def typed(
    network: Path, precision: Precision, cases: Arrays, runtime: Runtime = Runtime.TENSORRT
) -> bytes:
    """Return a network in a precision.

    Parameters
    ----------
    network : Path
        ONNX in float32.
    precision : Precision
        Wanted.
    cases : mapping of str to ndarray
        What int8 is calibrated on, by name of the input; float32, shape (case, ...).
    runtime : Runtime
        For which int8 is written: each is quick with another kind.

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
    return _quantised(network, cases, runtime)


def _half(network: Any) -> bytes:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    written: bytes = convert_float_to_float16(network, keep_io_types=True).SerializeToString()
    return written


def _quantised(network: Path, cases: Arrays, runtime: Runtime) -> bytes:
    """Quantise weights by channel and activations by what the cases make of them (QDQ)."""
    from onnxruntime.quantization import QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        folded, written = Path(folder, "folded.onnx"), Path(folder, "int8.onnx")
        quant_pre_process(str(network), str(folded), skip_symbolic_shape=True)
        quantize_static(
            str(folded),
            str(written),
            _Reader(cases),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            **_kind(runtime),
        )
        return written.read_bytes()


def _kind(runtime: Runtime) -> dict[str, Any]:
    from onnxruntime.quantization import QuantType

    if runtime is Runtime.TENSORRT:
        return {
            "op_types_to_quantize": _PRODUCTS,
            "activation_type": QuantType.QInt8,
            "weight_type": QuantType.QInt8,
            # it knows no zero points other than 0, and builds no int8 biases
            "extra_options": {"ActivationSymmetric": True, "QuantizeBias": False},
        }
    return {
        "op_types_to_quantize": [*_PRODUCTS, *_BETWEEN],
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
    }


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
