"""ModelBase: what happens as a model is made, built anew or loaded, and told of."""

import inspect
import logging
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.logs.levels import VERBOSE
from plugins import loader
from plugins.train.model._base import KerasModel, ModelBase

PLUGINS = Path(__file__).parents[4] / "fixtures" / "plugins"


def make(folder: Path, name: str = "tiny", plugins: Path = PLUGINS) -> ModelBase:
    arguments = Namespace(configfile=None, plugin_dir=str(plugins), no_logs=True)
    model: ModelBase = loader.load_model(name, str(plugins))(str(folder), arguments)
    return model


def test_the_base_leaves_the_shape_to_the_plugin(tmp_path: Path) -> None:
    assert ModelBase(str(tmp_path), Namespace(configfile=None)).input_shape is None
    assert make(tmp_path).input_shape == (16, 16, 3)
    assert make(tmp_path / "unequal", "unequal").input_shape == [(16, 16, 3), (32, 32, 3)]


def test_sides_of_different_shape_have_inputs_and_outputs_of_their_own(tmp_path: Path) -> None:
    model = make(tmp_path / "model", "unequal")
    model.build()
    shapes = [tuple(tensor.shape[1:]) for tensor in model.model.inputs]
    assert shapes == [(16, 16, 3), (32, 32, 3)]
    assert model.output_shapes == [[(16, 16, 3)], [(32, 32, 3)]]


def test_a_keras_model_needs_a_name() -> None:
    assert inspect.signature(KerasModel).parameters["name"].default is inspect.Parameter.empty


def test_a_model_is_named_after_its_file_in_lower_case(tmp_path: Path) -> None:
    (tmp_path / "Mixed_Case.py").write_text((PLUGINS / "tiny.py").read_text())
    model = make(tmp_path / "model", "mixed_case", tmp_path)
    assert model.name == "mixed_case"
    model.build()
    model.save()
    assert (tmp_path / "model" / "mixed_case.keras").is_file()


def test_a_saved_model_brings_its_structure_and_is_not_built_again(tmp_path: Path) -> None:
    model = make(tmp_path)
    model.build()
    model.save()
    names = [layer.name for layer in model.model.layers]
    again = make(tmp_path)

    def refuse(_: Any) -> None:
        raise AssertionError("build_model() of a model that is saved")

    again.build_model = refuse
    again.build()
    assert [layer.name for layer in again.model.layers] == names


def test_the_summary_is_logged_at_verbose_level(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(VERBOSE):
        make(tmp_path).build()
    summary = "\n".join(r.getMessage() for r in caplog.records if r.levelno == VERBOSE)
    for part in ("face_in_a", "encoder", "decoder_b", "Total params"):
        assert part in summary


def test_a_save_tells_the_averages_since_the_last(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = make(tmp_path)
    model.build()
    with caplog.at_level(logging.INFO):
        for losses in ([0.5, 0.25], [0.3, 0.15]):
            model.state.increment_iterations()
            model.add_history(losses)
        model.save()
        model.state.increment_iterations()
        model.add_history([0.125, 1.0])
        model.save()
    told = [message for message in caplog.messages if message.startswith("Saved")]
    assert told == [
        "Saved at iteration 2 - average loss A: 0.40000, B: 0.20000",
        "Saved at iteration 3 - average loss A: 0.12500, B: 1.00000",
    ]


def weights_of(model: ModelBase, part: str) -> list[np.ndarray]:
    return [weight.copy() for weight in model.model.get_layer(part).get_weights()]


def test_a_new_model_takes_the_weights_of_the_layers_that_the_plugin_names(tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    source.build()
    source.save()
    model = make(tmp_path / "new")
    assert model.load_layers == model.freeze_layers == ["encoder"]
    model.load_layers = ["decoder_a"]
    model.command_line_arguments.load_weights = str(tmp_path / "source")
    model.build()
    for part, is_taken in (("decoder_a", True), ("encoder", False)):
        pairs = zip(weights_of(model, part), weights_of(source, part), strict=True)
        assert all(np.array_equal(ours, theirs) for ours, theirs in pairs) is is_taken
