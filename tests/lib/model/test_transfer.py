"""Weights taken from another model: the right ones, whole layers, and no others."""

import logging
import shutil
from argparse import Namespace
from pathlib import Path

import keras
import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.model.nn_blocks import Conv2DBlock, Conv2DOutput, ResidualBlock, UpscaleBlock
from lib.model.transfer import LISTED, find_source, frozen_variables, transfer
from plugins import loader

PLUGINS = Path(__file__).parents[2] / "fixtures" / "plugins"


def plugin(folder: Path, name: str = "tiny", **options: bool):
    """A new model of a plugin; `options` are those of [global.loss]."""
    lines = ["[global.loss]", *(f"{key} = {value}" for key, value in options.items())]
    folder.mkdir()
    (folder / "train.ini").write_text("\n".join(lines))
    arguments = Namespace(configfile=str(folder / "train.ini"), plugin_dir=str(PLUGINS))
    model = loader.load_model(name, str(PLUGINS))(str(folder / "model"), arguments)
    model.build()
    return model


def small(*layers, name: str = "small", extra: str = "", upscales=(4,)) -> keras.Model:
    """A face-swap model of 8 pixels whose encoder is a chain of `layers`."""
    # Other layers come first in the program, so that Keras' own names never agree by luck.
    keras.layers.Dense(1), keras.layers.Conv2D(1, 1)
    x = face = keras.Input((8, 8, 3))
    for layer in layers:
        x = layer(x)
    encoder = keras.Model(face, x, name="encoder")
    inputs = [keras.Input((8, 8, 3), name=f"face_in_{side}") for side in "ab"]
    outputs = []
    for side, input_ in zip("ab", inputs, strict=True):
        decoder = small_decoder(x.shape[1:], side, extra, upscales)
        outputs += keras.tree.flatten(decoder(encoder(input_)))
    return keras.Model(inputs, outputs, name=name)


def small_decoder(shape, side: str, extra: str, upscales) -> keras.Model:
    """A branch that ends in ``face_out`` and before it, where wanted, one that ends in `extra`."""
    code = keras.Input(shape)
    outputs = []
    for channels, kind in [(1, extra), (3, "face")][not extra :]:
        x = code
        for filters in upscales:
            x = UpscaleBlock(filters)(x)
        outputs.append(Conv2DOutput(channels, 3, name=f"{kind}_out_{side}")(x))
    return keras.Model(code, outputs, name=f"decoder_{side}")


def conv(filters: int, size: int = 3, name: str | None = None) -> keras.layers.Layer:
    return keras.layers.Conv2D(filters, size, padding="same", name=name)


def kernels(model: keras.Model, part: str = "encoder") -> list[np.ndarray]:
    """Kernels of a part's layers, in order."""
    layers = [layer for layer in model.get_layer(part).layers if layer.weights]
    return [np.asarray(layer.weights[0]) for layer in layers]


def same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    return ours.shape == theirs.shape and bool((ours == theirs).all())


def test_the_encoder_of_the_same_plugin_computes_the_same(tmp_path: Path) -> None:
    source = plugin(tmp_path / "source")
    source.save()
    model = plugin(tmp_path / "new").model
    encoders = [m.get_layer("encoder") for m in (model, source.model)]
    face = np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32)
    untouched = [w.copy() for w in model.get_layer("decoder_a").get_weights()]

    report = transfer(model, find_source(str(tmp_path / "source" / "model")), ["encoder"])

    ours, theirs = (np.asarray(encoder([face])[0].detach().cpu()) for encoder in encoders)
    np.testing.assert_array_equal(ours, theirs)
    for weight, before in zip(model.get_layer("decoder_a").get_weights(), untouched, strict=True):
        np.testing.assert_array_equal(weight, before)
    # A 3 x 3 convolution of 3 channels to 8, with a bias.
    assert str(report) == "encoder: 2 of 2 weights (224 of 224 parameters) taken from 'tiny'"


@pytest.mark.parametrize("where", ["model", "model/tiny.keras"])
def test_a_file_and_its_folder_are_one_source(tmp_path: Path, where: str) -> None:
    source = plugin(tmp_path / "source")
    source.save()
    found = find_source(str(tmp_path / "source" / where))
    for weight, saved in zip(found.get_weights(), source.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, saved)


