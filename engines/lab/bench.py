"""How fast a model's networks run here: every runtime in turn, the same arrays, in one table."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from engines.candidates import REFERENCE, Candidate, Precision, Runtime
from engines.cards import Weights
from engines.errors import EngineMismatch
from engines.lab.recipes import Network, recipe_of
from engines.runtime import Arrays
from engines.runtime.making import Making, make
from engines.runtime.ort import OrtEngine

Run = Callable[[Arrays], Any]
MIB = 1 << 20
#: Of each round: float64, shape (clock and CPU, round).
Seconds = NDArray[np.float64]

_CANDIDATES = (
    REFERENCE,
    Candidate(Runtime.ORT_CPU, Precision.INT8),
    Candidate(Runtime.OPENVINO, Precision.FP32),
    Candidate(Runtime.ORT_CUDA, Precision.FP32),
    *(Candidate(Runtime.TENSORRT, precision) for precision in Precision),
)
_WARM = 2
_SIDE = 2048


@dataclass
class Way:
    """One way of running a network, and how much memory it has come to hold."""

    run: Run
    memory_mib: float = 0.0

    @classmethod
    def made(cls, make: Callable[[], Run]) -> "Way":
        """Make one, its memory counted."""
        before = _held_mib()
        run = make()
        return cls(run, max(0.0, _held_mib() - before))

    def warm(self, arrays: Arrays) -> None:
        """Run it until it is at its pace."""
        before = _held_mib()
        for _ in range(_WARM):
            self.run(arrays)
        self.memory_mib += max(0.0, _held_mib() - before)


@dataclass(frozen=True)
class Timed:
    """One way of running a network at one batch size.

    Attributes
    ----------
    way : str
        Runtime and precision.
    batch : int
        Images at once.
    p50_ms, p99_ms, spread_ms : float
        Of a batch: median, 99th percentile (of few rounds the slowest), quartiles apart.
    cpu_ms : float
        Of this process's CPU time, the median: what a busy machine does not lengthen.
    ratio : float
        Median of the rounds' ratios of time to ONNX Runtime's FP32 on the CPU; below 1 is faster.
    cpu_ratio : float
        The same of CPU time.
    share : float
        Of the rate at which this processor multiplies large matrices in float32, measured beside.
    memory_mib : float
        How much more memory the process and its GPU hold since this way was made and run, up to
        this batch size; what one way gave back, the next may have taken.
    """

    way: str
    batch: int
    p50_ms: float
    p99_ms: float
    spread_ms: float
    cpu_ms: float
    ratio: float
    cpu_ratio: float
    share: float
    memory_mib: float

    @property
    def images_per_s(self) -> float:
        """At the median."""
        return 1000 * self.batch / self.p50_ms


@dataclass(frozen=True)
class Bench:
    """What is to be timed.

    Attributes
    ----------
    making : Making
        Whose networks; its ``engine`` is replaced by each in turn.
    batches : sequence of int
        Images at once.
    rounds : int
        Of each way, in turns, so that what else the machine does meets all alike.
    compiles : bool
        Whether torch.compile takes part: half a minute of CPU for each batch size.
    """

    making: Making
    batches: Sequence[int]
    rounds: int
    compiles: bool = False


def timed(bench: Bench) -> Iterator[tuple[str, list[Timed], list[str]]]:
    """Time each network of a model: its name, what was timed, and what is not here and why."""
    weights = bench.making.weights
    for network in recipe_of(weights.model).networks(weights.parameters):
        making = replace(bench.making, engine=network.name)
        ways, lacking = _ways(network, making, bench.compiles)
        yield network.name, _timed(ways, network, making, bench), lacking


def _ways(network: Network, making: Making, compiles: bool) -> tuple[dict[str, Way], list[str]]:
    found: dict[str, Way] = {}
    lacking = []
    for candidate in _CANDIDATES:
        try:
            found[str(candidate)] = Way.made(partial(make, candidate, making))
        except (EngineMismatch, MemoryError) as error:
            lacking.append(f"{candidate}: {error}")
    return found | _torch_ways(network, compiles), lacking


def _torch_ways(network: Network, compiles: bool) -> dict[str, Way]:
    def net() -> Any:
        return network.lesson.build().eval()

    def way(make: Callable[[], Any], device: str, kind: Any = torch.float32) -> Way:
        return Way.made(lambda: _of_torch(make(), network, device, kind))

    found = {"torch eager fp32, CPU": way(net, "cpu")}
    if compiles:
        # compiled for each shape anew; what that costs is not timed
        found["torch.compile fp32, CPU"] = way(lambda: torch.compile(net()), "cpu")
    if torch.cuda.is_available():
        found["torch eager fp32, CUDA"] = way(net, "cuda")
        half = torch.float16
        found["torch.compile fp16, CUDA"] = way(
            lambda: torch.compile(net().half().cuda()), "cuda", half
        )
    return found


def _of_torch(net: Any, network: Network, device: str, kind: Any) -> Run:
    net = net.to(device)

    def run(arrays: Arrays) -> Any:
        with torch.inference_mode():
            out = net(*(torch.from_numpy(arrays[n]).to(device, kind) for n in network.inputs))
        outputs = out if isinstance(out, tuple) else (out,)
        return [one.float().cpu().numpy() for one in outputs]

    return run


def _timed(ways: dict[str, Way], network: Network, making: Making, bench: Bench) -> list[Timed]:
    sizes = OrtEngine(making.network, 1).sizes
    rng = np.random.default_rng(0)
    found = []
    operations = _operations(network, sizes)
    for batch in bench.batches:
        arrays = {name: rng.random((batch, *size), np.float32) for name, size in sizes.items()}
        times, usable = _times(ways, arrays, bench.rounds)
        rate = _multiplications_per_s()
        for name in usable:
            one = _summed(name, batch, operations / rate, (times[name], times[str(REFERENCE)]))
            found.append(replace(one, memory_mib=ways[name].memory_mib))
    return found


def _summed(way: str, batch: int, least_s: float, rounds: tuple[Seconds, Seconds]) -> Timed:
    """Sum up the rounds of a way beside those of the reference; ``least_s`` an image."""
    mine, base = rounds
    low, middle, high, late = (float(ms) for ms in 1000 * np.percentile(mine[0], [25, 50, 75, 99]))
    return Timed(
        way=way,
        batch=batch,
        p50_ms=middle,
        p99_ms=late,
        spread_ms=high - low,
        cpu_ms=1000 * float(np.median(mine[1])),
        ratio=float(np.median(mine[0] / base[0])),
        cpu_ratio=float(np.median(mine[1] / base[1])),
        share=1000 * least_s * batch / middle,
        memory_mib=0.0,
    )


def _times(
    ways: dict[str, Way], arrays: Arrays, rounds: int
) -> tuple[dict[str, Seconds], list[str]]:
    """Return seconds of each round by way, on the clock and of CPU, and the ways that ran."""
    usable = []
    for name, way in ways.items():
        try:
            way.warm(arrays)
        except (EngineMismatch, MemoryError, RuntimeError):
            # e.g. no compiler for torch.compile
            continue
        usable.append(name)
    times = {name: np.zeros((2, rounds)) for name in usable}
    for i in range(rounds):
        for name in usable:
            began = time.perf_counter(), time.process_time()
            ways[name].run(arrays)
            ended = time.perf_counter(), time.process_time()
            times[name][:, i] = np.subtract(ended, began)
    return times, usable


def _operations(network: Network, sizes: dict[str, tuple[int, ...]]) -> float:
    """Count the sums and products of one image."""
    net = network.lesson.build().eval()
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        net(*(torch.zeros(1, *sizes[name]) for name in network.inputs))
    return float(counted.get_total_flops())


def _multiplications_per_s() -> float:
    """Measure sums and products a second where the work is large and regular."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    side = _SIDE if device == "cpu" else 4 * _SIDE
    one = torch.rand(side, side, device=device)
    least = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        float((one @ one)[0, 0])
        least = min(least, time.perf_counter() - began)
    return 2 * side**3 / least


