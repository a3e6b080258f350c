"""What several processes settle before they train."""

import argparse
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.checkpoint.store import ModelStore
from lib.config.options import merged
from lib.config.train import TrainerOptions
from lib.errors import FaceswapError
from lib.training.distributed import World
from scripts.arguments import make_parser
from scripts.together import (
    check_alike,
    check_options,
    led_by_newest,
    tell_batch,
    trainer_options,
)

IMAGES = {"a": ["/x/1.png", "/x/2.png"], "b": ["/y/1.png"]}


@pytest.mark.parametrize(
    ("found", "ranks"),
    [([-1, -1, -1], [0, 1, 2]), ([-1, 7, -1], [2, 0, 1]), ([7, 7, 7], [0, 1, 2])],
)
def test_the_one_that_holds_the_model_is_first(
    found: list[int], ranks: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "gather", lambda *_: found)
    store = ModelStore(str(tmp_path), "tiny")
    assert [led_by_newest(World(rank, 3), store).rank for rank in range(3)] == ranks


def gathered(monkeypatch: pytest.MonkeyPatch, iterations: list[int], digests: list[int]) -> None:
    answers = itertools.cycle([iterations, digests])
    monkeypatch.setattr(World, "gather", lambda *_: next(answers))


def test_different_models_are_refused_but_not_where_a_folder_may_lag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered(monkeypatch, [1000, 2500], [1, 2])
    store = ModelStore(str(tmp_path), "tiny")
    with pytest.raises(
        FaceswapError, match="different models on different machines, of 1,000 and 2,500 iter"
    ):
        led_by_newest(World(0, 2), store)
    assert led_by_newest(World(1, 2, is_restart=True), store).is_first


def test_different_models_of_as_many_iterations_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered(monkeypatch, [-1, 10000, 10000], [-1, 5, 6])
    store = ModelStore(str(tmp_path), "tiny")
    for rank in range(3):
        with pytest.raises(FaceswapError, match="of 10,000 and 10,000 iterations: keep"):
            led_by_newest(World(rank, 3), store)
    gathered(monkeypatch, [-1, 10000, 10000], [-1, 5, 5])
    assert led_by_newest(World(1, 3), store).is_first


def test_a_model_that_cannot_be_read_differs_from_none_of_as_many_iterations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(str(tmp_path), "tiny")
    gathered(monkeypatch, [7, -1, 7], [-1, -1, 5])
    assert [led_by_newest(World(rank, 3), store).rank for rank in range(3)] == [1, 2, 0]
    gathered(monkeypatch, [7, -1, 7], [-1, -1, -1])
    assert led_by_newest(World(0, 3), store).is_first
    gathered(monkeypatch, [7, 9, -1], [-1, 5, -1])
    with pytest.raises(FaceswapError, match="of 7 and 9 iterations"):
        led_by_newest(World(0, 3), store)
    gathered(monkeypatch, [7, 7, 7], [4, -1, 5])
    with pytest.raises(FaceswapError, match="of 7 and 7 iterations"):
        led_by_newest(World(0, 3), store)


