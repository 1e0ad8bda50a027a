"""The cases whose answers are known: what every engine is run on before it serves.

Prepared virtual patients lie beside the weights (``known_cases.npz``); edge values are added here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineMismatch

FILE: Final = "known_cases.npz"

Sizes = dict[str, tuple[int, ...]]
"""By name of the input, without the batch."""


@dataclass(frozen=True)
class KnownCases:
    """Inputs of one network.

    Attributes
    ----------
    arrays : mapping of str to ndarray
        By name of the input; float32, shape (case, ...).
    names : tuple of str
        Of the cases: ``patient 3``, ``all dark``.
    patients : int
        How many are virtual patients; they come first.
    """

    arrays: dict[str, NDArray[np.float32]]
    names: tuple[str, ...]
    patients: int


def known_cases(folder: Path, engine: str, sizes: Sizes) -> KnownCases:
    """Return the cases of one network of a folder of weights; edge values alone where none lie.

    Parameters
    ----------
    folder : Path
        Of the weights.
    engine : str
        The network's name in the manifest.
    sizes : mapping of str to tuple of int
        Of its inputs, without the batch.

    Raises
    ------
    EngineMismatch
        If the kept cases are not for this network.
    """
    kept = _kept(folder / FILE, engine, sizes)
    edges = _edges(sizes)
    patients = len(next(iter(kept.values()))) if kept else 0
    arrays = {
        name: np.concatenate([kept[name], edges[name]]) if kept else edges[name] for name in sizes
    }
    names = (*(f"patient {i + 1}" for i in range(patients)), *_EDGES)
    return KnownCases(arrays, names, patients)


def write_known_cases(folder: Path, cases: dict[str, dict[str, NDArray[np.float32]]]) -> Path:
    """Keep cases beside weights, by network and input; pictures in 256 steps, values as they are.

    Pictures are those of three dimensions or more with the case's; their range is [0, 1].
    """
    file = folder / FILE
    arrays = {
        f"{engine}/{name}": _small(array)
        for engine, inputs in cases.items()
        for name, array in inputs.items()
    }
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file


def _small(array: NDArray[np.float32]) -> NDArray[np.uint8] | NDArray[np.float32]:
    if array.ndim < 3 or array.min() < 0 or array.max() > 1:
        return array.astype(np.float32)
    return np.round(array * 255).astype(np.uint8)


def _kept(file: Path, engine: str, sizes: Sizes) -> dict[str, NDArray[np.float32]]:
    if not file.exists():
        return {}
    found = {}
    try:
        with np.load(file, allow_pickle=False) as kept:
            if not any(one.startswith(f"{engine}/") for one in kept.files):
                return {}
            for name in sizes:
                array = kept[f"{engine}/{name}"]
                whole = array.astype(np.float32)
                found[name] = whole / np.float32(255) if array.dtype == np.uint8 else whole
    except (OSError, ValueError, KeyError) as error:
        raise EngineMismatch(f"{file}: no known cases of {engine}: {error}") from error
    if any(found[name].shape[1:] != size for name, size in sizes.items()):
        raise EngineMismatch(f"{file}: the known cases of {engine} are of another size")
    return found


_EDGES: Final = ("all dark", "all bright", "noise", "one step")


def _edges(sizes: Sizes) -> dict[str, NDArray[np.float32]]:
    """Return, in the range [0, 1]: zeros, ones, noise, a step in the middle of the last axis."""
    rng = np.random.default_rng(0)
    made = {}
    for name, size in sizes.items():
        step = np.zeros(size, np.float32)
        step[..., size[-1] // 2 :] = 1
        noise = rng.random(size, np.float32)
        made[name] = np.stack([np.zeros_like(step), np.ones_like(step), noise, step])
    return made
