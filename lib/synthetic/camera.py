"""The camera: how a pose turns points of the head, and where the picture shows them."""

from __future__ import annotations

import numpy as np

from lib.synthetic.grid import Array
from lib.synthetic.parameters import Pose

SPAN = 44.0
"""Head units across a picture at scale 1."""
DISTANCE = 75.0
"""Head units from the camera to the pivot."""
PIVOT = np.array((0, -2.0, -4.0), np.float32)
"""The point about which heads turn, in head units."""
_CENTRE_Y = -1.6


def rotation(pose: Pose) -> Array:
    """Rotation (3, 3) of the head; x right, y up, z to the viewer."""
    yaw, pitch, roll = np.deg2rad([pose.yaw, pose.pitch, pose.roll])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array(
        [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    )
    lean = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(lean @ nod @ turn, np.float32)


def place(points: Array, pose: Pose, follow: Array | float = 1.0) -> Array:
    """Points in camera space; where `follow` is below 1 they turn only that far with the head."""
    local = points - PIVOT
    turned = local @ rotation(pose).T
    if not isinstance(follow, float):
        still = local @ rotation(body(pose)).T
        turned = still + (turned - still) * follow[..., None]
    return np.asarray(turned + PIVOT, np.float32)


def body(pose: Pose) -> Pose:
    """Return the pose of the shoulders, which turn far less than the head."""
    return Pose(yaw=0.25 * pose.yaw, pitch=0.05 * pose.pitch, roll=0.1 * pose.roll)


def project(points: Array, pose: Pose, size: float) -> Array:
    """Return picture coordinates and nearness (..., 3) of camera-space points."""
    near = DISTANCE / (DISTANCE - points[..., 2] + PIVOT[2])
    scale = pose.scale * size / SPAN
    x = (0.5 + pose.x) * size - 0.5 + scale * near * points[..., 0]
    y = (0.5 + pose.y) * size - 0.5 - scale * near * (points[..., 1] - _CENTRE_Y)
    return np.stack([x, y, near * DISTANCE], axis=-1).astype(np.float32)
