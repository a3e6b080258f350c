"""The faces of a trainer: cut as the options say, and those of a time-lapse."""

import os
import shutil
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lib.align.geometry import face_edge
from lib.data.faceset import Cut
from lib.data.files import find_images
from lib.errors import FaceswapError, ToldElsewhereError
from lib.training.distributed import World
from plugins import loader
from plugins.train.trainer import _faces
from plugins.train.trainer._faces import Faces

MakeArguments = Callable[..., Namespace]


def make_faces(arguments: Namespace) -> Faces:
    plugin = loader.load_model(arguments.trainer, arguments.plugin_dir)
    model = plugin(arguments.model_dir, arguments)
    model.build()
    images = {side: find_images(getattr(arguments, f"input_{side}")) for side in "ab"}
    return Faces(model, images, arguments.batch_size)


def test_faces_are_cut_as_the_options_say(
    train_arguments: MakeArguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts: list[Cut] = []
    load = _faces.load_faces

    def noted(paths: Any, cut: Cut, label: str) -> Any:
        cuts.append(cut)
        return load(paths, cut, label)

    monkeypatch.setattr(_faces, "load_faces", noted)
    ini = tmp_path / "train.ini"
    ini.write_text(
        "[global]\ncentering = legacy\ncoverage = 80\n[global.loss]\nmask_type = components\n"
        "mask_blur_kernel = 7\nmask_threshold = 30\nmask_dilation = 2\n"
    )
    faces = make_faces(train_arguments("-C", str(ini)))
    expected = Cut(face_edge(16, 0.8), "legacy", "components", 7, 30, mask_dilation=2)
    assert cuts == [expected, expected]
    assert {side: found.size for side, found in faces.trained.items()} == {"a": 20, "b": 20}


def test_each_side_is_cut_for_the_largest_picture_that_it_needs(
    train_arguments: MakeArguments,
) -> None:
    found = make_faces(train_arguments(model="unequal")).trained
    sizes = {side: faces.size for side, faces in found.items()}
    assert sizes == {"a": face_edge(16, 0.6875), "b": face_edge(32, 0.6875)}


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the first of several processes has told the others of how it fared."""
    told = ["0"]
    monkeypatch.setattr(World, "share", lambda *_: told[-1])
    return told


def test_faces_held_out_are_for_the_first_of_several_processes_alone(
    train_arguments: MakeArguments, shared: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels: list[str] = []
    load = _faces.load_faces

    def noted(paths: Any, cut: Cut, label: str) -> Any:
        labels.append(label)
        return load(paths, cut, label)

    monkeypatch.setattr(_faces, "load_faces", noted)
    arguments = train_arguments("--holdout", "0.1", "--allow-few")
    arguments.world = World(0, 2)
    first = make_faces(arguments)
    assert [len(first.held_out[side]) for side in "ab"] == [3, 3]
    assert [len(first.scored[side]) for side in "ab"] == [3, 3]
    labels.clear()
    arguments.world = World(1, 2)
    second = make_faces(arguments)
    assert labels == ["Side A", "Side B"]
    assert (second.held_out, second.scored) == ({}, {})
    for side in "ab":
        assert second.trained[side].paths == first.trained[side].paths


def test_the_others_hear_that_the_faces_held_out_are_of_no_use(
    train_arguments: MakeArguments, shared: list[str]
) -> None:
    arguments = train_arguments("--holdout", "0.1", "--allow-few")
    arguments.world = World(1, 2)
    shared.append("1")
    with pytest.raises(ToldElsewhereError):
        make_faces(arguments)


def test_the_first_of_several_processes_alone_tells_of_other_faces(
    train_arguments: MakeArguments, shared: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    others = {side: {"count": 1, "plain": 0, "digests": ["0"]} for side in "ab"}
    told = []
    for rank in (0, 1):
        arguments = train_arguments()
        arguments.world = World(rank, 2)
        faces = make_faces(arguments)
        caplog.clear()
        faces.tell_if_others(others)
        told.append(len(caplog.messages))
    assert told == [2, 0]


def test_a_time_lapse_takes_the_first_faces_by_name(
    train_arguments: MakeArguments, rendered: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "lapse"
    folder.mkdir()
    pictures = sorted(rendered["a"].iterdir())
    for name, picture in zip(["c", "a", "d", "b"], pictures, strict=False):
        shutil.copy(picture, folder / f"{name}.png")
    folders = {"a": str(folder), "b": str(rendered["b"])}
    lapse = make_faces(train_arguments()).load_timelapse(folders, 3)
    assert [Path(path).name for path in lapse["a"].paths] == ["a.png", "b.png", "c.png"]
    assert len(lapse["b"]) == 3


def test_bad_faces_of_a_time_lapse_give_way_to_the_next(
    train_arguments: MakeArguments, rendered: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "lapse"
    shutil.copytree(rendered["a"], folder)
    for index in range(7):
        (folder / f"0{index}.png").touch()
    faces = make_faces(train_arguments())
    lapse = faces.load_timelapse({"a": str(folder), "b": str(rendered["b"])}, 3)
    expected = [path.name for path in sorted(rendered["a"].iterdir())[:3]]
    assert [Path(path).name for path in lapse["a"].paths] == expected
    for path in folder.iterdir():
        path.write_bytes(b"?")
    with pytest.raises(FaceswapError, match="Time-lapse A: no face can be used, such as .*00.png"):
        faces.load_timelapse({"a": str(folder)}, 3)


@pytest.fixture
def copied(rendered: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Folders of the faces that a test may spoil."""
    folders = {side: tmp_path / "faces" / side for side in "ab"}
    for side, folder in folders.items():
        shutil.copytree(rendered[side], folder)
    return folders


def names(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_one_report_names_the_files_left_out_of_both_sides(
    train_arguments: MakeArguments, copied: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    first = names(copied["a"])[0]
    shutil.copy(first, copied["a"] / "0twin.png")
    (copied["b"] / "empty.png").touch()
    (copied["b"] / "z_held_out.png").write_bytes(b"?")
    trained = names(copied["b"])[3]  # and its twin would be held out
    shutil.copy(trained, copied["b"] / "z_twin.png")
    arguments = train_arguments("--holdout", "0.1", "--allow-few", faces=copied)
    model = Path(arguments.model_dir)
    model.mkdir()
    for side in "ab":
        (model / f"tiny_left_out_{side}.txt").write_text("old")
    faces = make_faces(arguments)
    assert [len(faces.held_out[side]) for side in "ab"] == [3, 3]
    faces.write_reports()
    assert [path.name for path in model.iterdir()] == ["tiny_left_out.txt"]
    assert (model / "tiny_left_out.txt").read_text().splitlines() == [
        f"A {first} is the same picture as 0twin.png",
        f"B {copied['b'] / 'empty.png'} is empty",
        f"B {copied['b'] / 'z_held_out.png'} is no PNG, JPEG or WebP picture",
        f"B {copied['b'] / 'z_twin.png'} is the same picture as {trained.name}",
    ]
    for name in (first, copied["b"] / "empty.png", copied["b"] / "z_held_out.png"):
        name.unlink()
    (copied["b"] / "z_twin.png").unlink()
    faces = make_faces(arguments)
    faces.write_reports()
    assert list(model.iterdir()) == []


def look(faces: Faces) -> None:
    faces.tell_changes()
    assert faces.wait(10)


def test_files_that_change_are_told_once_and_added_to_the_report(
    train_arguments: MakeArguments, copied: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    (copied["a"] / "empty.png").touch()
    arguments = train_arguments("--holdout", "0.1", "--allow-few", faces=copied)
    faces = make_faces(arguments)
    faces.write_reports()
    report = Path(arguments.model_dir) / "tiny_left_out.txt"
    before = report.read_text()
    caplog.clear()
    look(faces)
    assert (caplog.messages, report.read_text()) == ([], before)
    gone = [names(copied["a"])[1], names(copied["a"])[-2], *names(copied["b"])[:2]]
    for path in gone[:3]:
        path.unlink()
    gone[3].write_bytes(b"other")
    look(faces)
    told = [f"{path} has been removed" for path in gone[:3]]
    assert caplog.messages == [
        f"Faces: 4 files are not as they were read: {'; '.join(told)}; and 1 more; training goes "
        "on with them as they were read"
    ]
    added = [f"A {told[0]}", f"A {told[1]}", f"B {told[2]}", f"B {gone[3]} has changed"]
    assert report.read_text() == before + "".join(f"{line}\n" for line in added)
    look(faces)
    assert len(caplog.messages) == 1


def test_a_report_that_cannot_be_written_ends_no_run(
    train_arguments: MakeArguments,
    copied: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    faces = make_faces(train_arguments(faces=copied))

    def refuse(*_: object) -> None:
        raise FaceswapError("can't write 'x': No space left on device")

    names(copied["b"])[0].unlink()
    monkeypatch.setattr(_faces, "write_report", refuse)
    look(faces)
    assert caplog.messages[-1] == "can't write 'x': No space left on device: training goes on"


@pytest.fixture
def gone_share(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A share that answers nobody until the event is set; files count as removed then."""
    answer = threading.Event()

    def hang(path: str) -> os.stat_result:
        assert answer.wait(60)
        raise FileNotFoundError(path)

    with monkeypatch.context() as patch:
        patch.setattr("lib.data.changes.os", Namespace(stat=hang))
        yield answer
        answer.set()


def test_a_share_that_does_not_answer_holds_up_one_thread_alone(
    train_arguments: MakeArguments, gone_share: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    faces = make_faces(train_arguments())
    caplog.clear()
    before = threading.active_count()
    for _ in range(5):
        faces.tell_changes()
    assert threading.active_count() == before + 1
    assert not faces.wait(0.1)
    assert caplog.messages == []
    gone_share.set()
    assert faces.wait(10)
    (told,) = caplog.messages
    assert told.startswith("Faces: 60 files are not as they were read: ")
    assert caplog.records[0].threadName == "changed faces"


def test_the_end_of_a_run_does_not_wait_for_such_a_share(
    train_arguments: MakeArguments,
    gone_share: threading.Event,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_faces, "SECONDS_FOR_LAST_LOOK", 0.1)
    faces = make_faces(train_arguments())
    caplog.clear()
    faces.tell_changes()
    start = time.monotonic()
    faces.close()
    assert time.monotonic() - start < 5
    gone_share.set()
    assert faces.wait(10)
    assert caplog.messages == []
    assert not Path(faces._report).exists(), "the folder is no longer the run's"


def test_the_end_of_a_run_without_a_look_is_at_once(train_arguments: MakeArguments) -> None:
    faces = make_faces(train_arguments())
    faces.close()
    assert faces.wait(0)
