"""Files that are written as Keras writes them, to the byte."""

import json
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

from lib.checkpoint import layout as module
from lib.checkpoint.copies import values_of, variables_of
from lib.checkpoint.held import Held
from lib.checkpoint.layout import Layout, UnclearError, marked
from lib.checkpoint.safe import load_safely
from lib.checkpoint.stand_in import StandIn
from lib.errors import FaceswapError
from lib.model.layers import Conv2D, PixelShuffler


def compiled(model: keras.Model, **options: Any) -> keras.Model:
    model.compile(
        optimizer=keras.optimizers.Adam(3e-4, **options), loss="mse", auto_scale_loss=False
    )
    model.optimizer.build(model.trainable_variables)
    return model


def shared(**options: Any) -> keras.Model:
    """An encoder for two decoders, as in a model that is trained."""
    code = keras.Input((8, 8, 3))
    x = PixelShuffler(2)(Conv2D(12, 3)(code))
    encoder = keras.Model(code, x, name="encoder")
    faces = [keras.Input((8, 8, 3), name=f"face_in_{side}") for side in "ab"]
    outputs = [Conv2D(3, 3, name=f"out_{n}")(encoder(face)) for n, face in enumerate(faces)]
    return compiled(keras.Model(faces, outputs, name="shared"), **options)


def varied() -> keras.Model:
    """Statistics, generators, no bias, a layer that is called twice, one that does not train."""
    inputs = keras.Input((4,))
    twice = keras.layers.Dense(4, use_bias=False)
    x = keras.layers.BatchNormalization()(twice(twice(inputs)))
    x = keras.layers.Dropout(0.5, seed=3)(keras.layers.Dropout(0.5)(x))
    x = keras.layers.GaussianNoise(0.1)(x)
    still = keras.layers.Dense(5, trainable=False)
    return compiled(keras.Model(inputs, keras.layers.Dense(1)(still(x)), name="varied"))


def average() -> keras.Model:
    return shared(use_ema=True, amsgrad=True)


def of_type(policy: str) -> Callable[[], keras.Model]:
    def make() -> keras.Model:
        inputs = keras.Input((4,))
        x = keras.layers.Dense(4, dtype=policy)(inputs)
        return compiled(keras.Model(inputs, keras.layers.Dense(2, dtype="float32")(x)))

    make.__name__ = policy
    return make


