"""``faceswap train`` as a process of its own: resume, signals, keys, no terminal."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faceswap.cli import main

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"
Command = Callable[..., list[str]]


@pytest.fixture
def command(rendered: dict[str, Path], tmp_path: Path) -> Command:
    def make(*more: str) -> list[str]:
        return [
            *(sys.executable, "-m", "faceswap", "train"),
            *("--input-A", str(rendered["a"]), "--input-B", str(rendered["b"])),
            *("--model-dir", str(tmp_path / "model"), "-t", "tiny", "--batch-size", "4"),
            *("--plugin-dir", str(PLUGINS), *more),
        ]

    return make


def state(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "model" / "tiny_state.json").read_text())


def wait_for(file: Path, process: subprocess.Popen, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def test_train_save_resume(command: Command, tmp_path: Path) -> None:
    lapse = ["-tia", command()[5], "-tib", command()[7], "-to", str(tmp_path / "lapse")]
    first = subprocess.run(
        command("-it", "12", "-s", "5", "-w", *lapse),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert first.returncode == 0, first.stderr
    assert "Model 'tiny'" in first.stdout
    assert [line for line in first.stdout.splitlines() if line.startswith("Saved at")] != []
    assert "Stopped at iteration 12" in first.stdout
    assert state(tmp_path)["iterations"] == 12
    assert (tmp_path / "model" / "training_preview.png").exists()
    assert len(list((tmp_path / "lapse").glob("*.jpg"))) == 4
    assert list((tmp_path / "model" / "tiny_logs" / "session_1" / "train").iterdir())
    # It goes on with the model that is there.
    second = subprocess.run(
        [word for word in command("-it", "3", "-n") if word not in ("-t", "tiny")],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert second.returncode == 0, second.stderr
    assert "resumed at iteration 12" in second.stdout
    assert state(tmp_path)["iterations"] == 15
    assert state(tmp_path)["sessions"]["2"]["iterations"] == 3
    assert not (tmp_path / "model" / "tiny_logs" / "session_2").exists()


SLEEPER = """
import time
import keras
from lib.model.nn_blocks import Conv2DOutput
from plugins.train.model._base import KerasModel, ModelBase

@keras.saving.register_keras_serializable()
class Sleep(keras.layers.Layer):
    naps = 0

    def call(self, x, training=False):
        Sleep.naps += bool(training)
        time.sleep(60 if Sleep.naps > 1 else 0)
        return x

class Model(ModelBase):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.input_shape = (16, 16, 3)

    def build_model(self, inputs):
        sleep = Sleep()
        outputs = [Conv2DOutput(3, 3, name=f"face_out_{i}")(sleep(x)) for i, x in enumerate(inputs)]
        return KerasModel(inputs, outputs, name=self.name)
"""


def test_a_second_signal_leaves_at_once_and_the_last_save_is_whole(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "sleeper.py").write_text(SLEEPER)
    process = subprocess.Popen(
        command("-t", "sleeper", "--plugin-dir", str(tmp_path / "plugins")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    state_file = tmp_path / "model" / "sleeper_state.json"
    wait_for(state_file, process)
    saved = state_file.read_bytes()
    process.send_signal(signal.SIGINT)
    time.sleep(1.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 128 + signal.SIGINT
    assert "Left at once" in out
    assert err == ""
    assert state_file.read_bytes() == saved


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_keys_in_a_terminal_save_refresh_and_stop(command: Command, tmp_path: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command("-s", "100000", "-w"), stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    model = tmp_path / "model"
    try:
        wait_for(model / "tiny_state.json", process)
        before = state(tmp_path)["iterations"]
        preview = (model / "training_preview.png").stat().st_mtime_ns
        os.write(leader, b"r")
        drain(leader, lambda: (model / "training_preview.png").stat().st_mtime_ns > preview)
        os.write(leader, b"s")
        drain(leader, lambda: state(tmp_path)["iterations"] > before)
        saved = state(tmp_path)["iterations"]
        os.write(leader, b"\n")
        text = drain(leader, lambda: process.poll() is not None)
        assert process.returncode == 0
        assert state(tmp_path)["iterations"] > saved
        assert "Loss A: 0." in text
        assert "Stopped at iteration" in text
    finally:
        process.kill()
        os.close(leader)


def drain(leader: int, until: Callable[[], bool], seconds: float = 60) -> str:
    """Read what the program prints until something has happened."""
    text, end = b"", time.monotonic() + seconds
    os.set_blocking(leader, False)
    done = False
    while not done:
        assert time.monotonic() < end, text
        done = until()
        time.sleep(0.02)
        with contextlib.suppress(BlockingIOError, OSError):
            text += os.read(leader, 65536)
    return text.decode(errors="replace")


def test_the_summary_is_printed_and_nothing_written(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("--summary")[3:]) == 0
    assert "decoder_a" in capsys.readouterr().out
    assert not (tmp_path / "model").exists()
