"""Finding plugins."""

import sys
from pathlib import Path

import pytest

from lib.errors import FaceswapError
from plugins import loader

PLUGIN = "class Model:\n    pass\n"


def test_ours_are_found_without_importing_them() -> None:
    assert {"original", "compact"} <= set(loader.model_names())
    assert loader.trainer_names() == ["original"]


def test_a_file_in_the_users_folder_is_a_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Mine.py").write_text(PLUGIN)
    (tmp_path / "_helper.py").write_text("")
    assert "mine" in loader.model_names(str(tmp_path))
    assert "mine" not in loader.model_names()
    monkeypatch.setenv(loader.PLUGIN_DIR_VARIABLE, str(tmp_path))
    assert "mine" in loader.model_names()
    model = loader.load_model("mine")
    assert model.__name__ == "Model"
    assert loader.load_model("mine") is model


def test_a_folder_that_is_none_is_named() -> None:
    with pytest.raises(FaceswapError, match="'nowhere' is no folder: --plugin-dir"):
        loader.model_names("nowhere")


def test_a_plugin_may_not_take_the_name_of_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / "original.py").write_text(PLUGIN)
    with pytest.raises(FaceswapError, match="rename the file"):
        loader.model_names(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "hint"),
    [("orignal", "did you mean 'original'"), ("zzz", "there are compact, orig.*--plugin-dir")],
)
def test_an_unknown_plugin_is_an_error_that_suggests_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(FaceswapError, match=hint):
        loader.load_model(name)


def test_an_unknown_trainer_is_an_error() -> None:
    with pytest.raises(FaceswapError, match="there is no trainer 'other': original"):
        loader.load_trainer("other")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import nothing_of_that_name\n", "can't be imported: ModuleNotFoundError"),
        ("def broken(:\n", "can't be imported: SyntaxError"),
        ("VALUE = 1\n", "defines no class 'Model'"),
    ],
)
def test_a_faulty_plugin_file_is_named(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "faulty.py").write_text(text)
    with pytest.raises(FaceswapError, match=rf"faulty\.py' {why}"):
        loader.load_model("faulty", str(tmp_path))
    sys.modules.pop("faceswap_user_plugins.faulty", None)


def test_a_faulty_plugin_does_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "faulty.py").write_text("def broken(:\n")
    assert "model.compact" in loader.option_sections(str(tmp_path))
    assert "faulty.py' can't be imported" in caplog.messages[0]


def test_the_sections_of_the_ini_hold_the_plugins_options() -> None:
    sections = loader.option_sections()
    assert list(sections)[:4] == ["global", "global.optimizer", "global.loss", "trainer.original"]
    assert "lowmem" in sections["model.original"].__dataclass_fields__


@pytest.mark.parametrize("options", ["Options = 5", "class Options:\n    width: int = 8"])
def test_options_that_are_none_do_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, options: str
) -> None:
    (tmp_path / "odd.py").write_text(options)
    sections = loader.option_sections(str(tmp_path))
    assert "model.compact" in sections
    assert "model.odd" not in sections
    assert "Passed over: Options of" in caplog.messages[0]
