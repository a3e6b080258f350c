from pathlib import Path

import pytest

from lib.config.convert import CONVERT, MaskOptions
from lib.config.ini import default_path, load, render
from lib.config.options import Option, fields_of
from lib.errors import FaceswapError
from plugins import loader

SECTIONS = loader.convert_sections()
EVERY = [
    pytest.param(section, known, id=f"{section}.{known.name}")
    for section, cls in SECTIONS.items()
    for known in fields_of(cls)
]


def test_defaults() -> None:
    assert vars(MaskOptions()) == {"erosion": 5, "blur": 20}


@pytest.fixture
def user_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in the user's configuration folder; the working folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lib.config.ini.user_config_path", lambda name: tmp_path / "user" / name)
    return tmp_path / "user" / "faceswap" / "convert.ini"


def test_the_file_is_one_of_its_own(user_path: Path, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "train.ini").write_text("[global]\ncoverage = 80\n")
    assert default_path(kind=CONVERT) == user_path
    assert load(None, SECTIONS, CONVERT) == {name: cls() for name, cls in SECTIONS.items()}
    text = user_path.read_text(encoding="utf-8")
    assert text == render(SECTIONS, kind=CONVERT)
    assert text.startswith("# The options of convert.")
    assert "training" not in text.partition("[mask]")[0]
    local = tmp_path / "config" / "convert.ini"
    local.write_text("[mask]\nblur = 7\n")
    assert default_path(kind=CONVERT).resolve() == local
    assert load(None, SECTIONS, CONVERT)["mask"] == MaskOptions(blur=7)


def test_a_file_that_is_not_there_says_how_to_get_one(user_path: Path) -> None:
    with pytest.raises(FaceswapError, match="there is no such file; .*convert.ini$"):
        load("absent.ini", SECTIONS, CONVERT)
    assert not user_path.exists()


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("color.mine", None),
        ("writer.some_other_kind", None),
        ("color.manual_balence", "did you mean color.manual_balance"),
        ("model.original", "no such section"),
        ("global", "no such section"),
    ],
)
def test_only_plugins_of_convert_may_be_out_of_sight(
    tmp_path: Path, section: str, problem: str | None
) -> None:
    file = tmp_path / "my.ini"
    file.write_text(f"[{section}]\nwidth = 8\n")
    if problem is None:
        assert load(file, SECTIONS, CONVERT)["mask"] == MaskOptions()
    else:
        with pytest.raises(FaceswapError, match=problem):
            load(file, SECTIONS, CONVERT)


@pytest.mark.parametrize(("section", "known"), EVERY)
def test_every_option_has_a_range_and_whole_sentences_of_help(section: str, known: Option) -> None:
    if known.choices is None and known.type in (int, float):
        assert known.minimum is not None
        assert known.maximum is not None
    assert known.help.endswith(".")
    assert len(known.help.split()) >= 10
    assert "  " not in known.help


@pytest.mark.parametrize(("name", "low", "high"), [("erosion", -25, 25), ("blur", 0, 50)])
def test_ranges_include_their_ends_and_no_more(name: str, low: float, high: float) -> None:
    for value in (low, high):
        assert getattr(MaskOptions(**{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(FaceswapError, match=f"^{name} = .* from "):
            MaskOptions(**{name: value})
