"""What is refused, or warned of, before a run begins."""

import logging
from pathlib import Path

import pytest

from lib.errors import FaceswapError
from scripts.arguments import make_parser
from scripts.checks import find_faces, model_to_train


def test_one_folder_for_both_sides_is_warned_of(
    rendered: dict[str, Path], train_arguments, caplog: pytest.LogCaptureFixture
) -> None:
    twice = {"a": rendered["a"], "b": rendered["a"].parent / "." / "a"}
    with caplog.at_level(logging.WARNING):
        assert len(find_faces(train_arguments())["a"]) == 30
        assert not caplog.messages
        find_faces(train_arguments(faces=twice))
    assert caplog.messages == ["-A and -B are the same folder: there is nobody to swap with"]


def test_a_run_goes_on_with_the_model_that_is_there(tmp_path: Path) -> None:
    def trained(*more: str) -> str:
        words = ["train", "-A", "a", "-B", "b", "-m", str(tmp_path / "model"), *more]
        return model_to_train(make_parser().parse_args(words))

    assert trained() == "original"
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "tiny_state.json").write_text("{}")
    assert trained() == "tiny"
    assert trained("-t", "original") == "original"
    (tmp_path / "model" / "compact.keras").write_bytes(b"")
    with pytest.raises(FaceswapError, match="holds models of 'compact' and of 'tiny'"):
        trained()