def test_of_another_model_the_layers_that_fit_are_taken() -> None:
    model = small(conv(4, 5), conv(6), conv(8), name="new")
    source = small(conv(4, 5), conv(10), conv(6), conv(8), name="old")
    before = kernels(model)
    report = transfer(model, source, ["encoder"])
    after, theirs = kernels(model), kernels(source)
    assert same(after[0], theirs[0])
    assert same(after[1], before[1])  # 4 channels come in here, 10 there
    assert same(after[2], theirs[3])
    (part,) = report.parts
    names = [layer.name for layer in model.get_layer("encoder").layers]
    assert part.weights == (4, 6)
    assert part.parameters == (304 + 440, 304 + 222 + 440)
    assert str(report) == (
        "encoder: 4 of 6 weights (744 of 966 parameters) taken from 'old'; "
        f"not taken: {names[2]} (3x3x4x10 there, 3x3x4x6 here)"
    )


def test_a_plugin_that_is_of_other_widths_gives_nothing(tmp_path: Path) -> None:
    """Only the bias of its outputs would fit."""
    source, model = plugin(tmp_path / "a", "compact").model, plugin(tmp_path / "b").model
    before = [weight.copy() for weight in model.get_weights()]
    with pytest.raises(FaceswapError, match=r"'compact' holds no weights that fit: encoder: "):
        transfer(model, source, ["encoder", "decoder_a"])
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_a_layer_is_taken_whole_or_not_at_all() -> None:
    model, source = (small(conv(4, size, "down"), conv(4, 3, "up")) for size in (3, 5))
    source.get_layer("encoder").get_layer("down").bias.assign(np.ones(4))
    report = transfer(model, source, ["encoder"])
    assert not np.asarray(model.get_layer("encoder").get_layer("down").bias).any()
    assert report.parts[0].weights == (2, 4)
    assert report.parts[0].not_taken == ("down (5x5x3x4 there, 3x3x3x4 here)",)


