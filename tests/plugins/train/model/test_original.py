"""The original model, exactly: parameters, names and shapes."""

from argparse import Namespace
from pathlib import Path

import keras
import pytest

from plugins.train.model._base import ModelBase
from plugins.train.model.original import Model


def make(folder: Path, **options: object) -> Model:
    file = folder / "train.ini"
    lowmem = options.pop("lowmem", False)
    lines = [f"{key} = {value}" for key, value in options.items()]
    file.write_text("\n".join(["[global.loss]", *lines, "[model.original]", f"lowmem = {lowmem}"]))
    return Model(str(folder / "model"), Namespace(configfile=str(file), no_logs=True))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> ModelBase:
    """The whole model, built once."""
    model = make(tmp_path_factory.mktemp("original"))
    model.build()
    return model


def test_the_whole_has_the_documented_parameters_and_names(built: ModelBase) -> None:
    model = built.model
    assert model.name == "original"
    assert model.count_params() == 82_062_470
    parts = {layer.name: layer for layer in model.layers if isinstance(layer, keras.Model)}
    assert {name: part.count_params() for name, part in parts.items()} == {
        "encoder": 69_662_976,
        "decoder_a": 6_199_747,
        "decoder_b": 6_199_747,
    }
    for side in "ab":
        assert f"face_out_{side}" in [layer.name for layer in parts[f"decoder_{side}"].layers]
    assert [tensor.name for tensor in model.inputs] == ["face_in_a", "face_in_b"]


def test_the_encoder_is_shared_and_the_shapes_are_the_documented_ones(built: ModelBase) -> None:
    assert built.input_shape == (64, 64, 3)
    assert built.output_shapes == [[(64, 64, 3)], [(64, 64, 3)]]
    encoder = built.model.get_layer("encoder")
    assert encoder.input_shape == (None, 64, 64, 3)
    assert encoder.output_shape == (None, 8, 8, 512)
    assert built.model.get_layer("decoder_a").input_shape == (None, 8, 8, 512)


def test_the_encoders_layers_are_the_documented_ones(built: ModelBase) -> None:
    layers = built.model.get_layer("encoder").layers
    convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [128, 256, 512, 1024, 2048]
    assert [layer.strides for layer in convolutions] == [(2, 2)] * 4 + [(1, 1)]
    assert [layer.kernel_size for layer in convolutions] == [(5, 5)] * 4 + [(3, 3)]
    assert [layer.units for layer in layers if isinstance(layer, keras.layers.Dense)] == [
        1024,
        16384,
    ]
    slopes = [layer.negative_slope for layer in layers if isinstance(layer, keras.layers.LeakyReLU)]
    assert slopes == [pytest.approx(0.1)] * 5


def test_low_memory_leaves_the_widest_convolution_out(tmp_path: Path) -> None:
    assert make(tmp_path, lowmem=True).encoder().count_params() == 48_165_632


def test_a_learned_mask_adds_its_own_decoder(tmp_path: Path) -> None:
    decoder = make(tmp_path, learn_mask=True).decoder("b")
    assert decoder.count_params() == 6_199_747 + 6_196_545
    assert [tuple(output.shape[1:]) for output in decoder.outputs] == [(64, 64, 3), (64, 64, 1)]
    assert "mask_out_b" in [layer.name for layer in decoder.layers]
