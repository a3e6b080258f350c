"""What iBUG's points differ by from the nearest points of the mesh."""

from typing import Final

import numpy as np

# fmt: off
_THOUSANDTHS = (
    # jaw
    (14, 140), (24, 54), (37, 87), (13, -27), (5, 5), (17, 48), (-16, 32), (-42, 36),
    (0, 51), (42, 36), (16, 32), (-17, 48), (-5, 5), (-13, -27), (-37, 87), (-24, 54),
    (-14, 140),
    # brows
    (1, 2), (28, -4), (54, 18), (57, 41), (32, 72), (-32, 72), (-57, 41), (-54, 18),
    (-28, -4), (-1, 2),
    # nose
    (0, 18), (0, -25), (0, -50), (0, -26), (-8, -11), (3, -23), (0, -9), (-3, -23),
    (8, -11),
    # eyes
    (11, 12), (18, 7), (6, 11), (-11, 3), (-8, 6), (1, 10), (11, 3), (-6, 11),
    (-18, 7), (-11, 12), (-1, 10), (8, 6),
    # mouth
    (2, 16), (-8, 20), (6, 6), (0, 14), (-6, 6), (8, 20), (-2, 16), (16, 5),
    (-5, 15), (0, 16), (5, 15), (-16, 5), (10, 22), (-8, 2), (0, 5), (8, 2),
    (-10, 22), (4, 12), (0, 16), (-4, 12),
)
# fmt: on

OFFSETS: Final = np.array(_THOUSANDTHS, np.float64) / 1000
"""``(68, 2)``, in units of the mean face's square, symmetric.

Measured on the clips brbk7n and sbia1a of the GRID corpus, against dlib's landmarks, as the average
over 150 frames and over both halves of the face. On two other speakers' clips, bbaf2n and lbbc2a,
it takes the mean distance at the inner 51 points from 3.6 and 3.9 to 2.5 and 2.3 % of that between
the eyes' outer corners, and at the jaw from 9.3 and 6.5 to 3.5 and 6.1 %.
"""
