"""The trainer: steps, logs, previews, snapshots."""

import json
import logging
import shutil
import struct
import warnings
import zlib
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
import torch

from lib.data.files import find_images
from lib.errors import FaceswapError
from lib.training.step import Outcome
from plugins import loader

MakeArguments = Callable[..., Namespace]


def make_trainer(arguments: Namespace) -> Any:
    model = loader.load_model(arguments.trainer, arguments.plugin_dir)(
        arguments.model_dir, arguments
    )
    model.build()
    images = {side: find_images(getattr(arguments, f"input_{side}")) for side in "ab"}
    return loader.load_trainer("original")(
        model, images, arguments.batch_size, arguments.configfile
    )


@pytest.fixture
def arguments(train_arguments: MakeArguments) -> Namespace:
    return train_arguments()


@pytest.fixture
def trainer(arguments: Namespace) -> Iterator[Any]:
    made = make_trainer(arguments)
    yield made
    made.close()


def steps(trainer: Any, count: int, viewer: Any = None) -> None:
    for _ in range(count):
        trainer.train_one_step(viewer, None)


def test_a_step_counts_trains_and_notes_the_losses(trainer: Any) -> None:
    model = trainer._model
    before = [weight.copy() for weight in model.model.get_weights()]
    steps(trainer, 2)
    assert model.iterations == 2
    assert [len(losses) for losses in model._io.history] == [2, 2]
    after = model.model.get_weights()
    assert all(not np.array_equal(x, y) for x, y in zip(before, after, strict=True))
    session = model.state.current_session
    assert session["batchsize"] == 4
    assert session["loss_names"] == ["total", "face_a", "face_b"]
    assert session["iterations"] == 2


def test_training_lowers_the_loss(trainer: Any) -> None:
    trainer._model.config["learning_rate"] = 5e-3
    steps(trainer, 60)
    losses = np.array([[float(x) for x in side] for side in trainer._model._io.history])
    assert (losses[:, -10:].mean(axis=1) < 0.8 * losses[:, :10].mean(axis=1)).all()


def test_the_viewer_gets_a_sheet_of_bytes(trainer: Any) -> None:
    shown: list[tuple[np.ndarray, str]] = []
    steps(trainer, 1, lambda image, name: shown.append((image, name)))
    (image, name), *others = shown
    assert not others
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert name == "tiny - iteration 1"


