"""The models that come with the program: their decoders, their options, the template."""

import ast
from argparse import Namespace
from pathlib import Path

import keras
import pytest

from lib.model.initializers import ICNR, ConvolutionAware
from lib.model.layers import OutputActivation, PixelShuffler, ReflectionPadding2D
from plugins import loader
from plugins.train.model._base import ModelBase

FOLDER = Path(loader.__file__).parent / "train" / "model"
FILES = sorted(FOLDER.glob("[!_]*.py"))


def make(folder: Path, name: str, ini: str = "", plugin_dir: Path | None = None) -> ModelBase:
    file = folder / "train.ini"
    file.write_text(ini)
    where = str(plugin_dir) if plugin_dir else None
    arguments = Namespace(configfile=str(file), plugin_dir=where, no_logs=True)
    model: ModelBase = loader.load_model(name, where)(str(folder / "model"), arguments)
    return model


def leaves(part: keras.Model) -> list[keras.Layer]:
    return [layer for layer in part.layers if not isinstance(layer, keras.layers.InputLayer)]


def test_the_decoder_of_original_has_the_documented_layers(tmp_path: Path) -> None:
    layers = leaves(make(tmp_path, "original").decoder("b"))
    kinds = [keras.layers.Conv2D, keras.layers.LeakyReLU, PixelShuffler]
    assert len(layers) == 11
    for layer, kind in zip(
        layers, [*3 * kinds, keras.layers.Conv2D, OutputActivation], strict=True
    ):
        assert isinstance(layer, kind), (layer, kind)
    convolutions = layers[0:10:3]
    assert [layer.filters for layer in convolutions] == [4 * 256, 4 * 128, 4 * 64, 3]
    assert [layer.kernel_size for layer in convolutions] == [(3, 3)] * 3 + [(5, 5)]
    assert layers[-1].name == "face_out_b"
    assert layers[-1].activation is keras.activations.sigmoid


def test_low_memory_halves_the_bottleneck_of_original(tmp_path: Path) -> None:
    encoder = make(tmp_path, "original", "[model.original]\nlowmem = True\n").encoder()
    dense = [layer.units for layer in leaves(encoder) if isinstance(layer, keras.layers.Dense)]
    filters = [layer.filters for layer in leaves(encoder) if isinstance(layer, keras.layers.Conv2D)]
    assert dense == [512, 4 * 4 * 1024]
    assert filters == [128, 256, 512, 4 * 512]


@pytest.mark.parametrize("name", ["original", "compact"])
@pytest.mark.parametrize("option", ["icnr_init", "conv_aware_init", "reflect_padding"])
def test_global_options_reach_the_layers(name: str, option: str, tmp_path: Path) -> None:
    found = []
    for value in (False, True):
        layers = leaves(make(tmp_path, name, f"[global]\n{option} = {value}\n").decoder("a"))
        kernels = [x.kernel_initializer for x in layers if isinstance(x, keras.layers.Conv2D)]
        seen = {
            "icnr_init": kernels[:-1],
            "conv_aware_init": kernels[:-1],
            "reflect_padding": [layers[0]],
        }[option]
        kind = {
            "icnr_init": ICNR,
            "conv_aware_init": ConvolutionAware,
            "reflect_padding": ReflectionPadding2D,
        }[option]
        found.append([isinstance(thing, kind) for thing in seen])
    assert not any(found[0])
    assert all(found[1])


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_models_are_made_by_keras_model_alone(file: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if _is_call(node)]
    made = [ast.unparse(call).rpartition(".") for call in calls]
    assert ("", "", "KerasModel") in made
    assert not [owner for owner, _, name in made if name in ("Model", "Sequential")]


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call)


def test_a_copy_of_the_template_is_a_plugin(tmp_path: Path) -> None:
    """Nothing in the file hangs on its name; so it can be copied, as it says."""
    (tmp_path / "mine.py").write_text((FOLDER / "original.py").read_text())
    copy = make(tmp_path, "mine", "[model.mine]\nlowmem = True\n", tmp_path)
    assert copy.name == "mine"
    assert copy.config["lowmem"] is True
    assert copy.encoder().count_params() == 48_165_632
    assert copy.decoder("a").name == "decoder_a"


def test_the_template_is_annotated() -> None:
    """Every method has a docstring, and each step that a copier must understand a comment."""
    text = (FOLDER / "original.py").read_text()
    tree = ast.parse(text)
    (model,) = [node for node in tree.body if getattr(node, "name", "") == "Model"]
    assert isinstance(model, ast.ClassDef)
    methods = {node.name: node for node in model.body if isinstance(node, ast.FunctionDef)}
    for name in ("build_model", "encoder", "decoder"):
        assert "Returns" in (ast.get_docstring(methods[name]) or "")
    comments = [line.strip() for line in text.splitlines() if line.strip().startswith("#")]
    assert len(comments) >= 10
    for word in ("shape", "KerasModel", "Conv2DOutput", "same instance", "bottleneck"):
        assert word in "\n".join(comments)


@pytest.mark.parametrize("name", ["original", "compact"])
def test_a_plugins_own_attributes_hide_none_of_the_bases(name: str, tmp_path: Path) -> None:
    model = make(tmp_path, name)
    base = ModelBase(str(tmp_path / "base"), model.command_line_arguments)
    own = vars(model).keys() - vars(base).keys()
    assert {"learn_mask", "block_options"} <= own
    assert not own & set(dir(ModelBase))
    methods = {key for key in vars(type(model)) if not key.startswith("__")}
    assert methods & set(dir(ModelBase)) == {"build_model"}
