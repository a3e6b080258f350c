"""Damaged and hostile files: nothing but FaceswapError, no warning, bounded time and memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "fixtures" / "fuzz.py"
ROOT = PROGRAM.parents[2]


def start(seed: int, count: int) -> subprocess.Popen[str]:
    paths = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(seed), "0", str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | paths,
        text=True,
    )


def check(process: subprocess.Popen[str]) -> None:
    said, noise = process.communicate(timeout=600)
    assert (process.returncode, noise) == (0, "")
    found = json.loads(said)
    assert found["faults"] == []
    assert found["refused"] > 0
    assert found["slowest"][0] < 1, "seconds, and the input's number"
    assert found["peak_mib"] < 1024


def test_three_thousand_inputs_do_no_harm() -> None:
    check(start(0, 3000))


@pytest.mark.slow
def test_a_hundred_thousand_inputs_do_no_harm() -> None:
    for process in [start(seed, 50_000) for seed in (1, 2)]:
        check(process)
