"""Options of the trainer, of the file and of the command line, seen in what it does."""

import logging
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

from lib.data.augment import Augmentation
from lib.data.files import find_images
from lib.preview import samples
from lib.preview.sheet import Layout, SideSamples
from lib.training.step import Outcome
from plugins import loader

MakeArguments = Callable[..., Namespace]

RANGES = {
    "zoom_amount": 7,
    "rotation_range": 11,
    "shift_range": 3,
    "flip_chance": 20,
    "color_lightness": 41,
    "color_ab": 13,
    "color_clahe_chance": 70,
    "color_clahe_max_size": 6,
}


@contextmanager
def running(arguments: Namespace) -> Iterator[Any]:
    plugin = loader.load_model(arguments.trainer, arguments.plugin_dir)
    model = plugin(arguments.model_dir, arguments)
    model.build()
    images = {side: find_images(getattr(arguments, f"input_{side}")) for side in "ab"}
    trainer = loader.load_trainer("original")(
        model, images, arguments.batch_size, arguments.configfile
    )
    yield trainer
    trainer.close()


def configured(folder: Path, text: str) -> list[str]:
    (folder / "train.ini").write_text(text)
    return ["-C", str(folder / "train.ini")]


def of_trainer(**values: object) -> str:
    return "\n".join(["[trainer.original]", *(f"{key} = {x}" for key, x in values.items())])


@pytest.fixture
def augmentations(monkeypatch: pytest.MonkeyPatch) -> set[Augmentation]:
    """All that faces are changed by, as a trainer runs."""
    used: set[Augmentation] = set()
    draw = Augmentation.draw

    def noted(self: Augmentation, *args: Any) -> Any:
        used.add(self)
        return draw(self, *args)

    monkeypatch.setattr(Augmentation, "draw", noted)
    return used


def test_ranges_of_the_file_reach_the_faces(
    train_arguments: MakeArguments, augmentations: set[Augmentation], tmp_path: Path
) -> None:
    with running(train_arguments("-n", *configured(tmp_path, of_trainer(**RANGES)))) as trainer:
        trainer.train_one_step(None, None)
    assert augmentations == {Augmentation(**RANGES)}


@pytest.mark.parametrize(
    ("switch", "part"),
    [("--no-flip", "flip"), ("--no-augment-color", "colour"), ("--no-warp", "warp")],
)
def test_a_switch_leaves_its_part_out(
    train_arguments: MakeArguments, augmentations: set[Augmentation], switch: str, part: str
) -> None:
    with running(train_arguments("-n", switch)) as trainer:
        trainer.train_one_step(None, None)
    assert augmentations == {Augmentation(**{part: False})}


