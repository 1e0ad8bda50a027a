"""Memory and a stream of a GPU through NVIDIA's driver, by the package ``cuda-bindings``.

Nothing here is imported before a driver answers, so that a machine without one loads nothing. Why
not torch: docs/decisions/0015.
"""

import ctypes
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineMismatch

_OUT_OF_MEMORY: Final = 2
_THREAD_LOCAL: Final = 1
#: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED to _WRONG_THREAD: said of a recording, the GPU is well.
_OF_RECORDING: Final = range(900, 909)


class NotHere(EngineMismatch):
    """This machine lacks what an engine needs: a GPU, its driver, a package. No fault of either."""


class GpuLost(Exception):
    """The GPU, or its driver, can no longer be used by this process; only a new one may."""


class NotRecorded(Exception):
    """Some of the work ordered cannot be recorded; nothing of it was done."""


@dataclass(frozen=True)
class Gpu:
    """The GPU of this process: the first that ``CUDA_VISIBLE_DEVICES`` leaves.

    Attributes
    ----------
    name : str
        The maker's, e.g. ``NVIDIA H100 80GB HBM3``.
    capability : str
        Its generation: ``9.0``.
    memory_bytes : int
        All of it.
    """

    name: str
    capability: str
    memory_bytes: int


@cache
def present() -> Gpu:
    """Return the GPU of this process and make it the one that its threads use.

    Raises
    ------
    NotHere
        If no driver is loaded, it does not answer, it has no GPU, or ``cuda-bindings`` is missing.
    """
    require_driver()
    try:
        driver()
    except ImportError:
        raise NotHere("the package cuda-bindings is not installed") from None
    try:
        call("cuInit", 0)
        if call("cuDeviceGetCount") == 0:
            raise NotHere("the NVIDIA driver knows no GPU")
        return _described(call("cuDeviceGet", 0))
    except (GpuLost, RuntimeError) as error:
        raise NotHere(f"the NVIDIA driver does not serve: {error}") from None


def require_driver() -> None:
    """Refuse a machine without NVIDIA's driver: NotHere."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise NotHere("no NVIDIA driver on this machine") from None


def _described(device: Any) -> Gpu:
    attribute = driver().CUdevice_attribute
    numbers = [
        call("cuDeviceGetAttribute", getattr(attribute, name), device)
        for name in (
            "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR",
            "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR",
        )
    ]
    name = call("cuDeviceGetName", 256, device).decode(errors="replace").strip("\0 ")
    memory = int(call("cuDeviceTotalMem", device))
    return Gpu(name, f"{numbers[0]}.{numbers[1]}", memory)


def enter() -> None:
    """Make this thread use the GPU's primary context, which ONNX Runtime and torch share."""
    present()
    call("cuCtxSetCurrent", _context())


@cache
def _context() -> Any:
    return call("cuDevicePrimaryCtxRetain", call("cuDeviceGet", 0))


@cache
def driver() -> Any:
    """Return the module of the driver's functions."""
    return importlib.import_module("cuda.bindings.driver")


def call(function: str, *arguments: Any) -> Any:
    """Call a function of the driver and return what it gives.

    Raises
    ------
    MemoryError
        If the GPU has not enough.
    NotRecorded
        If a stream that records is asked for what it cannot.
    GpuLost
        For every other error: they stay with the process (CUDA driver API, sticky errors).
    """
    status, *found = getattr(driver(), function)(*arguments)
    code = int(status)
    if code == _OUT_OF_MEMORY:
        raise MemoryError(f"{function}: the GPU's memory is full")
    if code in _OF_RECORDING:
        raise NotRecorded(f"{function}: {getattr(status, 'name', code)}")
    if code != 0:
        raise GpuLost(f"{function}: {getattr(status, 'name', code)}")
    return found[0] if found else None


class Stream:
    """An order of work on the GPU, apart from everybody else's."""

    def __init__(self) -> None:
        self._stream = call("cuStreamCreate", 1)  # CU_STREAM_NON_BLOCKING
        self.handle = int(self._stream)

    def wait(self) -> None:
        """Wait until all that was ordered is done."""
        call("cuStreamSynchronize", self._stream)

    def recorded(self, order: Callable[[], None]) -> Any:
        """Return work as a graph, to be begun again as a whole; none of it is done now.

        Raises
        ------
        NotRecorded
            If some of it cannot be.
        """
        call("cuStreamBeginCapture", self._stream, driver().CUstreamCaptureMode(_THREAD_LOCAL))
        try:
            order()
        finally:
            # also takes the stream out of recording
            graph = call("cuStreamEndCapture", self._stream)
        return call("cuGraphInstantiate", graph, 0)

    def begin_again(self, graph: Any) -> None:
        """Order all the work of a graph at once."""
        call("cuGraphLaunch", graph, self._stream)

    def to_gpu(self, buffer: "Buffer", examples: int) -> None:
        """Order the copy of the first examples of a buffer to the GPU."""
        size = examples * buffer.example_bytes
        call("cuMemcpyHtoDAsync", buffer.address, buffer.host.ctypes.data, size, self._stream)

    def to_host(self, buffer: "Buffer", examples: int) -> None:
        """Order their copy back."""
        size = examples * buffer.example_bytes
        call("cuMemcpyDtoHAsync", buffer.host.ctypes.data, buffer.address, size, self._stream)


class Buffer:
    """Room for one array on the GPU, and beside it on the host, pinned so that copies are quick.

    Parameters
    ----------
    shape : tuple of int
        Of the largest batch; float32.

    Attributes
    ----------
    host : ndarray
        float32, of that shape.
    address : int
        On the GPU.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.example_bytes = 4 * int(np.prod(shape[1:], dtype=np.int64))
        size = self.example_bytes * shape[0]
        self._device = call("cuMemAlloc", size)
        self.address = int(self._device)
        try:
            pinned = int(call("cuMemHostAlloc", size, 0))
        except MemoryError:
            call("cuMemFree", self._device)
            raise
        self._pinned = pinned
        raw = (ctypes.c_float * (size // 4)).from_address(pinned)
        self.host: NDArray[np.float32] = np.ctypeslib.as_array(raw).reshape(shape)

    def free(self) -> None:
        """Give the room back; nothing may use it any more."""
        call("cuMemFree", self._device)
        call("cuMemFreeHost", self._pinned)
