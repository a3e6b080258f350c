"""Generators of random numbers go on where they stood."""

import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

from lib.checkpoint import random_state
from lib.errors import FaceswapError


def make_model() -> keras.Model:
    inputs = keras.Input((8,))
    x = keras.layers.Dropout(0.5)(inputs)
    return keras.Model(inputs, keras.layers.GaussianNoise(1.0)(x))


def draw(model: keras.Model) -> list[Any]:
    ones = np.ones((4, 8), np.float32)
    return [
        random.random(),
        random.gauss(0, 1),
        np.random.standard_normal(3).tolist(),
        torch.rand(3).tolist(),
        model(ones, training=True).detach().numpy().tolist(),
    ]


@pytest.mark.parametrize("drawn", [0, 1, 3])
def test_after_a_restart_the_same_numbers_follow(tmp_path: Path, drawn: int) -> None:
    keras.utils.set_random_seed(drawn)
    model = make_model()
    for _ in range(drawn):
        draw(model)
    random_state.write(tmp_path / "r.npz", random_state.capture(model))
    expected = [draw(model) for _ in range(3)]
    keras.utils.set_random_seed(99)
    other = make_model()
    draw(other)
    random_state.restore(random_state.read(tmp_path / "r.npz"), other)
    assert [draw(other) for _ in range(3)] == expected


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "r.npz"
    file.write_bytes(b"no numbers")
    with pytest.raises(FaceswapError, match=r"r\.npz' can't be read"):
        random_state.read(file)
    np.savez(file, python=np.array([object()], dtype=object))
    with pytest.raises(FaceswapError, match=r"r\.npz' can't be read: Object arrays"):
        random_state.read(file)
    np.savez(file, numbers=np.arange(1000))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    for spoiled, why in ((content, "Bad CRC-32"), (b"PK\x03\x04 half", "not a zip file")):
        file.write_bytes(spoiled)
        with pytest.raises(FaceswapError, match=rf"r\.npz' can't be read: .*{why}"):
            random_state.read(file)
    with file.open("wb") as stream:
        np.save(stream, np.arange(3))
    with pytest.raises(FaceswapError, match=r"r\.npz' can't be read"):
        random_state.read(file)
    with pytest.raises(FaceswapError, match="damaged"):
        random_state.restore({}, make_model())