def test_of_the_trainers_options_the_chance_of_equalisation_alone_may_change(
    train_arguments: MakeArguments,
    augmentations: set[Augmentation],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running(train_arguments("-n")) as trainer:
        trainer._model.save()
    changed = configured(tmp_path, of_trainer(flip_chance=10, color_clahe_chance=0))
    augmentations.clear()
    with (
        caplog.at_level(logging.INFO),
        running(train_arguments("-n", *changed)) as trainer,
    ):
        trainer.train_one_step(None, None)
    assert augmentations == {Augmentation(color_clahe_chance=0)}
    assert "Option color_clahe_chance: 50 -> 0" in caplog.messages
    assert any(message.startswith("Option flip_chance stays 50") for message in caplog.messages)


def test_warping_to_landmarks_changes_what_is_fed_and_no_more(
    train_arguments: MakeArguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[Any] = []

    def taken(batches: list[Any], *_: float) -> Outcome:
        fed.extend(batches)
        return Outcome(torch.zeros(2), torch.ones(2), torch.tensor(True))

    for switches in ([], ["--warp-to-landmarks"]):
        with running(train_arguments("-n", *switches)) as trainer:
            monkeypatch.setattr(trainer, "_step", taken)
            trainer.train_one_step(None, None)
    (feeds, targets), (warped_feeds, warped_targets) = fed
    for plain, warped in zip(feeds, warped_feeds, strict=True):
        assert (plain != warped).any(axis=(1, 2, 3)).all()
    for target, other in zip(targets, warped_targets, strict=True):
        np.testing.assert_array_equal(target, other)


@pytest.mark.parametrize(("scale", "cell"), [("100", 128), ("50", 64)])
def test_a_preview_shows_as_many_faces_as_asked_at_the_size_asked(
    train_arguments: MakeArguments, tmp_path: Path, scale: str, cell: int
) -> None:
    three = configured(tmp_path, of_trainer(preview_images=3))
    shown: list[np.ndarray] = []
    with running(train_arguments("-ps", scale, *three)) as trainer:
        trainer.train_one_step(lambda sheet, _: shown.append(sheet), None)
    assert [sheet.shape for sheet in shown] == [Layout(3, cell).shape]


def test_previews_show_faces_as_they_are(
    train_arguments: MakeArguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[SideSamples] = []

    def kept(*sides_and_more: Any) -> np.ndarray:
        drawn.extend(sides_and_more[:2])
        return np.zeros((2, 2, 3), np.uint8)

    monkeypatch.setattr(samples, "contact_sheet", kept)
    with running(train_arguments("-n")) as trainer:
        trainer.show_preview(lambda *_: None)
        for side, shown in zip("ab", drawn, strict=True):
            images = trainer._faces.trained[side].images
            assert all((images == face).all(axis=(1, 2, 3)).any() for face in shown.originals)
            np.testing.assert_array_equal(shown.same, trainer._predictor(shown.originals, side))


def test_swaps_go_through_the_model_by_batches_of_the_size_asked(
    train_arguments: MakeArguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    with running(
        train_arguments(*configured(tmp_path, "[global]\nconvert_batchsize = 12\n"))
    ) as trainer:
        predict = trainer._predictor._predict
        monkeypatch.setattr(
            trainer._predictor,
            "_predict",
            lambda path, feed: counts.append(len(feed)) or predict(path, feed),
        )
        trainer._predictor(trainer._faces.trained["a"].images, "b")
    assert counts == [12, 12, 6]


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[str]]:
    """Make a trainer note the parts of its step as they are begun."""

    def note(trainer: Any) -> list[str]:
        noted: list[str] = []

        def watched(owner: Any, name: str, word: str) -> None:
            inner = getattr(owner, name)

            def call(*args: Any, **kwargs: Any) -> Any:
                noted.append(word)
                return inner(*args, **kwargs)

            monkeypatch.setattr(owner, name, call)

        watched(trainer._model.state, "increment_iterations", "count")
        watched(trainer, "_train_on_batch", "train")
        watched(trainer._log, "add", "log")
        watched(trainer._model, "add_history", "history")
        watched(trainer.console, "update", "console")
        watched(trainer._model.saves, "begin_snapshot", "snapshot")
        watched(trainer, "_write_timelapse", "time-lapse")
        return noted

    return note


def test_the_parts_of_a_step_come_in_the_documented_order(
    train_arguments: MakeArguments, tmp_path: Path, order: Callable[[Any], list[str]]
) -> None:
    arguments = train_arguments("-ss", "1")
    lapse = {"input_a": arguments.input_a, "input_b": arguments.input_b}
    with running(arguments) as trainer:
        trainer.train_one_step(None, None)
        noted = order(trainer)
        trainer.train_one_step(
            lambda *_: noted.append("preview"), {**lapse, "output": str(tmp_path / "lapse")}
        )
    first = ["count", "train", "log", "history", "console"]
    assert noted == [*first, "snapshot", "preview", "time-lapse"]


def test_a_step_without_wishes_makes_no_picture(
    train_arguments: MakeArguments, order: Callable[[Any], list[str]]
) -> None:
    with running(train_arguments()) as trainer:
        noted = order(trainer)
        for _ in range(3):
            trainer.train_one_step(None, None)
    assert noted.count("train") == 3
    assert not {"snapshot", "time-lapse"} & set(noted)


def test_no_snapshot_is_taken_at_an_interval_of_0(train_arguments: MakeArguments) -> None:
    arguments = train_arguments("-ss", "0", "-n")
    with running(arguments) as trainer:
        for _ in range(4):
            trainer.train_one_step(None, None)
    assert not list(Path(arguments.model_dir).parent.glob("*_snapshot_*"))


def test_a_resumed_runs_snapshot_holds_the_weights_of_the_iteration_it_names(
    train_arguments: MakeArguments,
) -> None:
    arguments = train_arguments("-ss", "3", "-n")
    with running(arguments) as trainer:
        trainer.train_one_step(None, None)
        trainer._model.save()
    with running(arguments) as trainer:
        for _ in range(3):
            trainer.train_one_step(None, None)
        now = [weight.copy() for weight in trainer._model.model.get_weights()]
        trainer._model.saves.finish()
    path = Path(arguments.model_dir).with_name("model_snapshot_4_iters") / "tiny.keras"
    kept = keras.saving.load_model(path, compile=False).get_weights()
    for ours, theirs in zip(kept, now, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_training_goes_on_without_protection_from_nan(
    train_arguments: MakeArguments, tmp_path: Path
) -> None:
    off = configured(tmp_path, "[global]\nnan_protection = False\n")
    with running(train_arguments("-n", *off)) as trainer:
        with torch.no_grad():
            trainer._model.model.trainable_variables[0].value.fill_(float("nan"))
        for _ in range(2):
            trainer.train_one_step(lambda *_: None, None)
        assert trainer._model.iterations == 2


def test_the_layers_that_the_plugin_names_are_frozen(train_arguments: MakeArguments) -> None:
    arguments = train_arguments("-n", "-f")
    plugin = loader.load_model("tiny", arguments.plugin_dir)
    model = plugin(arguments.model_dir, arguments)
    model.freeze_layers = ["decoder_b"]
    model.build()
    images = {side: find_images(getattr(arguments, f"input_{side}")) for side in "ab"}
    trainer = loader.load_trainer("original")(model, images, 4, None)
    parts = {part: model.model.get_layer(part) for part in ("encoder", "decoder_a", "decoder_b")}
    before = {name: [w.copy() for w in part.get_weights()] for name, part in parts.items()}
    trainer.train_one_step(None, None)
    trainer.close()
    stayed = {
        name: all(map(np.array_equal, part.get_weights(), before[name]))
        for name, part in parts.items()
    }
    assert stayed == {"encoder": False, "decoder_a": False, "decoder_b": True}
