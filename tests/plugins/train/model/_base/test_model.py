"""ModelBase: options, building, saving, the swap path."""

import json
import shutil
import threading
from argparse import Namespace
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from lib.checkpoint.layout import Layout
from lib.errors import FaceswapError
from plugins import loader
from plugins.train.model._base import KerasModel, ModelBase

PLUGINS = Path(__file__).parents[4] / "fixtures" / "plugins"


@pytest.fixture
def arguments(tmp_path: Path) -> Namespace:
    return Namespace(configfile=None, plugin_dir=str(PLUGINS), no_logs=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "model"


def tiny(folder: Path, arguments: Namespace, predict: bool = False) -> ModelBase:
    model = loader.load_model("tiny", str(PLUGINS))(str(folder), arguments, predict)
    model.build()
    return model


def configured(arguments: Namespace, folder: Path, **values: object) -> Namespace:
    file = folder.parent / "train.ini"
    lines = {"global": [], "global.loss": [], "model.tiny": []}
    for key, value in values.items():
        section = {"width": "model.tiny"}.get(
            key, "global.loss" if "mask" in key or "loss" in key else "global"
        )
        lines[section].append(f"{key} = {value}")
    file.write_text("".join(f"[{s}]\n" + "\n".join(x) + "\n" for s, x in lines.items() if x))
    return Namespace(**{**vars(arguments), "configfile": str(file)})


def forget_saves(folder: Path) -> None:
    """Leave what the first versions of the program left: a model and a state, no saves."""
    shutil.rmtree(folder / "tiny_saves")


def feed(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((2, 16, 16, 3), dtype=np.float32)


def test_a_new_model_has_the_documented_members(folder: Path, arguments: Namespace) -> None:
    model = tiny(folder, arguments)
    assert model.name == "tiny"
    assert model.model_dir == str(folder)
    assert model.command_line_arguments is arguments
    assert model.trainer == "original"
    assert model.color_order == "bgr"
    assert model.iterations == 0
    assert model.coverage_ratio == 0.6875
    assert model.config["width"] == 8
    assert model.config["loss_function"] == "ssim"
    assert model.model.name == "tiny"
    assert [tensor.name for tensor in model.model.inputs] == ["face_in_a", "face_in_b"]
    assert model.output_shapes == [[(16, 16, 3)], [(16, 16, 3)]]
    assert not folder.exists()


def test_the_folder_is_a_full_path(
    tmp_path: Path, arguments: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tiny(Path("models/pair"), arguments).model_dir == str(tmp_path / "models" / "pair")


def test_the_optimizer_is_adam_with_the_documented_constants(
    folder: Path, arguments: Namespace
) -> None:
    optimizer = tiny(folder, arguments).model.optimizer
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == pytest.approx(5e-5)
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.5, 0.99, 1e-7)


def test_save_and_resume(folder: Path, arguments: Namespace) -> None:
    model = tiny(folder, arguments)
    for _ in range(3):
        model.state.increment_iterations()
    model.add_history([0.5, 0.25])
    model.add_history([0.3, 0.15])
    model.save()
    assert model.state.lowest_avg_loss == {"a": pytest.approx(0.4), "b": pytest.approx(0.2)}
    assert sorted(p.name for p in folder.iterdir()) == [
        "tiny.keras",
        "tiny_saves",
        "tiny_state.json",
    ]
    again = tiny(folder, arguments)
    assert again.iterations == 3
    assert again.state.session_id == 2
    for ours, theirs in zip(again.model.get_weights(), model.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("losses", "backs_up"), [([0.3, 0.1], True), ([0.3, 0.3], False), ([0.5, 0.1], False)]
)
def test_a_backup_is_kept_where_both_sides_got_better(
    folder: Path, arguments: Namespace, losses: list[float], backs_up: bool
) -> None:
    model = tiny(folder, arguments)
    model.add_history([0.4, 0.2])
    model.save()
    before = (folder / "tiny.keras").read_bytes()
    model.add_history(losses)
    model.save()
    backups = [folder / "tiny.keras.bk", folder / "tiny_state.json.bk"]
    assert [backup.exists() for backup in backups] == [backs_up] * 2
    if backs_up:
        assert backups[0].read_bytes() == before
        assert (folder / "tiny.keras").read_bytes() != b""
    assert model.state.lowest_avg_loss["a"] == pytest.approx(0.3 if backs_up else 0.4)


def test_losses_that_are_no_numbers_count_for_nothing(folder: Path, arguments: Namespace) -> None:
    model = tiny(folder, arguments)
    for loss in ([0.4, float("nan")], [0.2, 0.2], [float("inf"), 0.4]):
        model.add_history(loss)
    model.save()
    assert model.state.lowest_avg_loss == {"a": pytest.approx(0.3), "b": pytest.approx(0.3)}
    model.add_history([0.1, float("nan")])
    model.save()
    assert model.state.lowest_avg_loss["a"] == pytest.approx(0.3)
    assert not (folder / "tiny.keras.bk").exists()


def test_losses_of_an_earlier_run_are_averaged_with_this_ones(
    folder: Path, arguments: Namespace
) -> None:
    first = tiny(folder, arguments)
    first.add_history([0.5, 0.5])
    first.saves.begin(average=False)
    first.saves.finish()
    second = tiny(folder, arguments)
    assert second._io.history == [[0.5], [0.5]]
    second.add_history(list(torch.tensor([0.25, 0.75])))
    second.save()
    assert second.state.lowest_avg_loss == {"a": 0.375, "b": 0.625}


def test_losses_of_a_save_that_failed_count_for_the_next(
    folder: Path, arguments: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny(folder, arguments)
    model.add_history([0.5, 0.5])
    model.save()
    model.add_history([0.25, 0.25])
    with monkeypatch.context() as patch:
        patch.setattr("os.rename", lambda *_: 1 / 0)
        with pytest.raises(FaceswapError, match="failed"):
            model.save()
    model.add_history([0.375, 0.375])
    model.save()
    assert model.state.lowest_avg_loss == {"a": 0.3125, "b": 0.3125}
    assert (folder / "tiny.keras.bk").exists()


def test_a_model_that_goes_back_takes_no_second_one_onto_the_device(
    folder: Path, arguments: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, loaded = tiny(folder, arguments), []
    model.save()
    monkeypatch.setattr(
        "plugins.train.model._base.saves.copy_values", lambda source, _: loaded.append(source)
    )
    with keras.device("meta"):  # stands for a GPU
        model.saves.go_back(below=1)
    variables = (*loaded[0].variables, *loaded[0].optimizer.variables)
    assert {variable.value.device.type for variable in variables} == {"cpu"}


def test_a_snapshot_waits_for_the_save_before_it(
    folder: Path, arguments: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, go = tiny(folder, arguments), threading.Event()
    write = Layout.save
    monkeypatch.setattr(Layout, "save", lambda *args: go.wait(10) and write(*args))
    model.saves.begin()
    model.saves.begin_snapshot()
    assert model.saves.wants_snapshot
    go.set()
    model.state.increment_iterations()
    model.saves.finish()
    assert not model.saves.wants_snapshot
    assert folder.with_name("model_snapshot_1_iters").is_dir()


def test_a_snapshot_holds_the_model_as_it_is_now(folder: Path, arguments: Namespace) -> None:
    model = tiny(folder, arguments)
    model.save()
    model.state.increment_iterations()
    model.snapshot()
    copy = folder.with_name("model_snapshot_1_iters")
    assert json.loads((copy / "tiny_state.json").read_text())["iterations"] == 1


def test_fixed_options_of_a_saved_model_win_over_the_file(
    folder: Path, arguments: Namespace
) -> None:
    tiny(folder, configured(arguments, folder, width=4, learning_rate=1e-4)).save()
    model = tiny(folder, configured(arguments, folder, width=6, learning_rate=2e-4, coverage=80))
    assert model.config["width"] == 4
    assert model.config["coverage"] == 68.75
    assert model.config["learning_rate"] == 2e-4
    assert float(model.model.optimizer.learning_rate) == pytest.approx(2e-4)


@pytest.mark.parametrize("swap", [False, True])
def test_prediction_builds_the_path_of_the_swap(
    folder: Path, arguments: Namespace, swap: bool
) -> None:
    trained = tiny(folder, arguments)
    trained.save()
    arguments.swap_model = swap
    model = tiny(folder, arguments, predict=True).model
    assert len(model.inputs) == len(model.outputs) == 1
    both = trained.model.predict([feed(), feed()], verbose=0)
    expected = both[0] if swap else both[1]
    np.testing.assert_allclose(model.predict(feed(), verbose=0), expected, atol=1e-6)
    assert {layer.name for layer in model.layers} >= {"encoder", f"decoder_{'a' if swap else 'b'}"}


def test_prediction_needs_a_saved_model(folder: Path, arguments: Namespace) -> None:
    with pytest.raises(FaceswapError, match="there is no model of 'tiny' in .*: train one first"):
        tiny(folder, arguments, predict=True)


def test_learn_mask_adds_an_output_a_side(folder: Path, arguments: Namespace) -> None:
    model = tiny(folder, configured(arguments, folder, learn_mask=True))
    assert model.output_shapes == [[(16, 16, 3), (16, 16, 1)]] * 2


@pytest.mark.parametrize("option", ["penalized_mask_loss", "learn_mask"])
def test_a_mask_is_needed_where_it_is_used(folder: Path, arguments: Namespace, option: str) -> None:
    others = {"penalized_mask_loss": False, "learn_mask": False, option: True}
    with pytest.raises(FaceswapError, match=f"option {option} needs a mask"):
        tiny(folder, configured(arguments, folder, mask_type="none", **others))


def test_state_without_its_model_begins_no_new_one(folder: Path, arguments: Namespace) -> None:
    model = tiny(folder, arguments)
    model.state.increment_iterations()
    model.save()
    forget_saves(folder)
    (folder / "tiny.keras").unlink()
    with pytest.raises(FaceswapError, match=r"tiny\.keras' is missing, but its state says 1 iter"):
        tiny(folder, arguments)


def test_a_snapshot_leaves_the_average_and_the_backup_alone(
    folder: Path, arguments: Namespace
) -> None:
    model = tiny(folder, arguments)
    model.add_history([0.4, 0.2])
    model.save()
    model.add_history([0.1, 0.1])
    model.snapshot()
    assert model.state.lowest_avg_loss["a"] == pytest.approx(0.4)
    assert model._io.history == [[0.1], [0.1]]
    assert not (folder / "tiny.keras.bk").exists()


def test_prediction_uses_the_options_that_the_model_was_trained_with(
    folder: Path, arguments: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    tiny(folder, configured(arguments, folder, learning_rate=1e-4)).save()
    with caplog.at_level("INFO"):
        model = tiny(folder, arguments, predict=True)
    assert model.config["learning_rate"] == 1e-4
    assert not any(message.startswith("Option") for message in caplog.messages)


def test_the_folder_may_be_the_working_folder(
    tmp_path: Path, arguments: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    tiny(Path("."), arguments).snapshot()
    assert (tmp_path / "here_snapshot_0_iters" / "tiny.keras").exists()


@pytest.mark.parametrize(
    "shape", [None, (), (16, 16), [(16, 16, 3)], (16, -1, 3), (16, 8, 3), (16, 16, 1), "large"]
)
def test_a_wrong_input_shape_is_named(folder: Path, arguments: Namespace, shape: object) -> None:
    model = loader.load_model("tiny", str(PLUGINS))(str(folder), arguments)
    model.input_shape = shape
    with pytest.raises(FaceswapError, match="model 'tiny' has input_shape"):
        model.build()


def test_a_model_without_its_state_is_not_taken_for_a_new_one(
    folder: Path, arguments: Namespace
) -> None:
    tiny(folder, arguments).save()
    forget_saves(folder)
    (folder / "tiny_state.json").unlink()
    with pytest.raises(FaceswapError, match="has lost its state file"):
        tiny(folder, arguments)


def test_stored_options_are_checked(folder: Path, arguments: Namespace) -> None:
    tiny(folder, arguments).save()
    forget_saves(folder)
    file = folder / "tiny_state.json"
    state = json.loads(file.read_text())
    state["config"]["coverage"] = -5
    file.write_text(json.dumps(state))
    with pytest.raises(FaceswapError, match="stored in .* coverage = -5: must be"):
        tiny(folder, arguments)


def conv(x: object, filters: int) -> object:
    return keras.layers.Conv2D(filters, 1)(x)


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (lambda _: None, "takes two faces"),
        (lambda x: keras.Model(x[0], conv(x[0], 3)), "takes two faces"),
        (lambda x: keras.Model(x, conv(x[0], 3)), "takes two faces"),
        (lambda x: keras.Model(x, [conv(y, 4) for y in x]), "square pictures"),
        (lambda x: keras.Model(x, [conv(y, 1) for y in x]), "gives a face for A"),
        (lambda _: 1 / 0, "build_model.. of 'tiny' failed: ZeroDivisionError"),
    ],
)
def test_a_plugin_that_builds_no_face_swap_model_is_told_so(
    folder: Path, arguments: Namespace, build: object, why: str
) -> None:
    model = loader.load_model("tiny", str(PLUGINS))(str(folder), arguments)
    model.build_model = build
    with pytest.raises(FaceswapError, match=why):
        model.build()


def test_a_plugin_must_override_build_model(folder: Path, arguments: Namespace) -> None:
    model = ModelBase(str(folder), arguments)
    model.input_shape = (8, 8, 3)
    with pytest.raises(NotImplementedError):
        model.build()


def test_a_folder_of_another_plugin_is_refused(folder: Path, arguments: Namespace) -> None:
    tiny(folder, arguments).save()
    shutil.copy(folder / "tiny.keras", folder / "original.keras")
    with pytest.raises(FaceswapError, match="holds a model of 'original' and of 'tiny'"):
        tiny(folder, arguments)


def test_keras_model_flattens_nested_lists(folder: Path, arguments: Namespace) -> None:
    model = tiny(folder, arguments).model
    inner = model.layers[-1]
    nested = KerasModel(
        [[model.inputs[0]], model.inputs[1]], [[model.outputs[0]], [model.outputs[1]]], name="flat"
    )
    assert nested.name == "flat"
    assert len(nested.inputs) == len(nested.outputs) == 2
    assert inner in nested.layers
