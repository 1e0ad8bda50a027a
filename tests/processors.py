"""Processes that compute as another processor would: other instructions, threads, hash seeds."""

import os
from collections.abc import Sequence
from pathlib import Path

from numpy._core import _multiarray_umath as inner

ROOT = Path(__file__).parents[1]
#: What the C library's mathematics would use, by its own names.
_C_LIBRARY = "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-FMA4,-AVX512F,-AVX512F_Usable"


def dispatched() -> list[str]:
    """Return the sets of instructions that NumPy has code of its own for, and would use here."""
    return [name for name in inner.__cpu_dispatch__ if inner.__cpu_features__.get(name)]


def processors() -> dict[str, dict[str, str]]:
    """Return environments by name: the machine as it is, and as lesser ones would be."""
    wide = [name for name in dispatched() if name.startswith(("AVX512", "X86_V4"))]
    return {
        "as it is, 2 threads": _environment(threads=2, hashing=1),
        "as it is, 1 thread": _environment(threads=1, hashing=2),
        "without AVX-512": _environment(1, 3, wide, "Haswell"),
        "without AVX and FMA": plainest(),
    }


def plainest() -> dict[str, str]:
    """Return the environment that computes least like this machine."""
    return _environment(2, 4, dispatched(), "Nehalem") | {"GLIBC_TUNABLES": _C_LIBRARY}


def _environment(
    threads: int, hashing: int, without: Sequence[str] = (), core: str = ""
) -> dict[str, str]:
    told = {
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
        "PYTHONHASHSEED": str(hashing),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
    }
    if without:
        told["NPY_DISABLE_CPU_FEATURES"] = " ".join(without)
    if core:
        told["OPENBLAS_CORETYPE"] = core
    return {**os.environ, **told}
