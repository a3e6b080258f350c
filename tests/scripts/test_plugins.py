"""``faceswap plugins``: the list, and the check of a user's file."""

import re
from pathlib import Path

import pytest

from faceswap.cli import main

LEAVER = """
from plugins.train.model._base import ModelBase

class Model(ModelBase):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.input_shape = (16, 16, 3)

    def build_model(self, inputs):
        exit()
"""
PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"


def test_a_check_tells_each_promise_and_how_to_train(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "check", str(PLUGINS / "tiny.py")]) == 0
    *promises, last = capsys.readouterr().out.splitlines()
    assert len(promises) == 7
    assert all(line.startswith("ok      ") for line in promises)
    assert last.startswith("'tiny' keeps every promise. Train it: faceswap train -t tiny")


def test_a_broken_promise_ends_the_check_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text("class Model:\n    '''Mine.'''\n")
    assert main(["plugins", "check", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("FAILED  It builds")
    assert said.err.startswith(f"faceswap: error: '{file}' breaks a promise:")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["check"], "plugins check needs a file"),
        (["check", "nowhere.py"], "'nowhere.py' does not exist"),
        (["check", str(PLUGINS)], "is no Python file"),
    ],
)
def test_a_file_is_needed(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugins", *words]) == 1
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("text", [LEAVER, "class Model:\n    pass\n"])
def test_a_plugin_that_leaves_or_is_none_is_a_mistake(
    tmp_path: Path, rendered: dict[str, Path], capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "mine.py").write_text(text)
    faces = ["-A", str(rendered["a"]), "-B", str(rendered["b"]), "-m", str(tmp_path / "model")]
    assert main(["train", *faces, "-t", "mine", "--plugin-dir", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "unexpected" not in said
    assert main(["plugins", "check", str(tmp_path / "mine.py")]) == 1


@pytest.mark.slow
def test_the_list_tells_sizes_parameters_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("tiny", "unequal"):
        (tmp_path / f"{name}.py").write_text((PLUGINS / f"{name}.py").read_text())
    (tmp_path / "broken.py").write_text("def nothing(:\n")
    (tmp_path / "alien.py").write_text("class Model:\n    pass\n")
    (tmp_path / "leaver.py").write_text(LEAVER)
    assert main(["plugins", "--plugin-dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in lines}
    assert re.search(r"^original +64 px +64 px +82,062,470 +built in$", rows["original"])
    assert re.search(r"^unequal +16 px / 32 px +16 px / 32 px ", rows["unequal"])
    assert rows["tiny"].endswith(str(tmp_path / "tiny.py"))
    for name in ("broken", "alien", "leaver"):
        assert "can't be used: " in rows[name]