def _held_mib() -> float:
    """Return what this process holds in memory, on its GPU too."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    held = pages * os.sysconf("SC_PAGE_SIZE")
    if torch.cuda.is_available():
        # of the whole GPU: TensorRT's share is nobody else's to tell
        free, whole = torch.cuda.mem_get_info()
        held += whole - free
    return held / MIB


def bench_table(title: str, found: Sequence[Timed]) -> Table:
    """Return the table for a person."""
    times = ("p50 ms", "p99 ms", "quartiles", "images/s", "CPU ms")
    heads = ("way", "batch", *times, "to ORT CPU", "its CPU to ORT CPU's", "ceiling", "MiB")
    table = Table(*heads, title=title, box=None, header_style="bold")
    for one in found:
        table.add_row(
            one.way,
            str(one.batch),
            f"{one.p50_ms:.1f}",
            f"{one.p99_ms:.1f}",
            f"{one.spread_ms:.1f}",
            f"{one.images_per_s:.0f}",
            f"{one.cpu_ms:.1f}",
            f"{one.ratio:.2f}",
            f"{one.cpu_ratio:.2f}",
            f"{100 * one.share:.0f} %",
            f"{one.memory_mib:.0f}",
        )
    return table


def told_weights(weights: Weights) -> str:
    """Say whose weights were timed."""
    return f"{weights.model} {weights.version}"
