"""A report's map lies over the very picture that it belongs to."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the bench needs the extra `lab`")

from engines.lab import report

SLICES = 6


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, SLICES, 8, 8)])
def test_the_map_is_of_the_slice_that_is_shown(shape: tuple[int, ...]) -> None:
    hips = np.arange(SLICES, dtype=np.float32)[None, :, None, None] + np.zeros((2, SLICES, 8, 8))
    heat: Any = np.full(shape, 5.0) if len(shape) == 3 else hips + 2
    measured: Any = SimpleNamespace(
        recipe=SimpleNamespace(HEAT=("net", "heat")),
        outputs={"net": {"heat": np.where(np.arange(8) < 4, heat, 0)}},
        seen=SimpleNamespace(arrays={"hip": hips}),
    )
    shown, hot = report._images(measured), report._heats(measured)
    assert shown is not None and (shown == SLICES // 2).all()
    # the hottest place is 1
    assert hot is not None and (hot[:, :, :4] == 1).all() and not hot[:, :, 4:].any()
