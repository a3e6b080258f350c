"""A step in parts, where memory runs out for the whole."""

import logging
import subprocess
import sys
import textwrap
from typing import Any

import keras
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lib.config import options, sections
from lib.errors import FaceswapError
from lib.model.losses.face import FUNCTIONS, FaceLoss, MaskLoss
from lib.training.parts import Parts
from lib.training.step import TrainingStep

CONFIG = options.merged(cls() for cls in sections.MODEL.values())
RATE = 1e-3


@given(st.integers(1, 70), st.integers(0, 8))
def test_parts_are_all_faces_in_their_order_and_about_equal(faces: int, times: int) -> None:
    parts = Parts()
    for _ in range(times):
        if parts.count(faces) < faces:
            parts.shrink(faces)
    pixels = [np.arange(faces, dtype=np.uint8).reshape(-1, 1) for _ in range(3)]
    split = list(parts.split(pixels[:2], pixels[2:]))
    sizes = [len(feeds[0]) for feeds, _, _ in split]
    assert max(sizes) - min(sizes) <= 1
    assert sum(share for *_, share in split) == pytest.approx(1)
    assert [share for *_, share in split] == [size / faces for size in sizes]
    assert all(len(feeds) == 2 and len(targets) == 1 for feeds, targets, _ in split)
    for kind in (0, 1):
        for joined in zip(*(part[kind] for part in split), strict=True):
            np.testing.assert_array_equal(np.concatenate(joined), pixels[0])


def test_a_batch_of_16_goes_through_in_2_4_8_and_16_parts() -> None:
    parts = Parts()
    counts = []
    for _ in range(4):
        parts.shrink(16)
        counts.append(parts.count(16))
    assert counts == [2, 4, 8, 16]
    with pytest.raises(FaceswapError, match="out of memory in training, even with one face"):
        parts.shrink(16)


def test_a_smaller_batch_needs_fewer_parts() -> None:
    parts = Parts()
    parts.shrink(16)
    parts.shrink(16)
    again = Parts()
    again.restore(parts.state())
    assert [again.count(faces) for faces in (16, 8, 4, 2)] == [4, 2, 1, 1]


@pytest.mark.parametrize("wrong", [0, -1, "many"])
def test_a_size_that_lets_no_face_through_is_not_gone_on_from(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"faces at a time|invalid literal"):
        Parts().restore({"most_faces": wrong})


class Crowded(keras.layers.Layer):
    """Holds so many faces at a time and no more, in the forward pass or in the backward one."""

    most: float = np.inf
    is_backward = False

    def call(self, x: torch.Tensor) -> torch.Tensor:
        if isinstance(x, torch.Tensor) and len(x) > self.most:
            if not self.is_backward:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB.")
            x = x.clone()
            x.register_hook(self._fail)
        return x

    def _fail(self, gradient: torch.Tensor) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")


