"""A disk fills up while a run trains on: saves fail in a line each, and nothing saved is lost.

The disk is a file system of a few megabytes in memory. To mount one takes rights; who lacks them,
as root of a namespace of one's own has them.
"""

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

MEGABYTES = 8


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={MEGABYTES}m", "none", str(folder)]
    try:
        subprocess.run(["mount", *options], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("needs a small disk, and there is no mount")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"needs a small disk, and none may be mounted: {error.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path, *, leave: int = 0) -> Path:
    """Fill a disk up to some bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(ballast, max(0, ballast.stat().st_size - leave))
    return ballast


def saved(model: Path) -> list[int]:
    """Iterations of the saves, each of which is looked through by its own list of files."""
    saves = sorted(model.glob("tiny_saves/0*"))
    for save in saves:
        for name, entry in json.loads((save / "manifest.json").read_text())["files"].items():
            content = (save / name).read_bytes()
            assert len(content) == entry["bytes"]
            assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    return [int(save.name.partition("_")[2]) for save in saves]


def count(run, text: str) -> int:
    return len(re.findall(text, run.printed))


FAILED = "WARNING: the save at iteration .* failed, and .*No space left on device"


def test_saves_fail_in_a_line_each_and_work_again_once_there_is_room(
    train: Callable, disk: Path
) -> None:
    model = disk / "model"
    words = ["-m", str(model), "-w", "-LF", str(disk / "run.log")]
    run = train(*words, "-s", "20")
    run.until(lambda: count(run, "Saved at iteration") > 3)
    ballast = fill(disk)
    run.until(lambda: count(run, FAILED) > 2 and count(run, "no longer written to"))
    kept = saved(model)
    assert kept
    ballast.unlink()
    before = count(run, "Saved at iteration")
    run.until(lambda: count(run, "Saved at iteration") > before + 3)
    run.send(signal.SIGTERM)
    assert run.wait() == 0, run.printed
    assert saved(model)[-1] > kept[-1]
    assert list(model.rglob(".*")) == []
    assert "Traceback" not in run.printed
    warnings = re.findall("WARNING: .*No space left", run.printed)
    once = [line for line in warnings if "failed, and" not in line and "preview.png" not in line]
    assert len(once) == len({line.partition(":")[2][:20] for line in once}) <= 5, once
    again = train(*words, "-it", "1")
    assert again.wait() == 0, again.printed
    assert f"resumed at iteration {saved(model)[-2]:,}" in again.printed


def test_it_may_be_full_at_the_first_save(train: Callable, disk: Path) -> None:
    ballast = fill(disk, leave=50_000)
    run = train("-m", str(disk / "model"), "-s", "20")
    run.until(lambda: count(run, FAILED))
    assert "nothing is saved so far" in run.printed
    assert saved(disk / "model") == []
    ballast.unlink()
    run.until(lambda: count(run, "Saved at iteration"))
    run.send(signal.SIGTERM)
    assert run.wait() == 0, run.printed
    assert saved(disk / "model")
    assert "Traceback" not in run.printed


def test_if_it_is_full_at_the_last_save_the_exit_code_is_4(train: Callable, disk: Path) -> None:
    model = disk / "model"
    run = train("-m", str(model), "-s", "20")
    run.until(lambda: count(run, "Saved at iteration") > 1)
    fill(disk)
    run.until(lambda: count(run, FAILED))
    begun = time.monotonic()
    run.send(signal.SIGTERM)
    assert run.wait() == 4, run.printed
    assert time.monotonic() - begun >= 10, "it was not tried again"
    errors = [line for line in run.printed.splitlines() if "error" in line]
    assert re.fullmatch(
        r"faceswap: error: the save at iteration [\d,]+ failed, and save \d+ \(iteration [\d,]+\) "
        r"is whole: .*No space left on device; gave up after 3 tries",
        errors[0],
    )
    assert len(errors) == 1
    assert "Traceback" not in run.printed
    assert saved(model)


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() == 0, reason="what may be mounted is, in other tests"
)
def test_all_this_in_a_namespace(tmp_path: Path) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run([*unshare, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("neither a disk nor a namespace may be made here")
    done = subprocess.run(
        [*unshare, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