def scheduled() -> keras.Model:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 100)
    model.compile(optimizer=keras.optimizers.SGD(schedule, momentum=0.5), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


ADDRESS = re.compile(rb', "shared_object_id": \d+')
"""Where in memory an object lay that two layers had in common, such as an initializer."""

MODELS = [shared, average, varied, scheduled]
MODELS += [of_type(policy) for policy in ("bfloat16", "float16", "float64", "mixed_bfloat16")]


def fill(model: keras.Model) -> None:
    """Give a model values; the optimizer's rate is none that training changes."""
    rng = np.random.default_rng(0)
    rate = model.optimizer.learning_rate
    with torch.no_grad():
        for variable in variables_of(model):
            if variable is not rate:
                values = np.asarray(rng.integers(0, 99, variable.shape))
                variable.value.copy_(torch.from_numpy(values))


def stored(model: keras.Model) -> list[keras.Variable]:
    """What Keras stores of a model: all but the states of its layers' generators."""
    return [*model.weights, *model.optimizer.variables]


def hold(model: keras.Model) -> Held:
    held = Held(model, refuse_nan=True)
    held.hold()
    return held


def drawn(model: keras.Model, tmp_path: Path) -> Layout:
    keras.utils.clear_session()  # names of generators count up
    folder = tmp_path / "drawn"
    folder.mkdir()
    return StandIn(model).draw(folder)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_file_is_that_of_keras_to_the_byte(
    make: Callable[[], keras.Model], tmp_path: Path
) -> None:
    keras.utils.clear_session()
    model = make()
    layout = drawn(model, tmp_path)
    fill(model)
    layout.save(tmp_path / "ours.keras", hold(model))
    model.save(tmp_path / "keras", zipped=False)
    model.save(tmp_path / "keras.keras")
    with zipfile.ZipFile(tmp_path / "ours.keras") as ours:
        for name in ("model.weights.h5", "config.json"):
            theirs = (tmp_path / "keras" / name).read_bytes()
            assert ours.read(name) == ADDRESS.sub(b"", theirs), name
        written = json.loads(ours.read("metadata.json"))
        expected = json.loads((tmp_path / "keras" / "metadata.json").read_bytes())
        assert list(written) == list(expected)
        assert written["keras_version"] == expected["keras_version"]
        assert len(written["date_saved"]) == len(expected["date_saved"])
        with zipfile.ZipFile(tmp_path / "keras.keras") as other_archive:
            names = "filename", "compress_type", "external_attr", "flag_bits", "extra", "comment"
            for one, other in zip(ours.infolist(), other_archive.infolist(), strict=True):
                for name in names:
                    assert getattr(one, name) == getattr(other, name), name
    for load in (load_safely, keras.saving.load_model):
        loaded = load(tmp_path / "ours.keras")
        assert len(loaded.weights) == len(model.weights)
        for one, other in zip(stored(loaded), stored(model), strict=True):
            assert torch.equal(one.value, other.value)


def test_a_member_of_more_than_two_gigabytes_is_announced_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = shared()
    layout = drawn(model, tmp_path)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", layout.size - 1)
    layout.save(tmp_path / "model.keras", hold(model))
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert archive.testzip() is None
    assert load_safely(tmp_path / "model.keras").name == "shared"


def test_marks_tell_values_apart_and_are_numbers() -> None:
    kinds = (torch.float32, torch.int64, torch.bfloat16, torch.float16, torch.float64)
    values = [torch.empty((7, 3), dtype=kind, device="meta") for kind in kinds * 500]
    made = marked(values)
    for kind in kinds:
        numbers = [value[0, 0] for value in made if value.dtype == kind]
        assert torch.stack(numbers).isfinite().all()
        assert len({float(number) for number in numbers}) == 500
    assert all(mark.shape == (7, 3) for mark in made)
    assert all(mark.untyped_storage().nbytes() == mark.element_size() for mark in made)


def test_a_type_without_marks_is_said_to_be_unclear() -> None:
    with pytest.raises(UnclearError, match="no mark for value 0, of torch.bool"):
        marked([torch.empty(3, dtype=torch.bool)])
    with pytest.raises(UnclearError, match="no mark for value 30000"):
        marked([torch.empty((), dtype=torch.float16)] * 30001)


def _twice(layer: keras.layers.Dense, store: Any) -> None:
    store["0"], store["1"], store["2"] = layer.kernel, layer.bias, layer.bias


def _doubled(layer: keras.layers.Dense, store: Any) -> None:
    store["0"], store["1"] = layer.kernel * 2, layer.bias


def _with_more(layer: keras.layers.Dense, store: Any) -> None:
    store["0"], store["1"], store["more"] = layer.kernel, layer.bias, np.arange(3)


def _turned(layer: keras.layers.Dense, store: Any) -> None:
    store["0"], store["1"] = layer.kernel.numpy().T, layer.bias


def _partly(layer: keras.layers.Dense, store: Any) -> None:
    kernel = layer.kernel.numpy()
    kernel[1, 1] = 0
    store["0"], store["1"] = kernel, layer.bias


def _packed(layer: keras.layers.Dense, store: Any) -> None:
    store._h5_entry_group.create_dataset("0", data=layer.kernel.numpy(), compression="gzip")
    store["1"] = layer.bias


@pytest.mark.parametrize("save", [_twice, _doubled, _with_more, _turned, _partly, _packed])
def test_what_is_no_value_as_it_is_is_unclear_and_left_to_keras(
    save: Callable[[keras.layers.Dense, Any], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inputs = keras.Input((4,))
    model = compiled(keras.Model(inputs, keras.layers.Dense(3)(inputs)))
    monkeypatch.setattr(
        keras.layers.Dense,
        "save_own_variables",
        lambda layer, store: save(layer, store),
    )
    with pytest.raises(UnclearError):
        drawn(model, tmp_path)
    keras.utils.clear_session()
    stand_in = StandIn(model)
    for _ in range(2):
        fill(model)
        held = hold(model)
        stand_in.save(tmp_path / "ours.keras", held)
        held.let_go()  # all of it has been read
        model.save(tmp_path / "keras.keras")
        files = [zipfile.ZipFile(tmp_path / name) for name in ("ours.keras", "keras.keras")]
        for name in ("model.weights.h5", "config.json"):
            assert files[0].read(name) == files[1].read(name)


def test_a_stand_in_takes_no_memory_and_draws_no_random_numbers(tmp_path: Path) -> None:
    keras.utils.set_random_seed(3)
    expected = random.random(), float(torch.rand(())), np.random.random()
    keras.utils.set_random_seed(3)
    model = varied()
    keras.utils.set_random_seed(3)
    seeds = [value.clone() for value in values_of(model)]
    stand_in = StandIn(model)
    (tmp_path / "drawn").mkdir()
    stand_in.draw(tmp_path / "drawn")
    assert (random.random(), float(torch.rand(())), np.random.random()) == expected
    for value, before in zip(values_of(model), seeds, strict=True):
        assert torch.equal(value, before)
    assert all(value.is_meta for value in values_of(stand_in._model))


def test_a_model_that_could_not_be_loaded_again_is_told_before_it_trains() -> None:
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    inputs = keras.Input((2,))
    model = compiled(keras.Model(inputs, keras.layers.Dense(1)(Mine()(inputs)), name="own"))
    with pytest.raises(FaceswapError, match="'own' could be saved, but not loaded.*'Mine'.*need"):
        StandIn(model)


def test_a_layer_that_can_not_be_described_is_told_before_it_trains() -> None:
    class Mine(keras.layers.Layer):
        def __init__(self, callback, **kwargs):
            super().__init__(**kwargs)

        def call(self, x):
            return x

    inputs = keras.Input((2,))
    model = compiled(keras.Model(inputs, keras.layers.Dense(1)(Mine(print)(inputs)), name="own"))
    with pytest.raises(FaceswapError, match="'own' could be saved, but not .*get_config") as told:
        StandIn(model)
    assert "\n" not in str(told.value)


@keras.saving.register_keras_serializable("tests")
class Forgetful(keras.layers.Layer):
    """Does not tell how large it is."""

    def __init__(self, hidden: int = 8, out: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.out = out
        self.inner = keras.layers.Dense(hidden, name="inner")
        self.outer = keras.layers.Dense(out, name="outer")

    def build(self, shape: tuple[int, ...]) -> None:
        self.inner.build(shape)
        self.outer.build((None, self.inner.units))

    def call(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(self.inner(x))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "out": self.out}


@keras.saving.register_keras_serializable("tests")
class Around(keras.layers.Layer):
    """Calls a layer that it is given."""

    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        known = isinstance(inner, keras.layers.Layer)
        self.inner = inner if known else keras.saving.deserialize_keras_object(inner)

    def build(self, shape: tuple[int, ...]) -> None:
        if not self.inner.built:
            self.inner.build(shape)

    def call(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)

    def get_config(self) -> dict[str, Any]:
        inner = keras.saving.serialize_keras_object(self.inner)
        return {**super().get_config(), "inner": inner}


def test_a_layer_that_does_not_tell_its_size_is_told_before_it_trains() -> None:
    inputs = keras.Input((4,))
    model = compiled(keras.Model(inputs, Forgetful(hidden=16, name="mlp")(inputs), name="own"))
    pattern = (
        r"'own' could be saved, but not loaded again \('.*inner/kernel' is float32 of shape "
        r"\(4, 16\) and would become float32 of shape \(4, 8\)\).*get_config"
    )
    with pytest.raises(FaceswapError, match=pattern) as told:
        StandIn(model)
    assert "\n" not in str(told.value)


def test_a_layer_of_another_type_than_is_told_is_told_before_it_trains() -> None:
    inputs = keras.Input((4,))
    layer = Forgetful()
    layer.inner.dtype_policy = keras.DTypePolicy("bfloat16")
    model = compiled(keras.Model(inputs, layer(inputs), name="own"))
    with pytest.raises(FaceswapError, match="is bfloat16 of .* become float32 of shape"):
        StandIn(model)


def test_layers_that_share_one_within_are_told_before_they_train() -> None:
    inputs, inner = keras.Input((4,)), keras.layers.Dense(4)
    x = Around(inner)(Around(inner)(inputs))
    model = compiled(keras.Model(inputs, keras.layers.Dense(4)(x), name="own"))
    pattern = "'own' could be saved, but not loaded again .*kernel' is not there.*share a layer"
    with pytest.raises(FaceswapError, match=pattern):
        StandIn(model)


def test_values_of_other_sizes_than_were_laid_out_are_no_file(tmp_path: Path) -> None:
    layout = drawn(shared(), tmp_path)
    code = keras.Input((8, 8, 3))
    other = compiled(keras.Model(code, [Conv2D(3, 3)(code) for _ in range(4)]))
    assert len(values_of(other)) >= len(layout.parts) // 2
    with pytest.raises(AssertionError, match="sizes"):
        layout.save(tmp_path / "model.keras", hold(other))


def test_a_disk_without_room_is_told_before_it_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(OSError, match="No space left on device"):
        drawn(shared(), tmp_path)
    assert list((tmp_path / "drawn").iterdir()) == []


def test_large_values_are_checked_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE", 8)
    model = shared()
    layout = drawn(model, tmp_path)
    assert sum(isinstance(part, int) for part in layout.parts) == len(values_of(model))
