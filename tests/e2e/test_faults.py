"""Each call by which a save reaches the disk fails once: nothing is lost, and the next save works.

A fault-free save's calls are counted; then save after save, another one of them fails.
"""

import builtins
import errno
import hashlib
import io
import json
import os
import re
import threading
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from faceswap.cli import main
from lib.errors import FaceswapError
from plugins import loader
from plugins.train.model._base import ModelBase

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"
SHORT = -1
"""A write takes half of what it is given, which is no error."""
ON_PATHS = ("chmod", "link", "listdir", "mkdir", "open", "remove")
ON_PATHS += ("rename", "replace", "rmdir", "scandir", "unlink", "utime")
ON_FILES = ("fsync", "sendfile")


class Faults:
    """Makes calls of the operating system under a folder fail.

    Attributes
    ----------
    calls
        What was called, in order.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = str(folder)
        self._lock = threading.RLock()
        self.calls: list[str] = []
        self._at: range = range(0)
        self._number = 0
        for name in (*ON_PATHS, *ON_FILES):
            # Nothing is unplugged here, so no time is spent on waiting for the disk.
            call = (lambda number: None) if name == "fsync" else getattr(os, name)
            patch.setattr(os, name, self._watched(name, call))
        self._open = io.open
        patch.setattr(io, "open", self._open_file)
        patch.setattr(builtins, "open", self._open_file)

    def plan(self, at: range, number: int) -> None:
        """Let those calls fail with an error number, counted from now on."""
        self.calls, self._at, self._number = [], at, number

    def meet(self, what: str, path: Any) -> bool:
        """Count a call under the folder, and fail if it is its turn; whether it is to be short."""
        where = self._name(path)
        if not f"{where}/".startswith(f"{self._folder}/"):
            return False
        with self._lock:
            count = len(self.calls)
            self.calls.append(f"{what} {where.removeprefix(self._folder)}")
        if count not in self._at:
            return False
        is_first_of_many = count == self._at[0] and len(self._at) > 1
        if self._number == SHORT or (what == "write" and is_first_of_many):
            return what == "write"  # as a disk that fills up takes a part of the last write
        raise OSError(self._number, os.strerror(self._number), where)

    @staticmethod
    def _name(path: Any) -> str:
        if isinstance(path, int):
            return os.readlink(f"/proc/self/fd/{path}")
        return os.path.abspath(os.fsdecode(path))

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            within = kwargs.get("dir_fd")
            whole = path if within is None else f"{self._name(within)}/{os.fsdecode(path)}"
            self.meet(name, whole)
            return call(path, *args, **kwargs)

        return watched

    def _open_file(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        """Do as `open` does, with a raw file that may fail."""
        inside = not isinstance(file, int) and self._name(file).startswith(f"{self._folder}/")
        if not inside or buffering == 0:
            return self._open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        self.meet("open", file)
        raw = FaultyFile(self, file, mode.replace("b", "").replace("t", ""), closefd, opener)
        kind = io.BufferedRandom if "+" in mode else io.BufferedReader
        buffered: Any = (io.BufferedWriter if set(mode) & set("wax") - {"+"} else kind)(raw)
        if "+" in mode:
            buffered = io.BufferedRandom(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)


class FaultyFile(io.FileIO):
    """A raw file whose calls may fail."""

    def __init__(self, faults: Faults, file: Any, mode: str, closefd: bool, opener: Any) -> None:
        super().__init__(file, mode, closefd, opener)
        self._faults, self._file = faults, file

    def write(self, data: Any) -> int:
        if self._faults.meet("write", self._file):
            data = memoryview(data)[: max(1, len(data) // 2)]
        return super().write(data)

    def readinto(self, buffer: Any) -> int:
        self._faults.meet("read", self._file)
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self._faults.meet("read", self._file)
        return super().readall()

    def close(self) -> None:
        is_first = not self.closed
        super().close()
        if is_first:
            self._faults.meet("close", self._file)


class Subject:
    """A model that is trained, saved and looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = self._load()

    def _load(self) -> ModelBase:
        arguments = Namespace(configfile=None, plugin_dir=str(PLUGINS), no_logs=True, keep_saves=1)
        model = loader.load_model("tiny", str(PLUGINS))(str(self.folder), arguments)
        model.build()
        return model

    def train(self) -> int:
        """Do as if an iteration had been trained that is better than all before; its number."""
        self.model.state.increment_iterations()
        done = self.model.iterations
        self.model.add_history([1 / done, 1 / done])
        variable = self.model.model.trainable_variables[0]
        variable.assign(np.full(variable.shape, done, np.float32))
        return done

    def check_whole(self, *, is_trained: bool = False) -> int:
        """Look through all saves by their own lists of files; the newest one's iterations."""
        saves = sorted(self.folder.glob("tiny_saves/0*"))
        for save in saves:
            for name, entry in json.loads((save / "manifest.json").read_text())["files"].items():
                content = (save / name).read_bytes()
                assert len(content) == entry["bytes"]
                assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        newest = int(saves[-1].name.partition("_")[2])
        assert is_trained or kernel(saves[-1] / "model.keras") == newest
        return newest

    def check_shown(self) -> None:
        """Check the names that other programs know, and that nothing is left over."""
        backup, newest = sorted(self.folder.glob("tiny_saves/0*"))
        for shown, file in (
            ("tiny.keras", newest / "model.keras"),
            ("tiny_state.json", newest / "state.json"),
            ("tiny.keras.bk", backup / "model.keras"),
            ("tiny_state.json.bk", backup / "state.json"),
        ):
            assert (self.folder / shown).samefile(file)
        assert list(self.folder.rglob(".*")) == []

    def check_fresh(self, at: int) -> None:
        """Check what a model that is made anew from the folder is."""
        fresh = self._load()
        assert fresh.iterations == at
        assert np.unique(fresh.model.trainable_variables[0].numpy()).tolist() == [at]


