"""What a run writes, viewers read; what they ask, it takes once and in order."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.live.asks import Ask, Asks, ask
from lib.live.samples import FILE, SideFaces, read_samples, write_samples
from lib.live.status import Status, live_folder, read_status, write_status


def test_a_status_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = live_folder(tmp_path, "compact")
    assert read_status(folder) is None
    status = Status(
        state="training", plugin="compact", iteration=30, next_save=50, end=100, rate=4.0
    )
    write_status(folder, status)
    assert read_status(folder) == status
    assert (status.seconds_to_save, status.seconds_to_end) == (5.0, 17.5)


def test_a_later_programs_status_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text('{"state": "stopped", "plugin": "x", "colour": "green"}')
    assert read_status(tmp_path) == Status(state="stopped", plugin="x")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"state": "training"}', "[" * 3000])
def test_a_damaged_status_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)
    with pytest.raises(FaceswapError, match="is no run's status"):
        read_status(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("state", []), ("iteration", "7"), ("end", None), ("iteration", True), ("end", 1e6)),
        *(("changed", math.nan), ("started", 1e30), ("rate", "fast"), ("options", [1])),
    ],
)
def test_a_status_of_other_kinds_is_told(tmp_path: Path, name: str, value: object) -> None:
    held = {"state": "training", "plugin": "x", name: value}
    (tmp_path / "status.json").write_text(json.dumps(held))
    with pytest.raises(FaceswapError, match=f"is no run's status: its '{name}' is none"):
        read_status(tmp_path)


def test_asks_are_taken_once_in_order(tmp_path: Path) -> None:
    box = Asks(tmp_path)
    assert box.take() == []
    ask(tmp_path, "save", "a test")
    ask(tmp_path, "set", "a test", "learning_rate", 1e-5)
    ask(tmp_path, "stop", "a test")
    first, second, third = box.take()
    assert (first.action, third.action) == ("save", "stop")
    assert second == Ask(action="set", option="learning_rate", value=1e-5, by="a test")
    assert box.take() == []
    ask(tmp_path, "save", "a test")
    box.clear()
    assert box.take() == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{",
            "[1]",
            '{"action": "format"}',
            '{"action": "set", "value": [1]}',
            "x" * 10_000,
            "[" * 3000,
        ),
        *('{"action": "set", "option": "a b"}', r'{"action": "save", "by": "two\nlines"}'),
    ],
)
def test_what_is_no_ask_is_dropped_with_a_word(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "asks").mkdir()
    (tmp_path / "asks/1.json").write_text(text)
    assert Asks(tmp_path).take() == []
    assert "asks for nothing that is known" in caplog.text
    assert list((tmp_path / "asks").iterdir()) == []


def test_a_name_can_be_taken_again_once_its_ask_is_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box, path = Asks(tmp_path), tmp_path / "asks/my\nsave.json"
    path.parent.mkdir()
    path.write_text("{")
    assert box.take() == []
    assert len(caplog.messages[0].splitlines()) == 1
    path.write_text('{"action": "save"}')
    assert box.take() == [Ask(action="save")]


def test_nothing_is_removed_through_a_link(tmp_path: Path) -> None:
    other, live = tmp_path / "other", tmp_path / "live"
    other.mkdir()
    live.mkdir()
    (other / "mine.json").write_text('{"action": "stop"}')
    (live / "asks").symlink_to(other)
    Asks(live).clear()
    assert Asks(live).take() == []
    assert (other / "mine.json").exists()


@pytest.mark.parametrize(("option", "value"), [("learning rate", 1), ("learning_rate", "1" * 5000)])
def test_what_no_run_would_take_is_not_asked(tmp_path: Path, option: str, value: object) -> None:
    with pytest.raises(FaceswapError, match="no run takes that"):
        ask(tmp_path, "set", "a test", option, value)
    assert not (tmp_path / "asks").exists()


def test_unknown_actions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FaceswapError, match="can't 'dance'"):
        ask(tmp_path, "dance", "a test")


def test_faces_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_samples(tmp_path) is None
    random = np.random.default_rng(0)

    def faces() -> SideFaces:
        pictures = random.integers(0, 256, (3, 2, 8, 8, 3), np.uint8)
        masks = random.integers(0, 256, (2, 8, 8), np.uint8)
        return SideFaces(originals=pictures[0], same=pictures[1], swapped=pictures[2], masks=masks)

    sides = {"a": faces(), "b": faces()}
    write_samples(tmp_path, 12, sides)
    found = read_samples(tmp_path)
    assert found is not None
    assert found[0] == 12
    for side in "ab":
        for name, value in vars(sides[side]).items():
            np.testing.assert_array_equal(getattr(found[1][side], name), value)
    (tmp_path / FILE).write_bytes(json.dumps({}).encode())
    with pytest.raises(FaceswapError, match="holds no preview"):
        read_samples(tmp_path)


def test_a_damaged_preview_is_told(tmp_path: Path) -> None:
    faces = np.zeros((2, 8, 8, 3), np.uint8)
    arrays = {f"{side}_{name}": faces for side in "ab" for name in SideFaces.__annotations__}
    np.savez(tmp_path / FILE, iteration=1, **arrays)  # masks have no channels
    whole = (tmp_path / FILE).read_bytes()
    for damaged in (whole, whole[:1000], b"", b"\x93NUMPY"):
        (tmp_path / FILE).write_bytes(damaged)
        with pytest.raises(FaceswapError, match="holds no preview"):
            read_samples(tmp_path)
    np.save(tmp_path / "one.npy", faces)
    (tmp_path / "one.npy").rename(tmp_path / FILE)
    with pytest.raises(FaceswapError, match="holds no preview"):
        read_samples(tmp_path)
