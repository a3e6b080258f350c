"""Several processes train one model, as PyTorch starts them, on CPUs here."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lib.model.nn_blocks  # noqa: F401 - makes the layers known to Keras
from lib.folder_lock import FolderLock

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"
FAULTY = ["--plugin-dir", str(PLUGINS.with_name("faulty"))]
ALONE = [sys.executable, "-m", "faceswap"]
TORCHRUN = [
    *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
    *("--nproc-per-node=2", "-m", "faceswap"),
]
Words = Callable[..., list[str]]


@pytest.fixture
def words(rendered: dict[str, Path], tmp_path: Path) -> Words:
    def make(folder: str, *more: str) -> list[str]:
        return [
            *("train", "-A", str(rendered["a"]), "-B", str(rendered["b"]), "-b", "3"),
            *("-m", str(tmp_path / folder), "-t", "tiny", "--plugin-dir", str(PLUGINS), *more),
        ]

    return make


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def state(folder: Path, model: str = "tiny") -> dict[str, Any]:
    return json.loads((folder / f"{model}_state.json").read_text())


@pytest.mark.slow
def test_two_processes_train_as_one_with_twice_the_batches(words: Words, tmp_path: Path) -> None:
    model = "compact"
    plain = (
        "[model.compact]\nmixed_precision = False\nlearning_rate = 1e-3\nwarmup_iterations = 0\n"
    )
    (tmp_path / "together.ini").write_text(plain)
    twice = "[global.optimizer]\ngradient_accumulation = 2\n"
    (tmp_path / "alone.ini").write_text(plain + twice)
    more = ["-it", "4", "-t", model, "-C"]
    together = run(
        [*TORCHRUN, *words("together", "-d", "-w", *more, str(tmp_path / "together.ini"))]
    )
    run([*ALONE, *words("alone", *more, str(tmp_path / "alone.ini"))])
    ours, theirs = (
        keras.saving.load_model(tmp_path / folder / f"{model}.keras", compile=False)
        for folder in ("together", "alone")
    )
    for x, y in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=0, atol=1e-5, err_msg=x.path)
    assert state(tmp_path / "together", model)["iterations"] == 4
    assert together.stdout.count("Saved at iteration 4") == 1, "the first process alone speaks"
    assert "2 processes, batch 3 each: 6 faces a side an iteration" in together.stdout
    assert list((tmp_path / "together" / f"{model}_logs").iterdir()) == [
        tmp_path / "together" / f"{model}_logs" / "session_1"
    ]


@pytest.mark.slow
def test_runs_of_two_of_one_and_of_three_take_all_batches_in_a_row(
    words: Words, tmp_path: Path
) -> None:
    for count, done, faces in (2, 2, 2 * 2 * 3), (1, 4, 6 * 3), (3, 6, 12 * 3):
        said = run(
            [*TORCHRUN[:-3], f"--nproc-per-node={count}", *TORCHRUN[-2:], *words("m", "-it", "2")]
        )
        assert f"Stopped at iteration {done}" in said.stdout
        assert state(tmp_path / "m")["run"]["order"] == {"iteration": done, "faces": faces}


SPY = """
import os, sys
if "RANK" in os.environ:
    log = os.open(os.environ["SPY"] + os.environ["RANK"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    def note(event, arguments):
        flags = arguments[2] if event == "open" else 0
        is_write = event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove") or (
            event == "open" and isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        )
        if is_write:
            os.write(log, f"{event} {arguments[0]} {arguments[1]}\\n".encode())
    sys.addaudithook(note)
"""


@pytest.mark.slow
def test_none_but_the_first_writes(
    words: Words, rendered: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spy").mkdir()
    (tmp_path / "spy" / "sitecustomize.py").write_text(SPY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "spy"))
    monkeypatch.setenv("SPY", str(tmp_path / "spy" / "rank"))
    lapse = ["-tia", str(rendered["a"]), "-tib", str(rendered["b"]), "-to", str(tmp_path / "to")]
    more = ["--holdout", "0.1", "--evaluate-interval", "2", "-ss", "2", "-F", str(tmp_path / "log")]
    for _ in range(2):
        run([*TORCHRUN, *words("model", "-it", "5", "-s", "2", "-w", "-d", *lapse, *more)])
    first, second = ((tmp_path / "spy" / f"rank{rank}").read_text() for rank in (0, 1))
    for path in tmp_path / "model", tmp_path / "to", tmp_path / "log":
        assert str(path) in first
    assert "/faceswap_" in second, "what is handed over"
    assert str(tmp_path) not in second


@pytest.mark.slow
def test_a_weight_that_no_output_depends_on_is_not_waited_for(words: Words, tmp_path: Path) -> None:
    run([*TORCHRUN, *words("model", "-it", "4", "-d", "-t", "doomed", *FAULTY)])
    assert state(tmp_path / "model", "doomed")["iterations"] == 4


@pytest.mark.slow
def test_a_run_of_two_that_breaks_down_goes_back_as_one(
    words: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAGILE", "nan 22 36")
    monkeypatch.setenv("FRAGILE_DUMP", str(tmp_path))
    said = run([*TORCHRUN, *words("model", "-it", "60", "-s", "10", "-d", "-t", "fragile")])
    assert said.stdout.count("Training has broken down") == 1, said.stdout
    assert "Stopped at iteration 60" in said.stdout
    first, second = (np.load(tmp_path / f"rank{rank}.npy") for rank in (0, 1))
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)


def test_one_gpu_or_none_trains_alone_and_says_so(words: Words, tmp_path: Path) -> None:
    said = run([*ALONE, *words("model", "-it", "1", "-d")])
    assert "so this process trains alone" in said.stdout
    assert state(tmp_path / "model")["iterations"] == 1


LAUNCHER = """
import sys, torch
torch.cuda.device_count = lambda: 2
from faceswap.cli import main
sys.exit(main())
"""


@pytest.mark.slow
def test_a_signal_to_the_command_stops_all_its_processes_with_one_save(
    words: Words, tmp_path: Path
) -> None:
    # Two GPUs are only said to be there: the processes find none, and take the CPU.
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, *words("model", "-s", "100000", "-d")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        end = time.monotonic() + 300
        while not (tmp_path / "model" / "tiny_state.json").exists():
            assert time.monotonic() < end
            time.sleep(0.1)
        before = state(tmp_path / "model")["iterations"]
        time.sleep(1)
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Stopped at iteration" in said
    assert state(tmp_path / "model")["iterations"] > before
    assert not survivors(str(tmp_path / "model"))


@pytest.mark.slow
def test_where_the_folder_is_in_use_the_first_process_alone_says_so(
    words: Words, tmp_path: Path
) -> None:
    with FolderLock(tmp_path / "model"):
        done = launched(words("model", "-it", "1", "-d"))
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if line.startswith("faceswap: error: ")]
    assert len(told) == 2, done.stderr
    assert "is in use by process" in told[0]
    assert "training ended with exit code 1, see above" in told[1]


@pytest.mark.slow
def test_the_exit_code_of_the_first_process_is_that_of_the_command(
    words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAGILE", "nan 12 100000")
    done = launched(words("model", "-it", "400", "-s", "5", "-d", "-t", "fragile"))
    assert done.returncode == 3, done.stderr[-3000:]
    assert "training ended with exit code 3, see above" in done.stderr


def launched(words: list[str]) -> subprocess.CompletedProcess[str]:
    """The command, which starts two processes itself."""
    return subprocess.run(
        [sys.executable, "-c", LAUNCHER, *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def survivors(word: str) -> list[str]:
    """Processes that bear a word in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_text(errors="replace")
            if word in line and int(folder.name) != os.getpid():
                found.append(line)
    return found
