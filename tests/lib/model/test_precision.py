"""Precision: layers compute in 16 bits, weights and outputs stay in 32, and there is a way back."""

import keras
import numpy as np
import pytest
import torch

from lib.model import precision
from lib.model.nn_blocks import Conv2DBlock, Conv2DOutput, UpscaleBlock
from lib.model.precision import is_slow, policy, set_precision

HALVES = [("mixed_bfloat16", torch.bfloat16), ("mixed_float16", torch.float16)]


def make() -> tuple[keras.Model, keras.Model]:
    keras.utils.set_random_seed(0)
    face = keras.Input((16, 16, 3))
    x = Conv2DBlock(8, normalization="instance")(face)
    x = Conv2DBlock(8, normalization="batch", strides=1, reflect_padding=True)(x)
    encoder = keras.Model(face, UpscaleBlock(8)(x), name="encoder")
    outer = keras.Input((16, 16, 3))
    output = Conv2DOutput(3, 3, name="face_out")(encoder(outer))
    return keras.Model(outer, output), encoder


def picture() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32))


@pytest.mark.parametrize(("name", "half"), HALVES)
def test_layers_compute_in_half_precision_and_outputs_in_full(name: str, half) -> None:
    model, encoder = make()
    full = model(picture())
    set_precision(model, name)
    assert encoder(picture()).dtype == half
    mixed = model(picture())
    assert mixed.dtype == torch.float32
    assert all(weight.value.dtype == torch.float32 for weight in model.weights)
    error = (mixed - full).abs().max().item()
    assert 0 < error < 0.02


@pytest.mark.parametrize(("name", "half"), HALVES)
def test_the_last_activation_is_computed_from_full_precision(name: str, half) -> None:
    # Above 0.5, steps of bfloat16 are 1/256: a sigmoid in it could not give 0.501.
    x = keras.Input((1, 1, 1))
    block = Conv2DOutput(1, 1, name="out")(x)
    model = keras.Model(x, block)
    set_precision(model, name)
    model.layers[1].set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    logit = 0.00390625  # exact in either
    found = model(torch.full((1, 1, 1, 1), logit)).item()
    assert found == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-7)


def test_gradients_are_of_full_precision() -> None:
    model, _ = make()
    set_precision(model, "mixed_bfloat16")
    model(picture(), training=True).mean().backward()
    assert {weight.value.grad.dtype for weight in model.trainable_weights} == {torch.float32}


def test_there_and_back_changes_nothing() -> None:
    model, _ = make()
    before = model(picture())
    set_precision(model, "mixed_float16")
    set_precision(model, "float32")
    torch.testing.assert_close(model(picture()), before, rtol=0, atol=0)


def test_a_saved_model_comes_back_in_its_precision(tmp_path) -> None:
    model, _ = make()
    set_precision(model, "mixed_bfloat16")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    torch.testing.assert_close(again(picture()), model(picture()), rtol=0, atol=0)
    assert again(picture()).dtype == torch.float32


@pytest.mark.parametrize(
    ("mixed", "kind", "name"),
    [
        (False, "float16", "float32"),
        (True, "float16", "mixed_float16"),
        (True, "bfloat16", "mixed_bfloat16"),
    ],
)
def test_the_options_name_the_policy(mixed: bool, kind: str, name: str) -> None:
    assert policy({"mixed_precision": mixed, "mixed_precision_type": kind}) == name


@pytest.mark.parametrize("has_units", [True, False])
def test_where_none_is_chosen_the_device_decides(
    has_units: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16_units", lambda: has_units)
    options = {"mixed_precision": None, "mixed_precision_type": "bfloat16"}
    assert policy(options) == ("mixed_bfloat16" if has_units else "float32")
    # Half the range needs a scaled loss: that is not chosen for the user.
    assert policy({**options, "mixed_precision_type": "float16"}) == "float32"
    assert policy({**options, "mixed_precision": False}) == "float32"


@pytest.mark.parametrize(
    ("kind", "has_units", "name", "slow"),
    [
        ("cpu", False, "mixed_bfloat16", True),
        ("cpu", True, "mixed_bfloat16", False),
        ("cpu", True, "mixed_float16", True),
        ("cpu", False, "float32", False),
        ("cuda", False, "mixed_float16", False),
    ],
)
def test_half_precision_is_slow_on_a_processor_without_units_for_it(
    monkeypatch: pytest.MonkeyPatch, kind: str, has_units: bool, name: str, slow: bool
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16_units", lambda: has_units)
    monkeypatch.setattr(precision, "device", lambda: torch.device(kind))
    assert is_slow(name) is slow
