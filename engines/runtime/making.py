"""Make an engine of a candidate: type the network, build the plan or take the kept one, load it."""

import hashlib
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from engines.candidates import Candidate, Precision, Runtime
from engines.cards import Weights
from engines.product import PRODUCT, VERSION
from engines.runtime import Engine, gpu, trt_package
from engines.runtime.gpu import NotHere
from engines.runtime.known import FILE, known_cases
from engines.runtime.ort import OrtEngine
from engines.runtime.ov import OvEngine
from engines.runtime.plans import Kept, Key, Plans
from engines.runtime.trt import TrtEngine
from engines.runtime.trt_build import Progress, Wanted, build
from engines.runtime.typed import typed


@dataclass(frozen=True)
class Making:
    """A network and what it may be made with.

    Attributes
    ----------
    weights : Weights
        Whose network.
    engine : str
        Its name in the manifest.
    plans : Plans or None
        Where what is made is kept.
    wanted : Wanted
        How TensorRT builds.
    threads : int, optional
        CPU cores of one run.
    """

    weights: Weights
    engine: str
    plans: Plans | None
    wanted: Wanted = field(default_factory=Wanted)
    threads: int | None = None

    @property
    def network(self) -> Path:
        """The network's file, ONNX in float32."""
        return self.weights.folder / self.weights.engines[self.engine][0]

    def typed(self, candidate: Candidate) -> bytes:
        """Return the network as a candidate wants it, int8 calibrated on its known cases."""
        sizes = OrtEngine(self.network, 1).sizes
        cases = known_cases(self.weights.folder, self.engine, sizes)
        return typed(self.network, candidate.precision, cases.arrays, candidate.runtime)

    def key(self, candidate: Candidate, builder: str, device: str) -> Key:
        """Return all that what is made of it depends on."""
        options = ""
        if candidate.runtime is Runtime.TENSORRT:
            options = f"{self.wanted}"
        if candidate.precision is Precision.INT8:
            options += f" calibrated on {_sha256(self.weights.folder / FILE)}"
        return Key(
            model=self.weights.model,
            engine=self.engine,
            weights_sha256=self.weights.sha256,
            onnx_sha256=self.weights.engines[self.engine][1],
            candidate=candidate,
            builder=builder,
            gpu=device,
            options=options,
        )


def make(candidate: Candidate, making: Making) -> Engine:
    """Return an engine, ready to run.

    Raises
    ------
    NotHere
        If this machine lacks what it needs.
    EngineMismatch
        If it cannot be made or loaded.
    MemoryError
        If there is not enough.
    """
    if candidate.runtime is Runtime.TENSORRT:
        return _tensorrt(candidate, making)
    if candidate.runtime is Runtime.OPENVINO:
        return _openvino(candidate, making)
    if candidate.precision is Precision.FP32:
        return OrtEngine(making.network, making.threads, candidate.runtime)
    kept = typed_network(candidate, making)
    return OrtEngine(kept.file, making.threads, candidate.runtime, candidate.precision)


def _openvino(candidate: Candidate, making: Making) -> Engine:
    if candidate.precision is not Precision.FP32:
        raise NotHere("OpenVINO runs in full precision here")
    return OvEngine(making.network, making.threads)


def typed_network(candidate: Candidate, making: Making) -> Kept:
    """Return a network's file in another precision, for ONNX Runtime."""
    # who quantises is part of what comes out
    writers = f"onnxruntime {version('onnxruntime')}, {PRODUCT} {VERSION}"
    key = making.key(candidate, writers, "")
    return _plans(making).get(key, lambda: making.typed(candidate))


def _tensorrt(candidate: Candidate, making: Making) -> Engine:
    # the cheapest look first: most machines have no driver
    gpu.present()
    kept = tensorrt_plan(candidate, making)
    engine = TrtEngine(kept.file.read_bytes(), candidate.precision, kept.kernels)
    engine.warm()
    return engine


def tensorrt_plan(candidate: Candidate, making: Making, progress: Progress | None = None) -> Kept:
    """Return the plan of a network, built if it is not there; no GPU is needed for RTX.

    Raises
    ------
    NotHere
        If there is no TensorRT, or the full one finds no GPU.
    EngineMismatch
        If it cannot be built.
    """
    builder = trt_package.title()
    key = making.key(candidate, builder, _device())

    plans = _plans(making)
    wanted = replace(making.wanted, timing_cache=plans.root / "timings")

    def built() -> bytes:
        return build(making.typed(candidate), wanted, progress).data

    return plans.get(key, built)


def _plans(making: Making) -> Plans:
    if making.plans is None:
        raise NotHere("no folder for engines is set")
    return making.plans


def _device() -> str:
    try:
        device = gpu.present()
    except NotHere:
        return ""
    return f"{device.name} {device.capability}"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.exists() else "edge values"
