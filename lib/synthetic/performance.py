"""A person talking and looking about: shots whose parameters all move smoothly in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.synthetic.parameters import Expression, Pose, Shot

_FRAME_RATE = 25.0


def performance(rng: np.random.Generator, count: int) -> list[Shot]:
    """Act a clip, 25 frames a second, in which the head turns, the mouth talks and the eyes blink.

    Parameters
    ----------
    rng
        Source of the motion; the same state gives the same clip. The light stays as it first falls.
    count
        Number of frames.

    Returns
    -------
    list of Shot
        Yaw within 35 degrees, pitch and roll within 20.
    """
    time = np.arange(count) / _FRAME_RATE
    slow, fast = (0.07, 0.35), (0.7, 2.4)
    yaw, pitch, roll = (a * _wave(rng, time, slow) for a in (30, 14, 9))
    x, y, scale = (a * _wave(rng, time, slow) for a in (0.03, 0.025, 0.05))
    scale = 1 + scale
    talk = np.clip(_wave(rng, time, (0.08, 0.3)) + 0.75, 0, 1)
    opened = np.clip(0.42 + 0.6 * _wave(rng, time, fast), 0, 1) * talk
    width = 0.6 * _wave(rng, time, (0.6, 2.2)) * (0.4 + 0.6 * talk)
    smile = 0.25 + 0.6 * _wave(rng, time, (0.08, 0.4))
    brows = 0.7 * _wave(rng, time, (0.1, 0.7))
    gaze_x, gaze_y = 16 * _wave(rng, time, (0.2, 0.9)), 8 * _wave(rng, time, (0.2, 0.9))
    lids = (1 + 0.1 * brows) * (1 - _blinks(rng, time))
    light = Shot.random(rng).light
    return [
        Shot(
            Pose(*(round(float(v[k]), 4) for v in (yaw, pitch, roll, x, y, scale))),
            Expression(
                *(
                    round(float(v[k]), 4)
                    for v in (opened, width, smile, lids, brows, gaze_x, gaze_y)
                )
            ),
            light,
        )
        for k in range(count)
    ]


def _wave(
    rng: np.random.Generator, time: NDArray[np.float64], band: tuple[float, float]
) -> NDArray[np.float64]:
    """Draw a sum of four sines with frequencies in `band` (Hz), within -1..1."""
    rate = rng.uniform(*band, 4)[:, None]
    phase = rng.uniform(0, 2 * np.pi, 4)[:, None]
    height = rng.uniform(0.5, 1, 4)[:, None]
    return np.asarray(
        np.tanh(2.2 * (height * np.sin(2 * np.pi * rate * time + phase)).mean(axis=0))
    )


def _blinks(rng: np.random.Generator, time: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the lids are shut, 0 to 1: a blink of 0.3 s every two to five seconds."""
    shut = np.zeros_like(time)
    start = rng.uniform(0.3, 3)
    while len(time) and start < time[-1] + 1:
        shut = np.maximum(shut, np.exp(-(((time - start) / 0.1) ** 2)))
        start += rng.uniform(2, 5)
    return shut
