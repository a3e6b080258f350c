"""The state file: strict reading, replacing, backup."""

import json
from pathlib import Path

import pytest

from lib.checkpoint.state_file import StateFile
from lib.errors import FaceswapError

STATE = {"name": "tiny", "sessions": {}, "lowest_avg_loss": {}, "iterations": 3, "config": {}}


def test_a_state_comes_back_and_the_old_one_is_kept_when_asked(tmp_path: Path) -> None:
    file = StateFile(str(tmp_path / "model"), "tiny")
    assert file.load() == {}
    file.save(STATE, back_up=True)
    assert file.load() == STATE
    assert not file.backup.exists()
    file.save({**STATE, "iterations": 4}, back_up=True)
    file.save({**STATE, "iterations": 5}, back_up=False)
    assert file.load()["iterations"] == 5
    assert json.loads(file.backup.read_text())["iterations"] == 3


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
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_state_is_named_and_left_alone(tmp_path: Path, text: str, why: str) -> None:
    file = StateFile(str(tmp_path), "tiny")
    file.path.write_text(text)
    with pytest.raises(FaceswapError, match=f"tiny_state.json' is damaged .*{why}.*no backup"):
        file.load()
    file.backup.write_text("{}")
    with pytest.raises(FaceswapError, match="restore 'tiny_state.json.bk'"):
        file.load()
    assert file.path.read_text() == text
