"""Measure the hip bone's shape once on a public CT: how ``hip_bone.npz`` was made.

``python -m engines.phantoms.body.measure_hip example_ct.nii.gz hip_bone.npz`` with the file of
TotalSegmentator's test data (Apache-2.0). The thresholds, the femoral head's place and the line of
the sacroiliac joint were read off that one CT by eye; they fit no other.
"""

import gzip
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

VOXEL_MM, STEP_MM = 3.0, 1.5
MIDDLE_COLUMN, SLICES = 59, 70
#: Middle of the intact femoral head, and the way of its neck, in voxels from the midline.
HEAD = np.array([28.5, 55.6, 12.0])
NECK = np.array([1.0, 0.05, -0.55]) / np.linalg.norm([1.0, 0.05, -0.55])
#: The sacroiliac joint at rows 66 and 82 of slices, columns from the midline.
JOINT_SLICES = [0, 18, 30, 33, 36, 39, 42, 45, 48, 51, 54]
JOINT_FRONT = [8, 8, 18, 20, 22, 21.5, 19, 18, 17, 16, 14]
JOINT_BACK = [8, 8, 17, 17, 16, 13.5, 12, 13.5, 14, 15, 14]


def half_ct(path: Path) -> Values:
    """Read HU of the intact side: float64, axes outwards, backwards, upwards."""
    stored = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(stored[42:48], "<i2")
    values = np.frombuffer(stored, "<i4", int(np.prod(shape)), 352)
    whole = values.reshape(shape, order="F").astype(np.float64)
    return np.asarray(whole[MIDDLE_COLUMN:, ::-1, :SLICES])


def bone(hu: Values, up: Values) -> Mask:
    """Find bone and what it encloses, slice by slice."""
    limit = np.where(up > 36, 105, 170)
    found = ndimage.gaussian_filter(hu, 0.5) > limit
    cross = ndimage.generate_binary_structure(2, 1)
    for z in range(found.shape[2]):
        closed = ndimage.binary_closing(np.pad(found[:, :, z], 6), cross, iterations=2)
        found[:, :, z] = ndimage.binary_fill_holes(closed)[6:-6, 6:-6]
    return np.asarray(found)


def without_neighbours(found: Mask, place: tuple[Values, Values, Values]) -> Mask:
    """Take femur, sacrum and the other side's pubis away."""
    x, y, z = place
    offset = (np.stack(place, axis=-1) - HEAD) * VOXEL_MM
    along = offset @ NECK
    aside = np.linalg.norm(offset - along[..., None] * NECK, axis=-1)
    femur = (np.linalg.norm(offset, axis=-1) < 26.0) | ((along > 0) & (aside < 24))
    femur |= (x > 36) & (z < 14)
    femur |= (x > 24) & (z < 6) & (y > 40) & (y < 72)
    front = np.interp(z, JOINT_SLICES, JOINT_FRONT)
    back = np.interp(z, JOINT_SLICES, JOINT_BACK)
    joint = np.where(z < 16, -5, front + (back - front) * (y - 66) / 16)
    kept = found & ~femur & (x > joint) & ~((z < 16) & (x < 0.6))
    labels, _ = ndimage.label(kept)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def solid(found: Mask, place: tuple[Values, Values, Values]) -> Mask:
    """Close gaps, the thin middle of the wing's above all."""
    ball = ndimage.generate_binary_structure(3, 1)
    whole = ndimage.binary_closing(np.pad(found, 8), ball, iterations=3)
    for axis in (0, 1, 2) * 2:
        layers = np.moveaxis(whole, axis, 0)
        for layer in layers:
            layer[...] = ndimage.binary_fill_holes(layer)
    offset = (np.stack(place, axis=-1) - HEAD) * VOXEL_MM
    whole = whole[8:-8, 8:-8, 8:-8] & (np.linalg.norm(offset, axis=-1) >= 26)
    wing = ndimage.binary_closing(np.pad(whole, 10), ball, iterations=7)[10:-10, 10:-10, 10:-10]
    return np.asarray(whole | (wing & (place[2] > 42) & (place[0] > 24)))


def distance_mm(whole: Mask, up: Values) -> Values:
    """Return signed distances to the surface; a wing is nowhere thinner than about 2 mm."""
    outside = ndimage.distance_transform_edt(~whole)
    distance = (outside - ndimage.distance_transform_edt(whole)) * STEP_MM
    distance = ndimage.gaussian_filter(distance + np.where(whole, 0.75, -0.75), 0.8)
    sheet = whole & (up > 42)
    near = ndimage.gaussian_filter(ndimage.distance_transform_edt(~sheet) * STEP_MM, 0.6) - 1.0
    distance = np.where(up > 40, np.minimum(distance, near), distance)
    smooth = ndimage.gaussian_filter(distance, 0.5)
    thinnest = smooth.min(0)
    shadow = ndimage.binary_closing(np.pad(thinnest < 0, 12), iterations=6)
    shadow = ndimage.binary_fill_holes(shadow)[12:-12, 12:-12]
    thin = ndimage.binary_erosion(shadow, iterations=8) & (thinnest > -1.0) & (up[0] > 42)
    less = np.where(thin, thinnest + 1.0, 0)[None]
    return np.asarray(distance - less * np.exp(-np.square((smooth - thinnest[None]) / 3)))


def measure(ct: Path, table: Path) -> None:
    """Write the table from the CT."""
    hu = half_ct(ct)
    padded = np.pad(hu, 1, mode="edge")
    fine = ndimage.zoom(padded, VOXEL_MM / STEP_MM, order=1)
    axes = [np.linspace(-1, n, m) for n, m in zip(hu.shape, fine.shape, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    whole = solid(without_neighbours(bone(fine, z), (x, y, z)), (x, y, z))
    distance = distance_mm(whole, z)
    inside = np.argwhere(distance < 2)
    low = np.maximum(inside.min(0) - 3, 0)
    high = np.minimum(inside.max(0) + 4, distance.shape)
    part = distance[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    origin = np.array([axis[i] for axis, i in zip(axes, low, strict=True)])
    np.savez_compressed(
        table,
        distance=np.round(np.clip(part, -5, 3) / 0.25).astype(np.int8),
        origin_mm=(origin - HEAD) * VOXEL_MM,
        step_mm=np.array([axis[1] - axis[0] for axis in axes]) * VOXEL_MM,
    )


if __name__ == "__main__":
    measure(Path(sys.argv[1]), Path(sys.argv[2]))