def make(*more: keras.layers.Layer) -> tuple[keras.Model, Crowded]:
    keras.utils.set_random_seed(0)
    inputs = [keras.Input((16, 16, 3)) for _ in "ab"]
    crowded = Crowded()
    shared = keras.Sequential([keras.layers.Conv2D(4, 3, padding="same"), *more, crowded])
    # A weight between the fault and the loss, which has its gradient before the fault comes.
    faces = [keras.layers.Conv2D(3, 1, activation="sigmoid")(shared(x)) for x in inputs]
    masks = [keras.layers.Conv2D(1, 1, activation="sigmoid")(face) for face in faces]
    model = keras.Model(inputs, [faces[0], masks[0], faces[1], masks[1]])
    # Descent, not Adam: that makes whole steps of gradients that are nothing but rounding.
    optimizer = keras.optimizers.Adam(0.0, beta_1=0.0, beta_2=0.0, epsilon=1e3, use_ema=True)
    model.compile(optimizer=optimizer, loss=[FaceLoss(), MaskLoss()] * 2, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model, crowded


def batch(seed: int, size: int = 8) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    feeds = [rng.integers(0, 256, (size, 16, 16, 3), dtype=np.uint8) for _ in "ab"]
    return feeds, [rng.integers(0, 256, (size, 16, 16, 6), dtype=np.uint8) for _ in range(4)]


def values(model: keras.Model) -> list[np.ndarray]:
    return [v.numpy().copy() for v in [*model.variables, *model.optimizer.variables]]


def assert_close(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


# The shared layers get both sides' faces: twice as many.
@pytest.mark.parametrize(("most", "size", "parts"), [(8, 8, 2), (2, 8, 8), (8, 7, 2), (2, 6, 6)])
@pytest.mark.parametrize("is_backward", [False, True])
@pytest.mark.parametrize("precision", [False, True])
def test_a_step_in_parts_is_the_whole_step(
    most: int,
    size: int,
    parts: int,
    is_backward: bool,
    precision: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = CONFIG | {"mixed_precision": precision, "mixed_precision_type": "float16"}
    (small, crowded), (large, _) = make(), make()
    crowded.most, crowded.is_backward = most, is_backward
    step, whole = TrainingStep(small, config), TrainingStep(large, config)
    for seed in range(3):
        batches = [batch(seed, size), batch(seed + 10, size)]
        ours, theirs = (run(batches, 300.0, 0.5) for run in (step, whole))
        torch.testing.assert_close(ours.losses, theirs.losses)
        torch.testing.assert_close(ours.spread, theirs.spread)
        assert bool(ours.is_good)
    assert_close(values(small), values(large))
    assert not np.allclose(values(small)[0], values(make()[0])[0], atol=1e-3)
    assert step._parts.count(size) == parts
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    faces = {2: "up to 4 faces" if size == 7 else "4 faces", 6: "1 face", 8: "1 face"}[parts]
    assert f"a batch of {size} now goes through in {parts} parts of {faces}; " in told[-1]
    assert "the result is the same" in told[-1]
    assert len(told) == np.ceil(np.log2(parts))
    assert all("\n" not in line for line in told)


def test_where_there_is_memory_nothing_is_split_or_told(caplog: pytest.LogCaptureFixture) -> None:
    model, _ = make()
    step = TrainingStep(model, CONFIG)
    step([batch(0)], RATE)
    assert step.state()["parts"] == {"most_faces": None}
    assert not caplog.records


def test_a_resumed_run_begins_with_the_parts_of_the_last() -> None:
    (first, crowded), (second, _) = make(), make()
    crowded.most = 4
    step, resumed = TrainingStep(first, CONFIG), TrainingStep(second, CONFIG)
    step([batch(0)], 0.0)
    resumed.restore(step.state())
    for run in (step, resumed):
        run([batch(1)], 300.0, 0.5)
    # The first has made one step more, at a rate of 0.
    for x, y in zip(first.variables, second.variables, strict=True):
        assert x.numpy().tobytes() == y.numpy().tobytes()


def test_a_split_that_a_run_begins_with_is_told_once_with_what_undoes_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    Parts().restore({"most_faces": None})
    assert not caplog.records
    Parts().restore({"most_faces": 4})
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert "at most 4 faces of a side go through at a time" in record.getMessage()
    assert "train with -b 4 or less, or go back to a save" in record.getMessage()
    assert "\n" not in record.getMessage()


def test_a_state_without_parts_begins_with_the_whole() -> None:
    step = TrainingStep(make()[0], CONFIG)
    step.restore({})
    assert step._parts.count(16) == 1


def test_one_face_that_does_not_fit_ends_it_and_changes_nothing() -> None:
    model, crowded = make()
    crowded.most = 1
    step = TrainingStep(model, CONFIG)
    before = values(model)
    with pytest.raises(FaceswapError, match="one face at a time: train a smaller model") as caught:
        step([batch(0)], RATE)
    assert "\n" not in str(caught.value)
    assert [x.tobytes() for x in values(model)] == [x.tobytes() for x in before]


def test_other_errors_of_a_layer_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    model, crowded = make()

    def fail(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("a mistake in a layer")

    step = TrainingStep(model, CONFIG)
    monkeypatch.setattr(crowded, "call", fail)
    with pytest.raises(RuntimeError, match="a mistake in a layer"):
        step([batch(0)], RATE)


def test_statistics_of_batches_are_not_taken_twice_and_the_user_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.3, seed=1)]
    again = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.3, seed=1)]
    (small, crowded), (other, _) = make(*layers), make(*again)
    crowded.most = 4
    step, begun = TrainingStep(small, CONFIG), TrainingStep(other, CONFIG)
    begun.restore({"parts": {"most_faces": 4}})
    for run in (step, begun):
        run([batch(0)], 300.0)
    assert_close(values(small), values(other))
    assert "batch normalization sees a part at a time" in caplog.text
    assert "the same" not in caplog.text


