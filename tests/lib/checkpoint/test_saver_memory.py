"""What a save takes of the memory."""

import subprocess
import sys
from pathlib import Path

import pytest

MEMORY = """
import sys
import keras
from lib.checkpoint.saver import Saver
from lib.checkpoint.stand_in import StandIn
from lib.checkpoint.store import ModelStore

inputs = keras.Input((1600,))
x = inputs
for _ in range(4):
    x = keras.layers.Dense(1600)(x)
model = keras.Model(inputs, x, name="tiny")
model.compile(optimizer=keras.optimizers.Adam(), loss="mse")
model.optimizer.build(model.trainable_variables)
saver = Saver(ModelStore(sys.argv[1], "tiny"), model, refuse_nan=True)
small = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
small.compile(optimizer="adam")
small.optimizer.build(small.trainable_variables)
warm = Saver(ModelStore(sys.argv[1] + "_warm", "small"), small, refuse_nan=True)
warm.begin({"iterations": 1}, back_up=False, done=lambda _: None)
warm.wait()
saver.wait()
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak is that of now
status = lambda name: int(open("/proc/self/status").read().split(name + ":")[1].split()[0])
before = status("VmRSS")
for number in (1, 2):
    saver.begin({"iterations": number}, back_up=False, done=lambda _: None)
    saver.wait()
size = sum(v.value.nbytes for v in (*model.variables, *model.optimizer.variables)) / 1024
print((status("VmHWM") - before) / size, size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_save_takes_a_fraction_of_the_models_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    share, kilobytes = map(float, done.stdout.split())
    assert kilobytes > 100_000
    assert share < 0.15