def kernel(file: Path) -> float:
    """The value that all numbers of a model's first kernel have, read without Keras."""
    found: list[float] = []

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim == 4 and np.ptp(item[()]) == 0:
            found.append(float(item[0, 0, 0, 0]))

    with zipfile.ZipFile(file) as archive, archive.open("model.weights.h5") as stream:
        h5py.File(io.BytesIO(stream.read())).visititems(note)
    return max(found)


LATE = re.compile("is whole, but other programs see an older one|Older saves .* can't be removed")
"""What is told of a failure once a save is whole."""


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    subject = Subject(tmp_path / "model")
    for _ in range(3):
        subject.train()
        subject.model.save()
    return subject


@pytest.fixture
def faults(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(subject.folder, monkeypatch)


@pytest.fixture
def calls(subject: Subject, faults: Faults) -> list[str]:
    """The calls of a fault-free save."""
    for _ in range(2):
        faults.plan(range(0), 0)
        subject.train()
        subject.model.save()
    return faults.calls


def test_all_that_a_save_does_is_watched(calls: list[str]) -> None:
    for name in ("model.keras", "state.json", "random.npz", "manifest.json"):
        assert any(re.match(rf"write .*partial.*{name}", call) for call in calls), name
        assert any(re.match(rf"fsync .*partial.*{name}", call) for call in calls), name
    kinds = {call.partition(" ")[0] for call in calls}
    assert kinds >= {"close", "fsync", "link", "mkdir", "open", "rename", "replace", "rmdir"}
    assert kinds >= {"unlink", "write", "read"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "lasting"),
    [
        pytest.param(errno.ENOSPC, False, id="full_once"),
        pytest.param(errno.ENOSPC, True, id="full_from_then_on"),
        pytest.param(errno.EIO, False, id="broken_once"),
        pytest.param(errno.EACCES, True, id="forbidden_from_then_on"),
    ],
)
def test_any_call_may_fail(
    subject: Subject,
    faults: Faults,
    calls: list[str],
    caplog: pytest.LogCaptureFixture,
    number: int,
    lasting: bool,
) -> None:
    failed = 0
    for at, call in enumerate(calls):
        caplog.clear()
        before, now = subject.model.iterations, subject.train()
        faults.plan(range(at, 10**6 if lasting else at + 1), number)
        subject.model.saves.begin()
        error = failure(subject.model)
        faults.plan(range(0), 0)
        where = f"{call}: {error}, {caplog.text}"
        told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert sum("failed" in message for message in told) == bool(error), where
        assert error or all(LATE.search(message) for message in told), where
        assert not any("\n" in message for message in told), where
        newest = subject.check_whole()
        assert newest in (before, now) if error else newest == now, where
        if at % 8 == 0:
            subject.check_fresh(newest)
        failed += bool(told)
        subject.train()
        subject.model.save()
        assert subject.check_whole() == now + 1, where
        subject.check_shown()
    print(f"{len(calls)} calls, {failed} failures told")
    assert failed > len(calls) // 2


def test_writes_that_take_a_part_are_gone_on_with(subject: Subject, faults: Faults) -> None:
    faults.plan(range(0, 10**6), SHORT)
    now = subject.train()
    subject.model.save()
    assert subject.check_whole() == now
    subject.check_shown()
    subject.check_fresh(now)
    writes = [call for call in faults.calls if call.startswith("write")]
    assert len(writes) > 2 * len(set(writes)), "no write was short"


def test_saves_that_cannot_be_shown_do_not_pile_up(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        for _ in range(5):
            now = subject.train()
            caplog.clear()
            subject.model.save()
            (told,) = caplog.messages
            assert f"(iteration {now}) is whole, but other programs see an older one" in told
            assert subject.check_whole() == now
            # The newest, the backup, and the one that other programs see.
            assert len(list(subject.folder.glob("tiny_saves/0*"))) <= 3
            subject.check_fresh(now)
    subject.train()
    subject.model.save()
    subject.check_shown()


def test_a_run_goes_on_when_a_save_in_its_middle_fails(
    rendered: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rename, done = os.rename, []

    def fail_once(path: Path, target: Path) -> None:
        done.append(path)
        if len(done) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(path, target)

    monkeypatch.setattr(os, "rename", fail_once)
    words = ["-A", str(rendered["a"]), "-B", str(rendered["b"]), "-m", str(tmp_path / "model")]
    tiny = ["-t", "tiny", "--plugin-dir", str(PLUGINS), "-b", "4", "-it", "60", "-s", "20"]
    assert main(["train", *words, *tiny]) == 0
    printed = capsys.readouterr()
    told = [line for line in printed.out.splitlines() if "failed" in line]
    assert len(told) == 1, printed
    assert "save 1 (iteration 1) is whole" in told[0]
    assert "Input/output error; training goes on, and the next save tries again" in told[0]
    assert printed.err == ""
    assert Subject(tmp_path / "model").check_whole(is_trained=True) == 60


def failure(model: ModelBase) -> FaceswapError | None:
    try:
        model.saves.finish()
    except FaceswapError as error:
        return error
    return None