# Of a kernel of one column, whose strides may be told in two ways.
@pytest.mark.filterwarnings("ignore:Grad strides do not match")
def test_with_other_processes_memory_that_runs_out_ends_it() -> None:
    model, crowded = make()
    torch.distributed.init_process_group(
        "gloo", store=torch.distributed.HashStore(), rank=0, world_size=1
    )
    try:
        step = TrainingStep(model, CONFIG, is_shared=True)
        assert bool(step([batch(0)], RATE).is_good)
        crowded.most = 1
        with pytest.raises(FaceswapError, match="lower -b"):
            step([batch(0)], RATE)
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_loss_of_a_face_does_not_depend_on_the_others(name: str) -> None:
    rng = np.random.default_rng(0)
    truth, face = (torch.from_numpy(rng.random((5, 64, 64, 6), np.float32)) for _ in "ab")
    truth[2] *= 0.1
    loss = FaceLoss([(name, 1.0)])
    whole = loss.call(truth, face[..., :3])
    alone = [loss.call(truth[i : i + 1], face[i : i + 1, ..., :3]) for i in range(5)]
    assert whole.shape == (5,)
    torch.testing.assert_close(whole, torch.cat(alone), rtol=1e-5, atol=1e-6)


LIMITED = """
    import resource, sys
    import keras, numpy as np, torch
    torch.set_num_threads(1)
    from lib.config import options, sections
    from lib.model.losses.face import FaceLoss
    from lib.training.step import TrainingStep

    def run(is_limited):
        keras.utils.set_random_seed(0)
        inputs = [keras.Input((32, 32, 3)) for _ in "ab"]
        wide = keras.layers.Conv2D(256, 1, activation="relu")
        outputs = [keras.layers.Conv2D(3, 1)(wide(x)) for x in inputs]
        model = keras.Model(inputs, outputs)
        model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=[FaceLoss() for _ in "ab"])
        model.optimizer.build(model.trainable_variables)
        step = TrainingStep(model, options.merged(cls() for cls in sections.MODEL.values()))
        rng = np.random.default_rng(0)
        pixels = lambda size, channels: [
            rng.integers(0, 256, (size, 32, 32, channels), np.uint8) for _ in "ab"
        ]
        batch = pixels(64, 3), pixels(64, 6)
        step([tuple([x[:1] for x in kind] for kind in batch)], 0.0)
        if is_limited:
            used = 4096 * int(open("/proc/self/statm").read().split()[0])
            # Each layer's outputs are 64 MiB a side.
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, -1))
        losses = step([batch], 1e-3).losses.numpy()
        return step.state()["parts"]["most_faces"], losses, [w.numpy() for w in model.weights]

    whole, losses, weights = run(False)
    most, other_losses, other_weights = run(True)
    assert whole is None and most is not None and most < 64, (whole, most)
    np.testing.assert_allclose(losses, other_losses, rtol=1e-5)
    for x, y in zip(weights, other_weights):
        np.testing.assert_allclose(x, y, atol=1e-5)
    print("parts of", most)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory as Linux does")
def test_a_process_that_really_runs_out_goes_on() -> None:
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED)],
        env={"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("parts of")
