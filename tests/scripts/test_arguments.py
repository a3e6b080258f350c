"""Options of the command line: required ones, switches, ranges, and those of every command."""

from argparse import Namespace

import pytest

from scripts.arguments import COMMANDS, make_parser

FOLDERS = {"-A": "--input-A", "-B": "--input-B", "-m": "--model-dir"}
REQUIRED = ["train", "-A", "a", "-B", "b", "-m", "m"]


def parse(*more: str) -> Namespace:
    return make_parser().parse_args([*REQUIRED, *more])


@pytest.mark.parametrize("short", FOLDERS)
def test_the_folders_are_required_under_either_spelling(
    short: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = dict(zip(FOLDERS, ["input_a", "input_b", "model_dir"], strict=True))
    words = [word for key in FOLDERS if key != short for word in (key, "x")]
    for spelling in (short, FOLDERS[short]):
        parsed = make_parser().parse_args(["train", *words, spelling, "here"])
        assert getattr(parsed, names[short]) == "here"
    with pytest.raises(SystemExit, match="2"):
        make_parser().parse_args(["train", *words])
    assert FOLDERS[short] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("freeze_weights", ["-f", "--freeze-weights"]),
        ("distributed", ["-d", "--distributed"]),
        ("warp_to_landmarks", ["-M", "-wl", "--warp-to-landmarks"]),
    ],
)
def test_switches_are_off_until_they_are_given(name: str, spellings: list[str]) -> None:
    assert getattr(parse(), name) is False
    for spelling in spellings:
        assert getattr(parse(spelling), name) is True


@pytest.mark.parametrize("spelling", ["-l", "--load-weights"])
def test_weights_are_loaded_from_nowhere_unless_a_model_is_named(spelling: str) -> None:
    assert parse().load_weights is None
    assert parse(spelling, "other").load_weights == "other"


@pytest.mark.parametrize("spelling", ["-X", "--exclude-gpus"])
def test_several_gpus_may_be_left_out(spelling: str) -> None:
    assert parse().exclude_gpus == []
    assert parse(spelling, "0", "2").exclude_gpus == [0, 2]


def test_a_time_lapse_is_off_until_it_is_asked_for() -> None:
    parsed = parse()
    assert parsed.timelapse_input_a is parsed.timelapse_input_b is parsed.timelapse_output is None


@pytest.mark.parametrize(
    ("option", "allowed", "refused"),
    [
        ("-b", ["1", "256"], ["0", "257"]),
        ("-i", ["1", "2,000,000"], ["0", "1.5"]),
        ("-s", ["1"], ["0"]),
        ("-I", ["0"], ["-1"]),
        ("-ps", ["10", "400"], ["9", "401"]),
        ("-X", ["0"], ["-1", "x"]),
        ("--holdout", ["0.01", "0.5"], ["0", "0.6", "x"]),
    ],
)
def test_numbers_are_checked(option: str, allowed: list[str], refused: list[str]) -> None:
    for text in allowed:
        parse(option, text)
    for text in refused:
        with pytest.raises(SystemExit, match="2"):
            parse(option, text)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_every_command(command: str) -> None:
    required = {"train": REQUIRED[1:], "evaluate": REQUIRED[1:], "render": ["-o", "x"]}
    required |= {"restore": ["-m", "x"], "extract": ["-i", "x", "-o", "y"]}
    required["convert"] = ["-i", "x", "-o", "y", "-m", "z"]
    required |= {"status": ["m"], "control": ["m", "save"], "runs": ["m", "n"]}
    required["page"] = ["-m", "x"]
    everywhere = ["-C", "my.ini", "-L", "DEBUG", "-F", "log", "-X", "1"]
    parsed = make_parser().parse_args([command, *required.get(command, []), *everywhere])
    assert (parsed.configfile, parsed.loglevel, parsed.logfile) == ("my.ini", "DEBUG", "log")
    assert parsed.exclude_gpus == [1]