def test_names_that_a_plugin_gave_count_for_more_than_order() -> None:
    model = small(conv(3, 3, "one"), conv(3, 3, "two"), conv(3, 3, "three"))
    source = small(conv(3, 3, "three"), conv(3, 3, "one"), conv(3, 3, "two"))
    transfer(model, source, ["encoder"])
    for ours, theirs in zip(kernels(model), np.roll(kernels(source), -1, axis=0), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_names_that_keras_gave_count_for_nothing() -> None:
    """Those of one model are those of the other, moved on by one."""
    model = small(*(conv(3, 3, f"conv2d_{k}") for k in (1, 2, 3)))
    source = small(*(conv(3, 3, f"conv2d_{k}") for k in (2, 3, 4)))
    transfer(model, source, ["encoder"])
    for ours, theirs in zip(kernels(model), kernels(source), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_layers_of_one_name_do_not_stand_in_for_others() -> None:
    """What is called "down" here would fit "first" there, and has another counterpart."""
    model = small(conv(4, 3, "down"), conv(4, 5))
    source = small(conv(3, 5, "down"), conv(4, 3, "first"), conv(4, 5))
    before = kernels(model)[0]
    report = transfer(model, source, ["encoder"])
    assert same(kernels(model)[0], before)
    assert same(kernels(model)[1], kernels(source)[2])
    assert report.parts[0].not_taken == ("down (5x5x3x3 there, 3x3x3x4 here)",)


def test_counterparts_between_those_that_fit_are_named_in_order() -> None:
    model = small(conv(4, 5), conv(6, 5), keras.layers.PReLU(), conv(2))
    source = small(conv(4, 3), conv(6, 3), conv(6, 1), conv(2))
    texts = transfer(model, source, ["encoder"]).parts[0].not_taken
    assert [text.partition(" ")[2] for text in texts] == [
        "(3x3x3x4 there, 5x5x3x4 here)",
        "(3x3x4x6 there, 5x5x4x6 here)",
        "(none there)",
    ]


@pytest.mark.parametrize(("here", "there"), [("mask", ""), ("", "mask"), ("mask", "edges")])
def test_the_branch_of_a_mask_is_never_taken_for_another(here: str, there: str) -> None:
    """The upscales of each branch are of equal shapes; the face's come last."""
    model = small(conv(4), extra=here, upscales=(4, 4))
    source = small(conv(4), extra=there, upscales=(4, 4))
    before = face_branch(model, "mask_out_a") if here else []
    report = transfer(model, source, ["decoder_a"])
    ours, theirs = face_branch(model), face_branch(source)
    assert len(ours) == 6
    assert all(map(same, ours, theirs))
    if here:
        assert all(map(same, face_branch(model, "mask_out_a"), before))
        assert report.parts[0].weights == (6, 12)
        assert all(text.endswith("(none there)") for text in report.parts[0].not_taken)


def face_branch(model: keras.Model, output: str = "face_out_a") -> list[np.ndarray]:
    decoder = model.get_layer("decoder_a")
    index = decoder.output_names.index(output)
    return keras.Model(decoder.inputs, decoder.outputs[index]).get_weights()


def test_with_masks_on_both_sides_each_branch_takes_its_own() -> None:
    model, source = (small(conv(4), extra="mask", upscales=(4, 4)) for _ in "ab")
    report = transfer(model, source, ["decoder_a"])
    assert report.parts[0].weights == (12, 12)
    for output in ("face_out_a", "mask_out_a"):
        assert all(map(same, face_branch(model, output), face_branch(source, output)))


def test_plugins_take_decoders_with_a_mask_from_those_without(tmp_path: Path) -> None:
    source = plugin(tmp_path / "source", "compact", mask_type="extended").model
    model = plugin(tmp_path / "new", "compact", mask_type="extended", learn_mask=True).model
    report = transfer(model, source, ["encoder", "decoder_a", "decoder_b"])
    assert [part.weights for part in report.parts] == [(12, 12), (8, 16), (8, 16)]
    assert all(map(same, face_branch(model), face_branch(source)))


def test_layers_without_weights_change_nothing() -> None:
    """Such as the mirrored edges that an option adds."""
    model = small(Conv2DBlock(4), ResidualBlock(4))
    source = small(Conv2DBlock(4, reflect_padding=True), ResidualBlock(4, reflect_padding=True))
    transfer(model, source, ["encoder"])
    assert all(map(same, kernels(model), kernels(source)))


def test_nested_models_are_looked_into() -> None:
    """Names are unique in a model, not in those that it is made of; layers may be shared."""

    def nested(first: keras.layers.Layer) -> keras.Model:
        inputs = keras.Input((8, 8, 4))
        return keras.Model(inputs, conv(4, 3, "inner")(first(inputs)))

    def nesting() -> keras.Model:
        shared = conv(4, 1)
        return small(conv(4), nested(shared), shared, nested(conv(4)), keras.Sequential([conv(2)]))

    model, source = nesting(), nesting()
    report = transfer(model, source, ["encoder"])
    assert report.parts[0].weights == (12, 12)
    ours, theirs = (m.get_layer("encoder").get_weights() for m in (model, source))
    assert all(map(same, ours, theirs))


def test_a_single_layer_is_a_part_too() -> None:
    def flat() -> keras.Model:
        inputs = [keras.Input((2,)) for _ in "ab"]
        shared = keras.layers.Dense(3, name="code")
        return keras.Model(inputs, [keras.layers.Dense(3)(shared(x)) for x in inputs])

    model, source = flat(), flat()
    transfer(model, source, ["code"])
    ours, theirs = (np.asarray(m.get_layer("code").kernel) for m in (model, source))
    np.testing.assert_array_equal(ours, theirs)


def test_a_report_counts_what_it_has_no_room_to_name() -> None:
    model = small(*(conv(4, 5, f"layer_{k}") for k in range(LISTED + 2)), conv(4))
    source = small(*(conv(4, 3, f"layer_{k}") for k in range(LISTED + 2)), conv(4))
    report = str(transfer(model, source, ["encoder"]))
    assert report.count(" there, ") == LISTED
    assert report.endswith(" and 2 more")


def test_unknown_names_warn_and_the_others_are_taken(caplog: pytest.LogCaptureFixture) -> None:
    model, source = small(conv(4), name="new"), small(conv(4), name="old")
    with caplog.at_level(logging.WARNING):
        report = transfer(model, source, ["inter", "encoder", "face_in_a"])
    assert [part.name for part in report.parts] == ["encoder"]
    known = "it has 'encoder', 'decoder_a', 'decoder_b'"
    for record, name in zip(caplog.records, ("new", "old"), strict=True):
        assert record.message == (
            f"Model '{name}' has no layer 'inter', 'face_in_a' with weights; {known}"
        )


def test_where_nothing_fits_nothing_is_written() -> None:
    model, source = small(conv(4, 3), name="new"), small(conv(4, 5), name="old")
    before = [weight.copy() for weight in model.get_weights()]
    with pytest.raises(FaceswapError, match=r"5x5x3x4 there, 3x3x3x4 here") as caught:
        transfer(model, source, ["encoder"])
    assert "\n" not in str(caught.value)
    with pytest.raises(FaceswapError, match="'old' holds no weights that fit: no layer of it is"):
        transfer(model, source, ["inter"])
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_the_average_is_taken_where_there_is_one(tmp_path: Path) -> None:
    model = small(conv(4))
    optimizer = keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.8)
    model.compile(optimizer=optimizer, loss=["mse", "mse"], jit_compile=False)
    optimizer.build(model.trainable_variables)
    bias = model.get_layer("encoder").layers[-1].bias
    expected = None
    for _ in range(4):
        optimizer.apply([w.value * 0 + 1 for w in model.trainable_variables])
        now = np.asarray(bias).astype(float)
        expected = now if expected is None else 0.8 * expected + 0.2 * now
    model.save(tmp_path / "small.keras")

    new = small(conv(4))
    transfer(new, find_source(str(tmp_path / "small.keras")), ["encoder"])
    taken = np.asarray(new.get_layer("encoder").layers[-1].bias)
    assert abs(expected - np.asarray(bias)).min() > 0.05
    np.testing.assert_allclose(taken, expected, rtol=1e-5)


def test_a_model_that_was_never_trained_is_a_source(tmp_path: Path) -> None:
    """Its optimizer is saved without variables, which Keras warns of when it is loaded."""
    model = small(conv(4))
    model.compile(optimizer=keras.optimizers.Adam(use_ema=True), loss=["mse", "mse"])
    model.save(tmp_path / "small.keras")
    found = find_source(str(tmp_path / "small.keras"))
    assert all(map(same, found.get_weights(), model.get_weights()))


def test_a_source_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Dense(1)(inputs)).save(tmp_path / "line.keras")
    whole = (tmp_path / "line.keras").read_bytes()
    (tmp_path / "half.keras").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "none.keras.bk").write_bytes(whole)
    (tmp_path / "empty").mkdir()
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost" / "tiny_state.json").write_text("{}")
    (tmp_path / "two").mkdir()
    for name in "ab":
        shutil.copy(tmp_path / "line.keras", tmp_path / "two" / f"{name}.keras")
    for name, why in {
        "absent": "there is no '.*absent'",
        "absent.keras": "there is no '.*absent.keras'",
        "none.keras.bk": r"'.*none.keras.bk' is no .keras file",
        "line.keras": r"'.*line.keras' holds no face-swap model",
        "half.keras": r"half.keras' is damaged",
        "empty": "empty' holds no model",
        "lost": r"lost' has lost its 'tiny.keras'",
        "two": "two' holds models of 'a' and of 'b'",
    }.items():
        with pytest.raises(FaceswapError, match=why) as caught:
            find_source(str(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_frozen_variables_are_those_of_the_parts_and_mark_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = small(conv(4), keras.layers.BatchNormalization())
    before = model.to_json(), len(model.trainable_variables)
    frozen = frozen_variables(model, ["encoder", "inter", "encoder"])
    trainable = model.get_layer("encoder").trainable_variables
    assert [id(weight) for weight in frozen] == [id(weight) for weight in trainable]
    assert len(frozen) == 4  # not the two statistics of the normalisation
    assert "has no layer 'inter'" in caplog.text
    assert (model.to_json(), len(model.trainable_variables)) == before


def test_freezing_what_is_not_there_is_refused() -> None:
    assert frozen_variables(small(conv(4)), []) == []
    with pytest.raises(FaceswapError, match="nothing to freeze.*no layer 'inter'; it has 'enc"):
        frozen_variables(small(conv(4)), ["inter"])
