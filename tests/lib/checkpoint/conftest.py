"""Model files made by hand, of parts of a good one; a folder for saves."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import pytest

from lib.checkpoint.safe import ModelFileError, load_safely
from lib.checkpoint.store import ModelStore
from lib.errors import FaceswapError
from lib.model.layers import Conv2D, OutputActivation, PixelShuffler


def make_model() -> keras.Model:
    face = keras.Input((4, 4, 3), name="face")
    x = PixelShuffler(2, name="shuffle")(Conv2D(12, 3, name="conv")(face))
    model = keras.Model(face, OutputActivation("sigmoid", name="out")(x), name="small")
    model.compile(optimizer=keras.optimizers.Adam(use_ema=True), loss="mse")
    model.optimizer.build(model.trainable_variables)
    for number, variable in enumerate(model.optimizer.variables[2:]):
        variable.assign(keras.ops.full(variable.shape, number + 0.5))
    return model


class Forge:
    """Makes a file of the members of a good one, some of them changed."""

    def __init__(self, members: dict[str, bytes], path: Path) -> None:
        self.members = members
        self.path = path

    def write(self, **changes: bytes) -> None:
        """Write a file; `changes` are contents by the first part of the member's name."""
        self.write_as({name: name for name in self.members}, **changes)

    def write_as(self, names: dict[str, str], **changes: bytes) -> None:
        """Write the members under other names."""
        with zipfile.ZipFile(self.path, "w") as archive:
            for name, content in self.members.items():
                archive.writestr(names[name], changes.get(name.partition(".")[0], content))

    def edit(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Write a file whose configuration is edited."""
        config = json.loads(self.members["config.json"])
        edit(config)
        self.write(config=json.dumps(config).encode())

    def change(self, change: Callable[[Any], Any]) -> None:
        """Write a file whose weights are changed."""
        buffer = io.BytesIO(self.members["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            change(file)
        self.write(model=buffer.getvalue())

    def loaded(self) -> keras.Model:
        """What the file holds."""
        return load_safely(self.path)

    def refusal(self, kind: type[FaceswapError] = ModelFileError) -> str:
        """The one line with which the file is refused; it stays as it was."""
        before = self.path.read_bytes()
        with pytest.raises(FaceswapError) as caught:
            load_safely(self.path)
        assert type(caught.value) is kind
        line = str(caught.value)
        assert f"model file '{self.path}' " in line
        assert line.isprintable()
        assert len(line) < len(str(self.path)) + 500
        assert self.path.read_bytes() == before
        return line


@pytest.fixture(scope="session")
def saved_members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The members of a good file."""
    path = tmp_path_factory.mktemp("whole") / "small.keras"
    make_model().save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def forge(saved_members: dict[str, bytes], tmp_path: Path) -> Forge:
    return Forge(saved_members, tmp_path / "small.keras")


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(str(tmp_path / "model"), "tiny")
