"""The command line."""

from pathlib import Path

import pytest

from faceswap import __version__
from faceswap.cli import main
from lib.errors import ToldElsewhereError
from scripts.arguments import make_parser

REQUIRED = ["train", "-A", "a", "-B", "b", "-m", "m"]

SPELLINGS = [
    ("trainer", "compact", ["-t", "--trainer"]),
    ("batch_size", "8", ["-b", "-bs", "--batch-size"]),
    ("iterations", "1,000", ["-i", "-it", "--iterations"]),
    ("save_interval", "9", ["-s", "--save-interval"]),
    ("snapshot_interval", "0", ["-I", "-ss", "--snapshot-interval"]),
    ("timelapse_input_a", "x", ["-x", "-tia", "--timelapse-input-A"]),
    ("timelapse_input_b", "y", ["-y", "-tib", "--timelapse-input-B"]),
    ("timelapse_output", "z", ["-z", "-to", "--timelapse-output"]),
    ("preview_scale", "50", ["-ps", "--preview-scale"]),
    ("configfile", "c.ini", ["-C", "--configfile"]),
    ("loglevel", "verbose", ["-L", "--loglevel"]),
    ("logfile", "log", ["-LF", "-F", "--logfile"]),
]
SWITCHES = [
    ("no_logs", ["-n", "-nl", "--no-logs"]),
    ("preview", ["-p", "--preview"]),
    ("write_image", ["-w", "--write-image"]),
    ("summary", ["-u", "-su", "--summary"]),
    ("no_flip", ["-P", "-nf", "--no-flip"]),
    ("no_augment_color", ["-c", "-nac", "--no-augment-color"]),
    ("no_warp", ["-W", "-nw", "--no-warp"]),
]


@pytest.mark.parametrize(
    ("name", "value", "spelling"),
    [(name, value, s) for name, value, spellings in SPELLINGS for s in spellings],
)
def test_every_spelling_sets_the_option(name: str, value: str, spelling: str) -> None:
    parsed = getattr(make_parser().parse_args([*REQUIRED, spelling, value]), name)
    assert str(parsed) == value.replace(",", "").replace("verbose", "VERBOSE")


@pytest.mark.parametrize(
    ("name", "spelling"), [(name, s) for name, spellings in SWITCHES for s in spellings]
)
def test_every_spelling_sets_the_switch(name: str, spelling: str) -> None:
    assert getattr(make_parser().parse_args(REQUIRED), name) is False
    assert getattr(make_parser().parse_args([*REQUIRED, spelling]), name) is True


def test_the_defaults_are_the_documented_ones() -> None:
    parsed = vars(make_parser().parse_args(REQUIRED))
    expected = {
        "trainer": "original",
        "batch_size": 16,
        "iterations": 1_000_000,
        "save_interval": 250,
        "snapshot_interval": 25_000,
        "preview_scale": 100,
    }
    assert {name: parsed[name] for name in expected} == expected


def test_wrong_usage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train"])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("faceswap train: error: ")
    assert line.endswith("(see faceswap train --help)")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"faceswap {__version__}\n"


def test_an_interruption_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("faceswap.cli.make_parser", interrupt)
    assert main([]) == 130
    assert capsys.readouterr().err == "faceswap: error: interrupted\n"


def test_what_another_process_has_told_is_not_told_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(*_: object) -> None:
        raise ToldElsewhereError(3)

    monkeypatch.setattr("faceswap.cli.make_parser", leave)
    assert main([]) == 3
    assert capsys.readouterr() == ("", "")


def test_a_traceback_is_shown_at_debug_level(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "-A", str(tmp_path / "none"), "-B", "b", "-m", "m", "-L", "DEBUG"]
    assert main(words) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("faceswap: error: ")


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"]])
def test_help_says_how_the_command_is_used(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(words)
    assert "usage: faceswap" in capsys.readouterr().out


def test_help_explains_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["train", "--help"])
    text = capsys.readouterr().out
    for _, _, spellings in SPELLINGS:
        assert all(spelling in text for spelling in spellings)
    assert "agreed" in text
