"""Model files load as Keras would load them, or are refused in one line."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lib.checkpoint.safe import ModelFileError, load_safely
from lib.errors import FaceswapError
from plugins import loader

ROOT = Path(__file__).parents[3]
PLUGINS = ROOT / "tests" / "fixtures" / "plugins"


def assert_equal(model: keras.Model, other: keras.Model) -> None:
    pairs = [(model.variables, other.variables)]
    if getattr(other, "optimizer", None) is not None:
        pairs.append((model.optimizer.variables, other.optimizer.variables))
        assert model.optimizer.get_config() == other.optimizer.get_config()
    for ours, theirs in pairs:
        paths = [[re.sub(r"\d+", "", one.path) for one in both] for both in (ours, theirs)]
        assert paths[0] == paths[1]
        for one, another in zip(ours, theirs, strict=True):
            # Keras draws new seeds for those that it does not save.
            if "seed" not in one.path:
                np.testing.assert_array_equal(one, another)


def test_a_model_comes_back_as_keras_would_load_it(forge) -> None:
    forge.write()
    assert_equal(load_safely(forge.path), keras.saving.load_model(forge.path))
    assert "__init__" not in vars(keras.Variable)
    assert keras.KerasTensor.__init__.__qualname__ == "KerasTensor.__init__"


@pytest.mark.parametrize("name", ["tiny", "several", "unequal"])
def test_the_models_of_plugins_load(name: str, train_arguments, tmp_path: Path) -> None:
    arguments = train_arguments(model=name)
    plugin = loader.load_model(name, str(PLUGINS))(str(tmp_path / "model"), arguments)
    plugin.build()
    plugin.model.optimizer.build(plugin.model.trainable_variables)
    path = tmp_path / f"{name}.keras"
    plugin.model.save(path)
    assert_equal(load_safely(path), plugin.model)


OWN = """
import keras
from plugins.train.model._base import KerasModel, ModelBase

