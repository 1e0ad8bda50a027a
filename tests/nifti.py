"""NIfTI-1 files with their voxels along the patient's axes, as volumes of ours."""

import gzip
import struct
from pathlib import Path

import numpy as np

from engines.volume import Volume

_KINDS = {2: "u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 512: "<u2"}


def read_nifti(path: Path) -> Volume:
    """Read a file whose axes grow towards right, front and head (nifti1.h)."""
    content = gzip.decompress(path.read_bytes())
    shape = struct.unpack_from("<8h", content, 40)[1:4]
    kind, first = (
        _KINDS[struct.unpack_from("<h", content, 70)[0]],
        struct.unpack_from("<f", content, 108),
    )
    slope, intercept = struct.unpack_from("<2f", content, 112)
    placed = np.array(struct.unpack_from("<12f", content, 280)).reshape(3, 4)
    spacing = np.diag(placed[:, :3])
    assert (spacing > 0).all() and np.count_nonzero(placed[:, :3]) == 3, "not along the axes"
    values = np.frombuffer(content, kind, int(np.prod(shape)), int(first[0])).reshape(
        shape, order="F"
    )
    hu = values.astype(np.float32) * np.float32(slope or 1) + np.float32(intercept)
    # from right, front, head to LPS: the last of the first two axes comes first
    corner = placed[:, 3] + spacing * [shape[0] - 1, shape[1] - 1, 0]
    return Volume(
        hu=np.ascontiguousarray(hu.transpose(2, 1, 0)[:, ::-1, ::-1]),
        spacing_mm=(float(spacing[2]), float(spacing[1]), float(spacing[0])),
        origin_mm=(float(-corner[0]), float(-corner[1]), float(corner[2])),
        planes=(),
    )
