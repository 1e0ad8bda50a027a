"""Adult measures in millimetres, for a man of 1.70 m; a body is these times its own factors.

Round figures, ours, in the range that anatomy texts and morphometry of the spine report; they are
fitted to nobody.
"""

import numpy as np

#: The stature at which the tables hold, m.
STATURE_M = 1.70

LEVELS = (
    "C7",
    *(f"T{n}" for n in range(1, 13)),
    *(f"L{n}" for n in range(1, 6)),
    "S1",
)  # fmt: skip

#: Vertebral bodies C7 to S1: height in the middle, width and depth of the endplates.
HEIGHTS_MM = np.array(
    [14, 16, 17.5, 18, 18.5, 19, 19.5, 20, 20.5, 21.3, 22.2, 23, 24.5, 26, 27, 27.5, 27.5, 27, 29]
)
WIDTHS_MM = np.array(
    [29, 31, 29, 28, 27.5, 28, 28.5, 29.5, 31, 32.5, 34.5, 37, 39.5, 41.5, 43.5, 45.5, 48, 51, 52]
)
DEPTHS_MM = np.array(
    [17, 17.5, 18.5, 20, 21.5, 23, 24.5, 26.5, 28, 29.5, 30.5, 31, 31.5, 32, 33, 34, 34.5, 35, 33]
)

#: Discs below C7 to L5, height in the middle.
DISCS_MM = np.array([5, 4.5, 4, 3.8, 3.8, 4, 4, 4.2, 4.5, 4.8, 5.2, 6, 7, 8, 9.5, 10.5, 11.5, 10])

#: How far each body C7 to S1 leans back when standing; lordosis 50, kyphosis 39, sacral slope 38.
LEANS_DEG = np.array(
    [-22, -24, -21, -17, -12, -6.5, -1, 4, 8.5, 12, 14, 15, 15, 12, 7, 0, -9, -22, -38]
)

#: Inner rib cage, T1 to L3: half its width; how far front and back are from the vertebral middle.
CAGE_LEVELS = LEVELS[1:16]
CAGE_HALF_WIDTHS_MM = np.array(
    [50, 75, 92, 104, 113, 120, 126, 130, 132.5, 133, 132, 129, 125, 119, 112]
)
CAGE_FRONTS_MM = np.array([44, 57, 70, 83, 95, 105, 113, 120, 125, 128, 128, 126, 122, 117, 112])
CAGE_BACKS_MM = np.array([17, 22, 26, 29, 31, 32, 33, 33, 33, 32, 31, 30, 29, 28, 27])

#: Skin without fat at heights above L1, mm: neck, shoulders, chest, waist, pelvis, thighs.
TRUNK_HEIGHTS_MM = np.array(
    [-420, -330, -270, -210, -170, -110, -50, 20, 90, 160, 220, 260, 300, 330]
)
TRUNK_HALF_WIDTHS_MM = np.array(
    [158, 164, 166, 160, 150, 138, 137, 145, 154, 160, 158, 130, 66, 58]
)
TRUNK_HALF_DEPTHS_MM = np.array([84, 92, 100, 102, 100, 96, 97, 101, 106, 107, 96, 80, 60, 56])
TRUNK_MIDDLES_MM = np.array([8, 6, 2, -4, -10, -18, -22, -26, -30, -28, -18, -8, -2, -4])

#: From the middle of the body S1 to the middle between the hip joints, mm (x, y, z), standing.
HIPS_FROM_S1_MM = np.array([0.0, -26.0, -92.0])
HALF_HIPS_MM = 88.0
HEAD_RADIUS_MM = 24.5

#: What a woman's bones measure against a man's of the same stature, and her hip joints' distance.
WOMAN_WIDTH = 0.92
WOMAN_HIPS = 0.98


def size_mm(level: str) -> tuple[float, float, float]:
    """Return width, depth and height of a vertebral body in the table."""
    i = LEVELS.index(level)
    return float(WIDTHS_MM[i]), float(DEPTHS_MM[i]), float(HEIGHTS_MM[i])
