"""Two of torchrun's agents stand in for two machines, with folders of their own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faceswap.cli import main

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"
ROOT = Path(__file__).parents[2]
SECONDS = 240

pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def start(rendered: dict[str, Path], tmp_path: Path, port: int) -> Iterator[Start]:
    runs: list[subprocess.Popen[str]] = []

    def make(
        machine: str, *more: str, model: str | None = "tiny", restarts: int = 2
    ) -> subprocess.Popen[str]:
        here = tmp_path / machine
        here.mkdir(exist_ok=True)
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"),
            *(
                f"--max-restarts={restarts}",
                "--rdzv-backend=c10d",
                f"--rdzv-endpoint=localhost:{port}",
            ),
            *("--local-addr=localhost", "-m", "faceswap", "train", "-b", "3"),
            *("-A", str(rendered["a"]), "-B", str(rendered["b"]), "-m", "model"),
            *("--plugin-dir", str(PLUGINS), *(["-t", model] if model else []), *more),
        ]
        runs.append(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                cwd=here,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            )
        )
        return runs[-1]

    yield make
    for run in runs:
        for pid in (run.pid, *children(run.pid)):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        run.communicate()


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def iterations(folder: Path) -> int:
    path = folder / "tiny_state.json"
    return json.loads(path.read_text())["iterations"] if path.exists() else 0


def finish(*runs: subprocess.Popen[str]) -> list[str]:
    said = [run.communicate(timeout=SECONDS)[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * len(runs), "\n".join(said)
    return said


def test_machines_need_no_folder_in_common_and_the_one_with_the_model_leads(
    start: Start, tmp_path: Path
) -> None:
    said = "".join(finish(start("one", "-it", "3"), start("two", "-it", "3")))
    assert "2 processes, batch 3 each: 6 faces a side an iteration" in said
    assert said.count("Saved at iteration 3") == 1
    models = [tmp_path / name / "model" for name in ("one", "two")]
    (model,) = [folder for folder in models if folder.exists()]
    other = models[1 - models.index(model)]
    # As if torchrun numbered the machines the other way round; which model it is, one folder tells.
    os.rename(model, other)
    said = "".join(finish(*(start(name, "-it", "3", model=None) for name in ("one", "two"))))
    assert "resumed at iteration 3" in said
    assert iterations(other) == 6
    assert not model.exists()


def test_both_start_again_where_a_process_of_one_is_killed(start: Start, tmp_path: Path) -> None:
    runs = [start(name, "-it", "120", "-s", "5") for name in ("one", "two")]
    models = [tmp_path / name / "model" for name in ("one", "two")]
    end = time.monotonic() + SECONDS
    while max(map(iterations, models)) < 10:
        assert time.monotonic() < end
        time.sleep(0.01)
    (pid,) = children(runs[0].pid)
    os.kill(pid, signal.SIGKILL)
    said = "".join(finish(*runs))
    assert said.count("Started again") == 1, said
    assert max(map(iterations, models)) == 120


def refused(*runs: subprocess.Popen[str]) -> str:
    """The one line that says why."""
    said = "".join(run.communicate(timeout=SECONDS)[0] for run in runs)
    assert [run.returncode for run in runs] == [1, 1]
    told = [line for line in said.splitlines() if line.startswith("faceswap: error: ")]
    assert len(told) == 1, said
    return told[0]


def test_machines_that_differ_are_refused(start: Start, tmp_path: Path) -> None:
    (tmp_path / "other.ini").write_text(
        "[global]\nlearning_rate = 1e-3\n[trainer.original]\nzoom_amount = 9\n"
    )
    runs = [
        start("one", "-it", "3", "-C", str(tmp_path / "other.ini"), restarts=0),
        start("two", "-it", "3", restarts=0),
    ]
    named = "option learning_rate, option zoom_amount"
    assert f"differs from the first machine in {named}: give" in refused(*runs)


def test_machines_with_different_models_of_as_many_iterations_are_refused(
    start: Start, tmp_path: Path, rendered: dict[str, Path]
) -> None:
    for seed, machine in enumerate(("one", "two")):
        words = ["train", "-A", str(rendered["a"]), "-B", str(rendered["b"]), "-t", "tiny", "-n"]
        words += ["-m", str(tmp_path / machine / "model"), "--plugin-dir", str(PLUGINS)]
        assert main([*words, "-it", "1", "-b", "3", "--seed", str(seed)]) == 0
    told = refused(*(start(name, "-it", "1", restarts=0) for name in ("one", "two")))
    assert "different models on different machines, of 1 and 1 iterations" in told
