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


@pytest.mark.parametrize("kind", loader.KINDS)
def test_every_kind_is_found_in_its_folder(kind: str, tmp_path: Path) -> None:
    wanted = loader.KINDS[kind]
    folder = tmp_path / wanted.theirs
    folder.mkdir(exist_ok=True)
    (folder / "Mine.py").write_text(f"class {wanted.class_name}:\n    kind = '{kind}'\n")
    assert loader.names(kind, str(tmp_path)) == sorted([*loader.names(kind), "mine"])
    assert loader.load(kind, "MINE", str(tmp_path)).kind == kind
    (folder / "other.py").write_text("VALUE = 1\n")
    with pytest.raises(FaceswapError, match=f"defines no class '{wanted.class_name}'"):
        loader.load(kind, "other", str(tmp_path))
    with pytest.raises(FaceswapError, match=f"no {wanted.title} 'mime': did you mean 'mine'"):
        loader.load(kind, "mime", str(tmp_path))


@pytest.mark.parametrize("kind", [kind for kind in loader.KINDS if kind != "model"])
def test_ours_define_the_class_of_their_kind_and_their_names_are_taken(
    kind: str, tmp_path: Path
) -> None:
    (tmp_path / kind).mkdir()
    for name in loader.names(kind):
        assert loader.load(kind, name).__module__.endswith(f"{kind}.{name}")
        (tmp_path / kind / f"{name}.py").write_text("")
        with pytest.raises(FaceswapError, match="rename the file"):
            loader.names(kind, str(tmp_path))
        (tmp_path / kind / f"{name}.py").unlink()


def test_plugins_of_two_kinds_may_share_a_name(tmp_path: Path) -> None:
    for folder, name in (("", "Model"), ("color", "Color"), ("mask", "Mask")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "plain.py").write_text(f"class {name}:\n    pass\n")
    kinds = ("model", "color", "mask")
    found = [loader.load(kind, "plain", str(tmp_path)).__name__ for kind in kinds]
    assert found == ["Model", "Color", "Mask"]


def test_the_sections_of_convert_hold_the_plugins_options(tmp_path: Path) -> None:
    (tmp_path / "scaling").mkdir()
    (tmp_path / "scaling" / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "from lib.config.options import Options as Base, option\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Options(Base):\n"
        "    strength: int = option(1, 'How strong.')\n"
    )
    sections = loader.convert_sections(str(tmp_path))
    assert {"mask", "color.manual_balance", "scaling.unsharp", "scaling.mine"} <= set(sections)
    assert "strength" in sections["scaling.mine"].__dataclass_fields__
    assert "scaling.mine" not in loader.convert_sections()
