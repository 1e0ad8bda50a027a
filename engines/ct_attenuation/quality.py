"""The facts of a CT that a reader needs beside each number: how it was made, how noisy it is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from scipy import ndimage

from engines.anatomy.contrast import Contrast, contrast_of
from engines.anatomy.spine import Vertebra
from engines.header import number, shared_macros, text, texts
from engines.volume import Volume

Grid = NDArray[np.float32]

# All ours. Patches of this size, of soft tissue alone, are homogeneous; the quietest third of them
# shows noise without borders.
_PATCH_MM = 9.0
_SOFT_HU = (-20.0, 140.0)
_QUIET = 35
_MOST_SLICES = 12


def quality(
    headers: Sequence[Dataset], volume: Volume, seen: Sequence[Vertebra]
) -> Mapping[str, Any]:
    """Collect the facts.

    Parameters
    ----------
    headers : sequence of Dataset
        Of the series that was measured; without pixels will do.
    volume : Volume
        That series.
    seen : sequence of Vertebra
        Its vertebrae, to look for vessels in front of them.

    Returns
    -------
    mapping
        JSON values; a key is absent where nothing is known. ``kvp``, ``kernel``,
        ``slice_thickness_mm``, ``slice_spacing_mm``, ``pixel_spacing_mm``, ``reconstruction``,
        ``manufacturer``, ``scanner``, ``contrast_phase``, ``contrast_phase_in_header``,
        ``contrast_phase_in_image``, ``contrast_agent_in_header``, ``contrast_agrees``,
        ``aorta_hu``, ``cava_hu``, ``kidney_cortex_hu``, ``kidney_medulla_hu``, ``noise_hu``.
    """
    known: dict[str, Any] = dict(_of_header(headers[0])) if headers else {}
    slice_mm, row_mm, column_mm = volume.spacing_mm
    known["slice_spacing_mm"] = round(slice_mm, 3)
    known["pixel_spacing_mm"] = round(max(row_mm, column_mm), 3)
    known |= _of_contrast(contrast_of(headers, volume, seen))
    known["noise_hu"] = _rounded(noise_hu(volume))
    return {key: value for key, value in known.items() if value not in (None, "")}


def _of_header(ds: Dataset) -> Mapping[str, Any]:
    """Read a classic header, or an enhanced one's functional groups (PS3.3 C.8.15.3)."""
    places = [ds, *shared_macros(ds)]
    kvp, thickness = (
        next((value for one in places if (value := number(one, keyword)) is not None), None)
        for keyword in ("KVP", "SliceThickness")
    )
    kernel, method = (
        next((said for one in places if (said := " ".join(texts(one, keyword)))), "")
        for keyword in ("ConvolutionKernel", "ReconstructionMethod")
    )
    return {
        "kvp": kvp,
        "kernel": kernel,
        "slice_thickness_mm": thickness,
        "reconstruction": method,
        "manufacturer": text(ds, "Manufacturer"),
        "scanner": text(ds, "ManufacturerModelName"),
    }


def _of_contrast(found: Contrast) -> Mapping[str, Any]:
    return {
        "contrast_phase": str(found.phase),
        "contrast_phase_in_header": str(found.header),
        "contrast_phase_in_image": str(found.image),
        "contrast_agent_in_header": found.agent,
        "contrast_agrees": found.agree,
        "aorta_hu": _rounded(found.aorta_hu),
        "cava_hu": _rounded(found.cava_hu),
        "kidney_cortex_hu": _rounded(found.cortex_hu),
        "kidney_medulla_hu": _rounded(found.medulla_hu),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def noise_hu(volume: Volume) -> float | None:
    """Measure noise: the standard deviation within small patches of soft tissue.

    Parameters
    ----------
    volume : Volume
        A CT; twelve of its slices are looked at.

    Returns
    -------
    float or None
        HU, of single slices; None where no patch is soft tissue alone. Organs' own texture is in
        it: a scan without any noise reads a few HU.
    """
    count = len(volume.hu)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST_SLICES)).astype(int))
    spreads = [_patches_hu(volume.hu[k], volume.spacing_mm[1:]) for k in chosen]
    together = np.concatenate(spreads)
    return float(np.percentile(together, _QUIET)) if together.size else None


def _patches_hu(hu: Grid, spacing_mm: tuple[float, float]) -> Grid:
    """Return the standard deviation of each patch of soft tissue, one in every patch's size."""
    size = [max(3, round(_PATCH_MM / step)) for step in spacing_mm]
    plain = np.nan_to_num(hu, nan=-1000.0).astype(np.float64)
    mean = ndimage.uniform_filter(plain, size)
    square = ndimage.uniform_filter(np.square(plain), size)
    # smoothed, so that noise alone takes no patch out
    smooth = ndimage.uniform_filter(plain, [max(1, n // 3) for n in size])
    inside = (smooth > _SOFT_HU[0]) & (smooth < _SOFT_HU[1])
    whole = ndimage.minimum_filter(inside.astype(np.uint8), size) > 0
    taken = (slice(None, None, max(1, size[0] // 2)), slice(None, None, max(1, size[1] // 2)))
    spread = np.sqrt(np.clip(square - np.square(mean), 0, None))[taken][whole[taken]]
    return np.asarray(spread, np.float32)
