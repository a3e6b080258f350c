"""The train command's own parts: advice, preview, failures."""

import logging
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lib.errors import FaceswapError
from scripts.loop import tell_if_slow
from scripts.running import PreviewFile
from scripts.train import Train

MakeArguments = Callable[..., Namespace]


@pytest.mark.parametrize(
    ("name", "seconds", "told"),
    [("original", 6.0, True), ("original", 0.4, False), ("compact", 6.0, False)],
)
def test_a_model_that_is_too_slow_here_is_told_with_one_that_fits(
    caplog: pytest.LogCaptureFixture, name: str, seconds: float, told: bool
) -> None:
    tell_if_slow(name, seconds)
    assert bool(caplog.messages) is told
    if told:
        assert "'original' takes 6.0 s an iteration on this machine" in caplog.messages[0]
        assert "'-t compact'" in caplog.messages[0]


@pytest.mark.parametrize("switch", ["-p", "-w"])
def test_the_preview_is_written_and_its_path_is_told_once(
    switch: str, train_arguments: MakeArguments, caplog: pytest.LogCaptureFixture
) -> None:
    sheet = np.zeros((8, 8, 3), np.uint8)
    command = Train(train_arguments(switch))
    with caplog.at_level(logging.INFO):
        command._show(sheet, "tiny - iteration 1")
        command._show(sheet, "tiny - iteration 2")
    path = Path(train_arguments().model_dir) / "training_preview.png"
    assert path.exists()
    assert len(caplog.messages) == 1
    assert str(path) in caplog.messages[0]


def test_no_preview_is_written_where_none_is_asked_for(train_arguments: MakeArguments) -> None:
    arguments = train_arguments()
    Train(arguments)._show(np.zeros((8, 8, 3), np.uint8), "tiny")
    assert not Path(arguments.model_dir).exists()


def test_its_show_is_what_the_trainer_gives_previews_to(train_arguments: MakeArguments) -> None:
    shown: list[tuple[np.dtype, str]] = []

    class Watched(Train):
        def _show(self, image: np.ndarray, name: str) -> None:
            shown.append((image.dtype, name))

    Watched(train_arguments("-n", "-w", "-it", "1")).process()
    assert shown == [(np.uint8, "tiny - iteration 1")]


def test_a_failure_of_training_is_the_commands_failure(
    train_arguments: MakeArguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = train_arguments("-n", "-it", "5")

    def fail(*_: object) -> None:
        raise FaceswapError("the loss is not a number")

    monkeypatch.setattr("plugins.train.trainer._base.TrainerBase._train_on_batch", fail)
    with pytest.raises(FaceswapError, match="not a number"):
        Train(arguments).process()
    assert not Path(arguments.model_dir).exists()


def test_a_preview_that_cannot_be_written_does_not_end_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "training_preview.png"
    path.mkdir()
    PreviewFile(path, is_wanted=True).show(np.zeros((8, 8, 3), np.uint8), "tiny")
    assert "training goes on" in caplog.messages[0]


def test_time_lapse_folders_are_checked_before_training(
    train_arguments: MakeArguments, tmp_path: Path
) -> None:
    words = ["-tia", str(tmp_path / "none"), "-tib", str(tmp_path), "-to", str(tmp_path / "out")]
    with pytest.raises(FaceswapError, match="none' does not exist"):
        Train(train_arguments(*words))
