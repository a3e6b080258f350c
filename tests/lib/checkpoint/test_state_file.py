"""The state file: strict reading, replacing, backup."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.checkpoint.generations import Generations
from lib.checkpoint.state_file import StateFile
from lib.errors import FaceswapError


def writes(text: str) -> Callable[[Path], None]:
    """Writes a save of this state."""

    def write(folder: Path) -> None:
        (folder / "state.json").write_text(text)
        (folder / "model.keras").write_text("")

    return write


STATE = {"name": "tiny", "sessions": {}, "lowest_avg_loss": {}, "iterations": 3, "config": {}}


def test_a_state_comes_back(tmp_path: Path) -> None:
    file = StateFile(str(tmp_path / "model"), "tiny")
    assert file.load() == {}
    file.save(STATE)
    assert file.load() == STATE


def test_the_newest_save_that_is_whole_comes_before_the_file(tmp_path: Path) -> None:
    file, saves = StateFile(str(tmp_path), "tiny"), Generations(tmp_path, "tiny")
    file.save(STATE)
    for iterations in (7, 8):
        text = json.dumps({**STATE, "iterations": iterations})
        newest = saves.add(iterations, writes(text), back_up=False)
    assert file.load()["iterations"] == 8
    newest.state.write_text("{}")
    assert file.load()["iterations"] == 7


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("[]", "no object"),
        ('{"name": "tiny"}', "'sessions' is missing"),
        (json.dumps({**STATE, "iterations": "3"}), "'iterations' is missing or not int"),
        (json.dumps({**STATE, "sessions": {"x": {}}}), "is no session"),
        (json.dumps({**STATE, "sessions": {"1": None}}), "is no session"),
        (json.dumps({**STATE, "iterations": -5}), "out of range"),
        (json.dumps({**STATE, "lowest_avg_loss": {"a": 1.0}}), "lowest losses"),
        (json.dumps({**STATE, "lowest_avg_loss": {"a": "x", "b": 1}}), "lowest losses"),
        (json.dumps({**STATE, "config": {"x": 0.5}}).replace("0.5", "1e999"), "1e999 is no number"),
        (json.dumps({**STATE, "set": []}), "'set' is not dict"),
        (json.dumps({**STATE, "set": {"x": {"value": 1}}}), "an option that was set is none"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_state_is_named_and_left_alone(tmp_path: Path, text: str, why: str) -> None:
    file = StateFile(str(tmp_path), "tiny")
    file.path.write_text(text)
    with pytest.raises(FaceswapError, match=f"tiny_state.json' is damaged .*{why}.*no backup"):
        file.load()
    file.path.with_name("tiny_state.json.bk").write_text("{}")
    with pytest.raises(FaceswapError, match="restore 'tiny_state.json.bk'"):
        file.load()
    assert file.path.read_text() == text


def test_where_there_are_saves_no_file_is_to_be_copied_by_hand(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny")
    saves.add(1, writes("[]"), back_up=False)
    (tmp_path / "tiny_state.json.bk").write_text("{}")
    with pytest.raises(FaceswapError) as caught:
        StateFile(str(tmp_path), "tiny").load()
    advice = f"it holds no object): faceswap restore -m '{tmp_path}' lists what to go back to"
    assert str(caught.value).endswith(advice)
