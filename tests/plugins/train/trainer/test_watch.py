"""The watch over a run: a test that fails ends none."""

from argparse import Namespace
from collections.abc import Callable

import pytest

from lib.data.files import find_images
from lib.errors import FaceswapError
from lib.evaluation.held_out import HeldOut
from plugins import loader

MakeArguments = Callable[..., Namespace]


def test_an_evaluation_that_fails_is_told_and_training_goes_on(
    train_arguments: MakeArguments,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    arguments = train_arguments("--holdout", "0.1", "--evaluate-interval", "1", "--allow-few")
    model = loader.load_model(arguments.trainer, arguments.plugin_dir)(
        arguments.model_dir, arguments
    )
    model.build()
    images = {side: find_images(getattr(arguments, f"input_{side}")) for side in "ab"}
    trainer = loader.load_trainer("original")(model, images, 4, None)
    caplog.set_level("INFO")

    def refuse(_: HeldOut) -> None:
        raise FaceswapError("out of memory in a test")

    with monkeypatch.context() as patch:
        patch.setattr(HeldOut, "evaluate", refuse)
        trainer.train_one_step(None, None)
    assert caplog.messages[-1] == "No held-out score: out of memory in a test: training goes on"
    assert not trainer.wants_stop
    trainer.train_one_step(None, None)
    assert "Held out at iteration 2" in caplog.text
    trainer.close()
