"""What several processes settle before they train."""

import json
from argparse import Namespace
from pathlib import Path

import pytest

from lib.checkpoint.store import ModelStore
from lib.errors import FaceswapError
from lib.training.distributed import World
from scripts.together import check_alike, led_by_newest, tell_batch

OPTIONS = Namespace(
    batch_size=4,
    seed=None,
    no_flip=False,
    no_augment_color=False,
    no_warp=False,
    warp_to_landmarks=False,
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


def test_different_models_are_refused_but_not_where_a_folder_may_lag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "gather", lambda *_: [1000, 2500])
    store = ModelStore(str(tmp_path), "tiny")
    with pytest.raises(FaceswapError, match="models of 1,000 and 2,500 iterations on different"):
        led_by_newest(World(0, 2), store)
    assert led_by_newest(World(1, 2, is_restart=True), store).is_first


def test_what_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(World, "share", lambda _, text: said.append(text) or said[0])
    config = {"learning_rate": 5e-5}
    check_alike(World(0, 2), IMAGES, config, OPTIONS)
    elsewhere = {"a": ["/other/1.png", "/other/2.png"], "b": ["/other/1.png"]}
    check_alike(World(1, 2), elsewhere, config, OPTIONS)
    with pytest.raises(
        FaceswapError, match="differs from the first machine in the faces of side A"
    ):
        check_alike(World(1, 2), {**IMAGES, "a": ["/x/1.png"]}, config, OPTIONS)
    other = Namespace(**{**vars(OPTIONS), "batch_size": 5})
    with pytest.raises(FaceswapError, match="in --batch-size, option learning_rate: give"):
        check_alike(World(1, 2), IMAGES, {"learning_rate": 1e-4}, other)
    assert json.loads(said[0])["--batch-size"] == 4


def test_several_say_how_many_faces_an_iteration_takes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        tell_batch(World(), 16, 1)
        tell_batch(World(0, 2), 16, 1)
        tell_batch(World(0, 2), 16, 4)
    assert [record.getMessage().partition("; ")[0] for record in caplog.records] == [
        "2 processes, batch 16 each: 32 faces a side an iteration",
        "2 processes, batch 16 each, 4 batches an iteration: 128 faces a side an iteration",
    ]
