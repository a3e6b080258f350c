"""Options that are set while a model trains: the run goes on as one that resumes with them."""

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lib.checkpoint.copies import values_of
from lib.data.files import find_images
from lib.errors import FaceswapError
from plugins import loader

MakeArguments = Callable[..., Namespace]


@contextmanager
def running(arguments: Namespace) -> Iterator[Any]:
    keras.utils.set_random_seed(0)
    model = loader.load_model(arguments.trainer, arguments.plugin_dir)(
        arguments.model_dir, arguments
    )
    model.build()
    images = {side: find_images(getattr(arguments, f"input_{side}")) for side in "ab"}
    trainer = loader.load_trainer("original")(
        model, images, arguments.batch_size, arguments.configfile
    )
    try:
        yield trainer
    finally:
        trainer.close()


def steps(trainer: Any, count: int) -> None:
    for _ in range(count):
        trainer.train_one_step(None, None)


@pytest.fixture
def make(train_arguments: MakeArguments, tmp_path: Path) -> Callable[..., Namespace]:
    """Arguments of a run in a folder of its own, with options in a file of its own."""

    def arguments(folder: str, ini: str = "", *more: str) -> Namespace:
        path = tmp_path / f"{folder}.ini"
        path.write_text(f"[global]\noptimizer = adam\n{ini}")
        words = ["-n", "-m", str(tmp_path / folder), "-C", str(path), *more]
        return train_arguments(*words, model="noisy")

    return arguments


@pytest.mark.parametrize(
    ("section", "option", "text"),
    [
        ("global", "learning_rate", "2e-3"),
        ("global", "mixed_precision", "True"),
        ("global.optimizer", "gradient_clipping", "autoclip"),
        ("global.optimizer", "gradient_accumulation", "2"),
        ("global.optimizer", "average_momentum", "0.9"),
        ("global.optimizer", "beta_2", "0.9"),
        ("global.loss", "eye_multiplier", "9"),
        ("trainer.original", "color_clahe_chance", "0"),
    ],
)
def test_it_goes_on_bit_for_bit_as_a_run_that_resumes_with_the_option(
    make: Callable[..., Namespace], tmp_path: Path, section: str, option: str, text: str
) -> None:
    with running(make("live")) as trainer:
        steps(trainer, 3)
        old, new = trainer.set_option(option, text)
        assert old != new == trainer.present[option]
        steps(trainer, 3)
        live = [value.detach().numpy().copy() for value in values_of(trainer._model.model)]
    arguments = make("resumed")
    with running(arguments) as trainer:
        steps(trainer, 3)
        trainer._model.save()
    with Path(arguments.configfile).open("a") as file:
        file.write(f"[{section}]\n{option} = {text}\n" if section != "global" else "")
    if section == "global":
        make("resumed", f"{option} = {text}\n")
    with running(arguments) as trainer:
        steps(trainer, 3)
        resumed = [value.detach().numpy() for value in values_of(trainer._model.model)]
    assert len(live) == len(resumed) > 20
    unlike = [
        number
        for number, (one, other) in enumerate(zip(live, resumed, strict=True))
        if one.tobytes() != other.tobytes()
    ]
    # The learning rate is given to each step; the optimizer's own copy of it is never read.
    assert len(unlike) == (option == "learning_rate")


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("learning_rate", "fast", "learning_rate = 'fast': must be a number from 1e-06 to 0.1"),
        ("learning_rate", 5, "must be a number from"),
        ("learning_rate", True, "must be a number from"),
        ("coverage", 80.0, "'coverage' is no option that may change while training"),
        ("nothing", 1, "'nothing' is no option"),
        ("gradient_clipping", "sometimes", "must be one of: norm, global_norm, value, autoclip"),
    ],
)
def test_a_bad_value_is_refused_and_changes_nothing(
    make: Callable[..., Namespace], option: str, value: Any, why: str
) -> None:
    with running(make("live")) as trainer:
        before = dict(trainer.present), trainer._step
        with pytest.raises(FaceswapError, match=why):
            trainer.set_option(option, value)
        assert (dict(trainer.present), trainer._step) == before


def test_a_value_that_the_optimizer_refuses_leaves_all_as_it_was(
    make: Callable[..., Namespace], tmp_path: Path
) -> None:
    arguments = make("live")
    Path(arguments.configfile).write_text("[global]\noptimizer = lion\n")
    with running(arguments) as trainer:
        steps(trainer, 2)
        optimizer = trainer._model.model.optimizer
        with pytest.raises(FaceswapError, match="'lion' needs more than 0"):
            trainer.set_option("beta_1", 0)
        assert trainer.present["beta_1"] == 0.5
        assert trainer._model.model.optimizer.beta_1 == optimizer.beta_1 == 0.5
        steps(trainer, 2)
        trainer._model.save()


def test_what_was_set_is_saved_and_holds_when_the_run_resumes(
    make: Callable[..., Namespace], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arguments = make("live")
    with running(arguments) as trainer:
        steps(trainer, 1)
        trainer.set_option("learning_rate", "1e-5")
        trainer.set_option("color_clahe_chance", 7)
        steps(trainer, 1)
        trainer._model.save()
    state = json.loads((tmp_path / "live" / "noisy_state.json").read_text())
    assert state["sessions"]["1"]["config"]["learning_rate"] == 1e-5
    assert state["config"]["color_clahe_chance"] == 7
    with caplog.at_level("INFO"), running(arguments) as trainer:
        assert trainer.present["learning_rate"] == 1e-5
        assert trainer.defaults["learning_rate"] == 5e-5
        assert trainer.defaults.keys() == trainer.present.keys()
        assert trainer.present["color_clahe_chance"] == 7
    assert [m for m in caplog.messages if "learning_rate" in m] == [
        "Option learning_rate stays 1e-05, to which it was set while training; another value than "
        "5e-05 in train.ini takes its place"
    ]
    make("live", "learning_rate = 3e-5\n")
    with running(arguments) as trainer:
        assert trainer.present["learning_rate"] == 3e-5
        assert trainer.present["color_clahe_chance"] == 7


def test_a_rate_that_is_set_counts_as_it_is_after_a_breakdown(
    make: Callable[..., Namespace],
) -> None:
    with running(make("live")) as trainer:
        steps(trainer, 1)
        trainer._rescue.rate = 0.25
        trainer.set_option("eye_multiplier", 4)
        assert trainer._rescue.rate == 0.25
        trainer.set_option("learning_rate", 1e-5)
        assert trainer._rescue.rate == 1


def test_held_out_scores_and_previews_go_on(make: Callable[..., Namespace]) -> None:
    with running(make("live", "", "--holdout", "0.1", "--evaluate-interval", "2")) as trainer:
        steps(trainer, 2)
        best = trainer._watch.state()
        trainer.set_option("convert_batchsize", 3)
        assert trainer._predictor.batch_size == 3
        assert trainer._watch.state() == best
        shown: list[np.ndarray] = []
        trainer.train_one_step(lambda sheet, _: shown.append(sheet), None)
        assert len(shown) == 1
        steps(trainer, 1)
