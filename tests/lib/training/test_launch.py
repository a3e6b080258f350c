"""What processes tell the command that started them."""

from pathlib import Path

import pytest

from lib.training import launch


def test_an_exit_code_is_told_where_the_command_wants_to_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(launch.EXIT_CODE_FILE, raising=False)
    assert not launch.tell_exit_code(3)
    monkeypatch.setenv(launch.EXIT_CODE_FILE, str(tmp_path / "code"))
    assert launch.tell_exit_code(3)
    assert (tmp_path / "code").read_text() == "3"


def test_one_that_can_not_be_told_is_left_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(launch.EXIT_CODE_FILE, str(tmp_path / "gone" / "code"))
    assert not launch.tell_exit_code(3)


@pytest.mark.parametrize(("told", "code"), [("4", 4), (None, 1)])
def test_the_code_that_was_told_counts_before_that_of_torchrun(
    told: str | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_all(words: list[str], count: int, environment: dict[str, str]) -> int:
        assert (words, count) == (["train"], 2)
        if told:
            Path(environment[launch.EXIT_CODE_FILE]).write_text(told)
        return 1

    monkeypatch.setattr(launch, "_run_all", run_all)
    assert launch.launch(["train"], 2) == code
