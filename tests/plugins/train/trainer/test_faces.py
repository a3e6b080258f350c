"""The faces of a trainer: cut as the options say, and those of a time-lapse."""

import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.align.geometry import face_edge
from lib.data.faceset import Cut
from lib.data.files import find_images
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
    load = _faces.load_side

    def noted(side: str, paths: Any, cut: Cut, **more: Any) -> Any:
        cuts.append(cut)
        return load(side, paths, cut, **more)

    monkeypatch.setattr(_faces, "load_side", noted)
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