def test_losses_go_to_tensorboard_one_value_an_iteration(
    trainer: Any, arguments: Namespace
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    steps(trainer, 5, lambda *_: None)
    trainer.clear_tensorboard()
    folder = Path(arguments.model_dir) / "tiny_logs" / "session_1" / "train"
    events = EventAccumulator(str(folder))
    events.Reload()
    assert events.Tags()["scalars"] == ["total", "face_a", "face_b"]
    total, face_a, face_b = (events.Scalars(tag) for tag in ("total", "face_a", "face_b"))
    assert [event.step for event in total] == [1, 2, 3, 4, 5]
    for whole, *parts in zip(total, face_a, face_b, strict=True):
        assert whole.value == pytest.approx(sum(part.value for part in parts), rel=1e-5)
    assert events.Tags()["images"] == ["preview"]


def test_no_logs_means_none(train_arguments: MakeArguments) -> None:
    arguments = train_arguments("--no-logs")
    trainer = make_trainer(arguments)
    steps(trainer, 2)
    trainer.close()
    assert not list(Path(arguments.model_dir).glob("*_logs"))


def test_a_time_lapse_shows_the_same_faces_every_time(
    trainer: Any, arguments: Namespace, tmp_path: Path
) -> None:
    folders = {"input_a": arguments.input_a, "input_b": arguments.input_b}
    for _ in range(2):
        trainer.train_one_step(None, {**folders, "output": str(tmp_path / "lapse")})
    first, second = sorted((tmp_path / "lapse").iterdir())
    assert first.suffix == ".jpg"
    assert first.stem.isdecimal()
    images = [cv2.imread(str(path)).astype(int) for path in (first, second)]
    assert images[0].shape == images[1].shape
    height = images[0].shape[0]
    originals = [image[height // 8 :, :60] for image in images]
    assert np.abs(originals[0] - originals[1]).mean() < 1


def test_a_snapshot_is_taken_when_due(train_arguments: MakeArguments) -> None:
    arguments = train_arguments("-ss", "3")
    trainer = make_trainer(arguments)
    for _ in range(7):
        steps(trainer, 1)
        trainer._model.saves.finish()
    trainer.close()
    found = sorted(Path(arguments.model_dir).parent.glob("model_snapshot_*"))
    assert [path.name for path in found] == ["model_snapshot_4_iters", "model_snapshot_7_iters"]
    state = json.loads((found[0] / "tiny_state.json").read_text())
    assert state["iterations"] == 4


def test_the_same_seed_gives_the_same_run(
    train_arguments: MakeArguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [traced_run(train_arguments("--seed", "5", "--no-logs"), monkeypatch) for _ in "12"]
    for name in runs[0]:
        for one, other in zip(runs[0][name], runs[1][name], strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)


def traced_run(arguments: Namespace, monkeypatch: pytest.MonkeyPatch) -> dict[str, list]:
    """All that a run of three iterations depends on and leads to, in the order of cause."""
    keras.utils.set_random_seed(arguments.seed)
    trainer = make_trainer(arguments)
    trace: dict[str, list] = {"faces": [], "masks": [], "first weights": [], "feeds": []}
    trace |= {"targets": [], "losses": [], "last weights": []}
    for faces in trainer._faces.trained.values():
        trace["faces"].append(faces.images)
        trace["masks"].append(faces.masks)
    trace["first weights"] = [weight.copy() for weight in trainer._model.model.get_weights()]
    step = trainer._step

    def traced(batches: list, *rates: float) -> Outcome:
        for feeds, targets in batches:
            trace["feeds"] += feeds
            trace["targets"] += targets
        outcome = step(batches, *rates)
        trace["losses"].append(outcome.losses.numpy())
        return outcome

    monkeypatch.setattr(trainer, "_step", traced)
    steps(trainer, 3)
    trainer.close()
    trace["last weights"] = trainer._model.model.get_weights()
    return trace


def test_a_larger_batch_than_faces_repeats_them_and_says_so(
    train_arguments: MakeArguments, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        trainer = make_trainer(train_arguments("-b", "40"))
    steps(trainer, 1)
    trainer.close()
    assert "Side A: a batch of 40 is more than its 30 faces: faces repeat within a batch" in (
        caplog.messages
    )


def test_plain_pictures_train_without_masks_and_say_so(
    train_arguments: MakeArguments, plain: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        trainer = make_trainer(train_arguments(faces=plain))
    steps(trainer, 1)
    trainer.close()
    assert caplog.messages[1].startswith("Side A: 30 faces, 30 of them without landmarks: no masks")


def png(edge: int, header: bytes) -> bytes:
    """A black square picture with a header of its own."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", edge, edge, 8, 0, 0, 0, 0)),
        (b"iTXt", b"faceswap\0\0\0\0\0" + header),
        (b"IDAT", zlib.compress(bytes(min(edge, 64) * (min(edge, 64) + 1)))),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def test_bad_files_are_left_out_and_reported(
    train_arguments: MakeArguments,
    plain: dict[str, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "faces"
    shutil.copytree(plain["a"], folder)
    (folder / "bomb.png").write_bytes(png(60_000, b""))
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "empty.jpg").write_bytes(b"")
    trap = tmp_path / "trap"
    code = f"__import__('pathlib').Path({str(trap)!r}).touch()"
    (folder / "hostile.png").write_bytes(png(64, code.encode()))
    arguments = train_arguments(faces={"a": folder, "b": plain["b"]})
    trainer = make_trainer(arguments)
    steps(trainer, 1)
    trainer.close()
    assert any("Side A: 4 bad files left out" in message for message in caplog.messages)
    assert not trap.exists()
    report = (Path(arguments.model_dir) / "tiny_left_out.txt").read_text()
    assert [Path(line.split()[1]).name for line in report.splitlines()] == [
        "bomb.png",
        "broken.png",
        "empty.jpg",
        "hostile.png",
    ]


def test_too_few_good_faces_are_refused_and_nothing_is_written(
    train_arguments: MakeArguments, plain: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for index in range(30):
        (folder / f"{index}.png").write_bytes(b"")
    arguments = train_arguments(faces={"a": folder, "b": plain["b"]})
    with pytest.raises(FaceswapError, match="side A has 0 faces .30 bad files left out"):
        make_trainer(arguments)
    assert not Path(arguments.model_dir).exists()


def test_a_model_that_asks_for_rgb_gets_it(
    train_arguments: MakeArguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []
    outcome = Outcome(torch.zeros(2), torch.ones(2), torch.tensor(True))
    for order in ("bgr", "rgb"):
        trainer = make_trainer(train_arguments("--no-logs"))
        trainer._model.color_order = order
        seen = []
        monkeypatch.setattr(
            trainer, "_step", lambda batches, *_, seen=seen: seen.extend(batches) or outcome
        )
        steps(trainer, 1)
        trainer.close()
        trained.append(seen[0])
    (feeds, targets), (rgb_feeds, rgb_targets) = trained
    np.testing.assert_array_equal(rgb_feeds[0], feeds[0][..., ::-1])
    np.testing.assert_array_equal(rgb_targets[0], targets[0][..., [2, 1, 0, 3, 4, 5]])
