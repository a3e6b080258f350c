"""Each mistake gives one clear line and exit code 1 or 2, and nothing is written or lost."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceswap.cli import main

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"


@pytest.fixture
def run(
    rendered: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run ``faceswap train`` with changed options; give the one line that it complains with."""

    def train(code: int = 1, **changes: str) -> str:
        options = {
            "-A": str(rendered["a"]),
            "-B": str(rendered["b"]),
            "-m": str(tmp_path / "model"),
            "-t": "tiny",
            "-b": "4",
            "-it": "2",
            "--plugin-dir": str(PLUGINS),
        } | {key.replace("_", "-"): value for key, value in changes.items()}
        words = [word for pair in options.items() for word in pair]
        if code == 1:
            assert main(["train", *words]) == 1
        else:
            with pytest.raises(SystemExit, match=str(code)):
                main(["train", *words])
        lines = capfd.readouterr().err.splitlines()
        complaints = [line for line in lines if "error" in line]
        assert len(complaints) == 1, lines
        assert "Traceback" not in "".join(lines)
        return complaints[0]

    return train


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_missing_folder(run: Callable[..., str], tmp_path: Path) -> None:
    assert "nowhere' does not exist" in run(**{"-A": str(tmp_path / "nowhere")})
    assert contents(tmp_path) == {}


def test_an_empty_folder(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty holds no picture" in run(**{"-A": str(tmp_path / "empty")})
    assert not (tmp_path / "model").exists()


def test_a_file_as_folder(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "file is a file" in run(**{"-B": str(tmp_path / "file")})
    assert "is a file" in run(**{"-m": str(tmp_path / "file")})
    assert contents(tmp_path) == {str(tmp_path / "file"): b"x"}


def test_too_few_faces(run: Callable[..., str], rendered: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    for path in sorted(rendered["a"].iterdir())[:5]:
        shutil.copy(path, tmp_path / "few")
    assert "side A has 5 pictures: at least 25" in run(**{"-A": str(tmp_path / "few")})
    assert not (tmp_path / "model").exists()


def test_an_unknown_plugin(run: Callable[..., str], tmp_path: Path) -> None:
    assert "there is no model 'orignal': did you mean 'original'?" in run(**{"-t": "orignal"})
    assert not (tmp_path / "model").exists()


def test_a_model_folder_of_another_plugin(run: Callable[..., str], tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "original.keras").write_bytes(b"precious")
    (model / "original_state.json").write_text("{}")
    before = contents(model)
    assert "holds a model of 'original'" in run()
    assert contents(model) == before


@pytest.mark.parametrize("damaged", ["tiny.keras", "tiny_state.json"])
def test_a_damaged_file(run: Callable[..., str], tmp_path: Path, damaged: str) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / damaged).write_bytes(b"\x00damaged")
    before = contents(model)
    line = run()
    assert f"{damaged}' is damaged" in line
    assert "backup" in line
    assert contents(model) == before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[global]\ncoverage = 20\n", "line 2.*coverage = '20'.*from 62.5 to 100"),
        ("[global]\ncentring = face\n", "line 2.*centering"),
        ("[globe]\n", "line 1.*global"),
        ("[model.tiny]\n\nwidth = many\n", "line 3.*width = 'many'.*whole number"),
    ],
)
def test_a_bad_option(run: Callable[..., str], tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "my.ini"
    file.write_text(text)
    line = run(**{"-C": str(file)})
    assert "my.ini" in line
    assert re.search(why, line), line
    assert contents(tmp_path) == {str(file): text.encode()}


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that none can write")
def test_a_read_only_model_folder(run: Callable[..., str]) -> None:
    assert "'/proc/model' can't be written to" in run(**{"-m": "/proc/model"})


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("-b", "0", "from 1 to 256"),
        ("-b", "x", "from 1 to 256"),
        ("-it", "-1", "from 1 to"),
        ("-ps", "5", "from 10 to 400"),
        ("-L", "LOUD", "choose from"),
    ],
)
def test_an_option_out_of_range(
    run: Callable[..., str], tmp_path: Path, option: str, value: str, allowed: str
) -> None:
    assert allowed in run(code=2, **{option: value})
    assert contents(tmp_path) == {}


def test_half_a_time_lapse(run: Callable[..., str], tmp_path: Path) -> None:
    assert "a time-lapse needs all three" in run(**{"-to": str(tmp_path / "lapse")})
    assert contents(tmp_path) == {}


def test_a_missing_configuration_file(run: Callable[..., str], tmp_path: Path) -> None:
    assert "none.ini" in run(**{"-C": str(tmp_path / "none.ini")})


def test_a_log_file_that_cannot_be_opened(run: Callable[..., str], tmp_path: Path) -> None:
    assert "name another with -LF" in run(**{"-LF": str(tmp_path / "no" / "folder.log")})


def test_an_unexpected_failure_is_one_line_too(
    run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("scripts.checks.find_images", fail)
    assert "unexpected RuntimeError: out of luck" in run()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_what_is_printed_to_a_full_disk_is_told_in_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "faceswap", "plugins"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "faceswap: error: the system says: No space left on device\n",
    )