Told = Callable[[Callable[[World], None]], None]


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Lets the first process say something; after that every process hears it."""
    said: list[str] = []
    monkeypatch.setattr(World, "share", lambda _, text: said.append(text) or said[0])

    def speak(say: Callable[[World], None]) -> None:
        said.clear()
        say(World(0, 2))

    return speak


def test_what_differs_is_named(first: Told) -> None:
    config = {"learning_rate": 5e-5, "mixed_precision": None}
    first(lambda world: check_alike(world, IMAGES, config))
    elsewhere = {"a": ["/other/1.png", "/other/2.png"], "b": ["/other/1.png"]}
    check_alike(World(1, 2), elsewhere, config)
    with pytest.raises(
        FaceswapError, match="differs from the first machine in the faces of side A"
    ):
        check_alike(World(1, 2), {**IMAGES, "a": ["/x/1.png"]}, config)
    with pytest.raises(FaceswapError, match="in option learning_rate: give"):
        check_alike(World(1, 2), IMAGES, {**config, "learning_rate": 1e-4})
    with pytest.raises(FaceswapError, match="in option of_another_plugin: give"):
        check_alike(World(1, 2), IMAGES, {**config, "of_another_plugin": 1})


MAY_DIFFER = {
    *("-A", "-B", "-m", "-C", "-L", "-LF", "-X", "--plugin-dir"),
    *("--timelapse-input-A", "--timelapse-input-B", "-h"),
}
"""Options of where files are, of what is said, and of the GPUs of a machine."""
GIVEN = ["train", "-A", "a", "-B", "b", "-m", "model"]


def every_option() -> list[argparse.Action]:
    commands = next(action for action in make_parser()._actions if isinstance(action.choices, dict))
    assert isinstance(commands.choices, dict)
    return list(commands.choices["train"]._actions)


def other_value(action: argparse.Action) -> list[str]:
    if action.nargs == 0:
        return []
    if action.choices:
        return ["DEBUG"]
    convert = action.type if callable(action.type) else str
    return [next(text for text in ("0.25", "77") if is_value(convert, text))]


def is_value(convert: Callable[[str], object], text: str) -> bool:
    try:
        convert(text)
    except argparse.ArgumentTypeError:
        return False
    return True


@pytest.mark.parametrize("action", every_option(), ids=lambda action: action.option_strings[-1])
def test_every_option_that_is_another_is_refused_by_its_name(
    action: argparse.Action, first: Told
) -> None:
    if "-h" in action.option_strings:
        return
    words = [*GIVEN, action.option_strings[-1], *other_value(action)]
    options, other = (make_parser().parse_args(given) for given in (GIVEN, words))
    first(lambda world: check_options(world, options))
    check_options(World(1, 2), options)
    if MAY_DIFFER & set(action.option_strings):
        check_options(World(1, 2), other)
        return
    with pytest.raises(FaceswapError) as caught:
        check_options(World(1, 2), other)
    named = str(caught.value).partition("machine in ")[2].partition(":")[0]
    assert named in action.option_strings


def test_places_may_differ_where_all_have_one(first: Told) -> None:
    here, there = (
        make_parser().parse_args([*GIVEN, "-l", f"{place}/model", "-to", f"{place}/pictures"])
        for place in ("here", "there")
    )
    first(lambda world: check_options(world, here))
    check_options(World(1, 2), there)


def test_the_options_of_the_trainer_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "train.ini"
    path.write_text("[trainer.original]\nzoom_amount = 9\n")
    found = trainer_options(make_parser().parse_args([*GIVEN, "-C", str(path)]), {})
    assert found == {**merged([TrainerOptions()]), "zoom_amount": 9}


def test_of_a_model_that_is_begun_options_hold_that_cannot_change(tmp_path: Path) -> None:
    path = tmp_path / "train.ini"
    path.write_text("[trainer.original]\nzoom_amount = 9\ncolor_clahe_chance = 10\n")
    stored = {"zoom_amount": 3, "color_clahe_chance": 20, "learning_rate": 1e-4}
    found = trainer_options(make_parser().parse_args([*GIVEN, "-C", str(path)]), stored)
    may_change = {"color_clahe_chance": 10}
    assert found == {**merged([TrainerOptions()]), "zoom_amount": 3, **may_change}


def test_several_say_how_many_faces_an_iteration_takes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        tell_batch(World(), 16, 1)
        tell_batch(World(0, 2), 16, 1)
        tell_batch(World(0, 2), 16, 4)
    assert [record.getMessage().partition("; ")[0] for record in caplog.records] == [
        "2 processes, batch 16 each: 32 faces a side an iteration",
        "2 processes, batch 16 each, 4 batches an iteration: 128 faces a side an iteration",
    ]
