"""The obvious way to make a training pair: one picture at a time, from the file, step by step."""

import cv2
import numpy as np

from lib.data.faceset import Cut, cut_face
from lib.data.files import read_face


def training_pair(path: str, cut: Cut, window: int, size: int, rng: np.random.Generator):
    """Decode, cut, colour, transform and warp one face; feed and target of this size."""
    image, masks, _ = cut_face(read_face(path), cut)
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
    if rng.random() < 0.5:
        lab[..., 0] = cv2.createCLAHE(2.0, (4, 4)).apply(lab[..., 0])
    for channel, amount in enumerate((0.3, 0.08, 0.08)):
        rate = rng.uniform(-amount, amount)
        plane = lab[..., channel].astype(np.float32)
        plane = plane + (255 - plane) * rate if rate >= 0 else plane * (1 + rate)
        lab[..., channel] = np.clip(plane, 0, 255)
    image = cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)
    edge = cut.size
    turn = cv2.getRotationMatrix2D(
        (edge / 2 - 0.5, edge / 2 - 0.5), rng.uniform(-10, 10), rng.uniform(0.95, 1.05)
    )
    turn[:, 2] += rng.uniform(-0.05, 0.05, 2) * edge
    both = np.concatenate([image, masks], axis=-1)
    parts = [
        cv2.warpAffine(part, turn, (edge, edge), borderMode=cv2.BORDER_REPLICATE)
        for part in (both[..., :3], both[..., 3:])
    ]
    both = np.concatenate(parts, axis=-1)
    if rng.random() < 0.5:
        both = both[:, ::-1]
    start = (edge - window) // 2
    target = cv2.resize(
        both[start : start + window, start : start + window], (size, size), interpolation=3
    )
    grid = np.linspace(start - 0.5, start + window - 0.5, 5)
    nodes = np.stack(np.meshgrid(grid, grid)) + rng.normal(0, 5 / 256 * edge, (2, 5, 5))
    whole, trim = round(size * 1.25), size // 8
    maps = [
        cv2.resize(plane, (whole, whole))[trim : trim + size, trim : trim + size].astype(np.float32)
        for plane in nodes
    ]
    feed = cv2.remap(np.ascontiguousarray(both[..., :3]), *maps, cv2.INTER_LINEAR)
    return feed, target