@keras.saving.register_keras_serializable(package="mine")
class Scale(keras.layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(shape=(1,), initializer="ones", name="scale")

    def call(self, x):
        return x * self.scale

@keras.saving.register_keras_serializable(package="mine")
def halved(x):
    return x / 2

class Model(ModelBase):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.input_shape = (16, 16, 3)

    def build_model(self, inputs):
        layer = keras.layers.Activation(halved)
        return KerasModel(inputs, [layer(Scale()(x)) for x in inputs], name=self.name)
"""


def test_a_plugins_own_layers_load_while_they_are_registered(
    train_arguments, tmp_path: Path
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "scaling.py").write_text(OWN)
    arguments = train_arguments("--plugin-dir", str(tmp_path / "plugins"), model="scaling")
    plugin = loader.load_model("scaling", str(tmp_path / "plugins"))
    model = plugin(str(tmp_path / "model"), arguments)
    model.build()
    path = tmp_path / "scaling.keras"
    model.model.save(path)
    known = keras.saving.get_custom_objects()
    assert_equal(load_safely(path), keras.saving.load_model(path))
    own = {name: known.pop(name) for name in list(known) if name.startswith("mine>")}
    assert own.keys() == {"mine>Scale", "mine>halved"}
    with pytest.raises(FaceswapError) as caught:
        load_safely(path)
    line = str(caught.value)
    assert "whole but can't be rebuilt (Could not locate " in line
    assert "need @keras.saving.register_keras_serializable()" in line


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
def test_what_models_are_made_of_is_let_through(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    face = keras.Input((16, 16, 3))
    x = keras.layers.SeparableConv2D(8, 3, depthwise_regularizer="l2", padding="same")(face)
    x = keras.layers.BatchNormalization()(x) + 1
    x = keras.layers.PReLU(shared_axes=(1, 2))(keras.ops.cast(x, "float32"))
    x = keras.layers.SpectralNormalization(keras.layers.Conv2D(4, 3, strides=2))(x)
    x = keras.layers.Conv2DTranspose(4, 3, dtype="mixed_bfloat16")(keras.layers.Dropout(0.1)(x))
    x = keras.ops.concatenate([x, keras.ops.sigmoid(x) * np.float32([1, 2, 3, 4])], axis=-1)
    x = keras.Sequential([keras.Input((7, 7, 8)), keras.layers.Flatten()])(
        keras.layers.Resizing(7, 7)(x)
    )
    x = keras.layers.Dense(5, activation=keras.activations.gelu, dtype="bfloat16")(x)
    x = keras.layers.MultiHeadAttention(2, 3)(*[keras.layers.Reshape((5, 1))(x)] * 2)
    model = keras.Model(face, x)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10**9)
    model.compile(optimizer=keras.optimizers.AdamW(schedule, clipnorm=1.0), loss="mae")
    model.save(path)
    assert_equal(load_safely(path), keras.saving.load_model(path))
    keras.Model(face, x).save(path)
    assert_equal(load_safely(path), keras.saving.load_model(path))


def test_a_model_of_five_hundred_layers_loads(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    x = face = keras.Input((8, 8, 4))
    for _ in range(170):
        x = x + keras.layers.LeakyReLU()(keras.layers.Conv2D(4, 3, padding="same")(x))
    encoder = keras.Model(face, x)
    inputs = [keras.Input((8, 8, 4)) for _ in "ab"]
    model = keras.Model(inputs, [encoder(one) for one in inputs])
    model.save(path)
    assert_equal(load_safely(path), model)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.keras").mkdir()
    os.mkfifo(tmp_path / "pipe.keras")
    for name in ("folder", "pipe", "absent"):
        with pytest.raises(ModelFileError, match=rf"{name}\.keras' is damaged \(it is no file\)"):
            load_safely(tmp_path / f"{name}.keras")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_must_not_be_read_is_not_called_damaged(forge) -> None:
    forge.write()
    forge.path.chmod(0)
    with pytest.raises(ModelFileError, match=r"small\.keras' can't be read \(Permission denied\)"):
        load_safely(forge.path)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda data: b"", "no whole .keras archive"),
        (lambda data: b"no model", "no whole .keras archive"),
        (lambda data: data[: len(data) // 2], "no whole .keras archive"),
        (lambda data: data + b"more", "no whole .keras archive"),
        (lambda data: data[len(data) // 2 :], "larger than itself"),
        (lambda data: data.replace(b"glorot", b"Glorot").replace(b"HeUni", b"heUni"), "Bad CRC"),
    ],
)
def test_a_damaged_file_is_called_so(forge, spoil, why: str) -> None:
    forge.write()
    forge.path.write_bytes(spoil(forge.path.read_bytes()))
    line = forge.refusal()
    assert "small.keras' is damaged (" in line
    assert why in line


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (b"", "Expecting value"),
        (b"[]", "none of a model"),
        (b"{}", "none of a model"),
        (b"\xff\xff\xff", "decode"),
        (b"[" * 100_000, "recursion"),
        (b'{"class_name": "Functional", "config": ' + b"9" * 5000 + b"}", "digits"),
    ],
)
def test_a_configuration_that_is_none_is_damage(forge, config, why: str) -> None:
    forge.write(config=config)
    line = forge.refusal()
    assert "is damaged (" in line
    assert why in line


@pytest.mark.filterwarnings("ignore:Skipping")
def test_weights_that_are_none_or_of_another_shape_are_damage(forge) -> None:
    def narrower(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["config"]["filters"] = 8

    forge.write(model=b"none")
    assert "is damaged (" in forge.refusal()
    forge.edit(narrower)
    assert "is damaged (" in forge.refusal()
    forge.change(lambda file: file.pop("layers"))
    assert "objects could not be loaded" in forge.refusal()


def _calls(path: Path) -> Iterator[str]:
    """Modules that a file imports, and what it calls, as they are written."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute | ast.Name):
            yield ast.unparse(node)
        elif isinstance(node, ast.keyword):
            yield f"{node.arg}={ast.unparse(node.value)}"


PICKLING = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
REFUSED = {"torch.load", "torch.jit.load", "eval", "exec", "weights_only=False"} | {
    "allow_pickle=True",
    "safe_mode=False",
    "keras.config.enable_unsafe_deserialization",
}


def _refused(path: Path) -> set[str]:
    return {call for call in _calls(path) if call.partition(".")[0] in PICKLING or call in REFUSED}


def test_nothing_of_the_program_reads_pickles_or_runs_text(tmp_path: Path) -> None:
    files = [
        file
        for one in ("faceswap", "scripts", "plugins", "lib")
        for file in ROOT.glob(f"{one}/**/*.py")
    ]
    assert len(files) > 50
    found = {file.relative_to(ROOT): _refused(file) for file in files}
    assert not {file: calls for file, calls in found.items() if calls}
    bad = ["import pickle", "from joblib import load", "torch.load(x)", "eval(x)"]
    bad += ["np.load(x, allow_pickle=True)"]
    (tmp_path / "bad.py").write_text("\n".join(bad))
    assert len(_refused(tmp_path / "bad.py")) == 5
