"""One run at a time in a model's folder."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from lib.errors import FaceswapError
from lib.folder_lock import FolderLock

HOLD = """
import sys, time
from lib.folder_lock import FolderLock
with FolderLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_holds_the_folder_and_a_killed_holder_stands_in_no_way(
    tmp_path: Path,
) -> None:
    with hold(tmp_path) as process:
        try:
            for _ in range(2):  # to be refused does not harm what the next is told
                with pytest.raises(FaceswapError, match=rf"process {process.pid} on '.+' since 20"):
                    FolderLock(tmp_path).__enter__()
        finally:
            process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / ".holder.json").exists()
    with FolderLock(tmp_path):
        assert str(os.getpid()) in (tmp_path / ".holder.json").read_text()
    assert not (tmp_path / ".holder.json").exists()


def test_a_holder_whose_name_is_lost_still_holds(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        (tmp_path / ".holder.json").write_text("?")
        with pytest.raises(FaceswapError, match="in use by another process"):
            FolderLock(tmp_path).__enter__()
        process.kill()


def test_a_folder_that_nothing_came_into_goes_again(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list((tmp_path / "a").iterdir()) == []
    (tmp_path / "mine").mkdir()
    with FolderLock(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine").is_dir(), "it was there before"
    with FolderLock(tmp_path / "c"):
        (tmp_path / "c" / "model").write_text("")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["model"]


def test_a_probe_stands_in_the_way_of_no_run(tmp_path: Path) -> None:
    probe = FileLock(tmp_path / ".lock", thread_local=False)
    probe.acquire()
    timer = threading.Timer(0.2, probe.release)
    timer.start()
    with FolderLock(tmp_path):
        assert not probe.is_locked
    timer.join()


def test_a_lock_that_can_not_be_opened_is_not_called_in_use(tmp_path: Path) -> None:
    assert FolderLock(tmp_path).holder() is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".lock").mkdir()
    with pytest.raises(FaceswapError, match="in use can't be told: .* can't be opened"):
        FolderLock(tmp_path).holder()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that none can write")
def test_a_folder_that_none_can_write_to_is_refused() -> None:
    with pytest.raises(FaceswapError, match=r"model folder '/proc/model' can't be written to"):
        FolderLock("/proc/model").__enter__()
