"""All headers without any picture: what they say must not need to know the inside of a body."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np

from engines.phantoms import scanning
from engines.phantoms.ct.grid import grid_of
from engines.phantoms.ct.volume import CtVolume
from engines.phantoms.dicom.slices import Slices
from engines.phantoms.xray import films
from engines.phantoms.xray.detector import Raw


@contextmanager
def nothing_imaged() -> Iterator[None]:
    """Make films of even grey, and scans of nothing, in the place and number that they would be."""
    with ExitStack() as stack:
        for module, name, instead in (
            (films, "_bones", _nothing),
            (films, "_solids", _nothing),
            (films, "take_raw", _even_film),
            (scanning, "ct_volume", _empty_ct),
            (scanning, "bones", _nothing),
            (scanning, "soft_parts", _nothing),
            (scanning, "hip_joints", _nothing),
            (scanning, "fill", lambda *_: True),
            (scanning, "mri_series", _empty_mri),
        ):
            stack.enter_context(mock.patch.object(module, name, instead))
        yield


def _nothing(*_: Any) -> tuple[()]:
    return ()


def _even_film(_: Any, geometry: Any, *__: Any) -> Raw:
    return Raw(np.ones(geometry.shape), 10.0, 2.0, 3.0)


def _empty_ct(build: Any, protocol: Any, *_: Any) -> CtVolume:
    grid = grid_of(build, protocol)
    hu = np.zeros((grid.count, protocol.matrix, protocol.matrix), np.int16)
    return CtVolume(hu, grid.affine, protocol)


def _empty_mri(_: Any, protocol: Any, *__: Any) -> Slices:
    size, step = protocol.pixel_mm, protocol.step_mm
    place = (0.0, -40.0, 60.0)
    values = np.zeros((protocol.slices, 8, 8))
    return Slices(values, place, (1, 0, 0), (0, 0, -1), (0, step, 0), (size, size), step)
