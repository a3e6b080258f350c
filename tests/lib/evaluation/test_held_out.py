"""The held-out evaluation: which faces, which score, which loss."""

from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from lib.config import options, sections
from lib.data.augment import plain
from lib.data.faceset import Cut, FaceSet, load_faces
from lib.data.files import find_images
from lib.errors import FaceswapError
from lib.evaluation.held_out import HeldOut, split
from lib.evaluation.score import score_cut
from lib.model.compiling import compile_model
from lib.model.predictor import Predictor, side_path

COVERAGE = 0.75


def test_the_last_files_by_name_are_held_out() -> None:
    paths = [f"{index:03}.png" for index in range(40)]
    assert split("a", paths, 0.1) == (paths[:36], paths[36:])
    assert split("a", paths, 0.01) == (paths[:39], paths[39:])
    assert split("a", paths[:3], 0.5) == (paths[:1], paths[1:3])


def test_one_face_must_be_left_to_train_on() -> None:
    with pytest.raises(FaceswapError, match="leaves no face of side B to train on: there are 1"):
        split("b", ["0.png"], 0.1)


def half_bright(momentum: float = 0.0) -> keras.Model:
    """Side A gives its input back, side B at half its brightness; two outputs a side."""
    inputs = [keras.Input((32, 32, 3)) for _ in "ab"]
    outputs = []
    for x, factor in zip(inputs, (1.0, 0.5), strict=True):
        weight = keras.initializers.Constant(np.eye(3).reshape(1, 1, 3, 3) * factor)
        outputs.append(keras.layers.Conv2D(3, 1, use_bias=False, kernel_initializer=weight)(x))
        outputs.append(keras.layers.AveragePooling2D(2)(outputs[-1]))
    model = keras.Model(inputs, outputs)
    config = options.merged(cls() for cls in sections.MODEL.values())
    plain_loss = {"loss_function": "mae", "eye_multiplier": 1, "mouth_multiplier": 1}
    return compile_model(
        model, config | plain_loss | {"average_momentum": momentum}, color_order="bgr"
    )


@pytest.fixture(scope="module")
def faces(rendered: dict[str, Path]) -> dict[str, dict[str, FaceSet]]:
    cuts = {"scored": score_cut("face"), "trained": Cut(44, "face", "extended", 3, 4)}
    return {
        kind: {
            side: load_faces(find_images(str(rendered[side]))[:5], cut, kind)[0] for side in "ab"
        }
        for kind, cut in cuts.items()
    }


def held_out(model: keras.Model, faces: dict, *, rgb: bool = False, batch: int = 2) -> HeldOut:
    paths = {side: side_path(model, side) for side in "ab"}
    predictor = Predictor(paths, COVERAGE, rgb=rgb)
    return HeldOut(model, predictor, faces["scored"], faces["trained"], rgb=rgb, batch_size=batch)


def mean_error(faces: FaceSet, factor: float) -> float:
    """Mean absolute error of the whole, the eyes' and the mouth's terms, written out."""
    rows = np.arange(len(faces))
    total = 0.0
    for size in (32, 16):
        truth, mask = (
            plain(pixels, rows, size, COVERAGE).astype(np.float64) / 255
            for pixels in (faces.images, faces.masks)
        )
        fed = plain(faces.images, rows, 32, COVERAGE).astype(np.float64) / 255 * factor
        if size == 16:
            fed = fed.reshape(-1, 16, 2, 16, 2, 3).mean(axis=(2, 4))
        for plane in range(3):
            total += np.mean(np.abs(truth - fed) * mask[..., plane : plane + 1])
    return total


@pytest.mark.parametrize("batch", [1, 2, 5, 16])
def test_the_loss_is_that_of_faces_as_they_are(faces: dict, batch: int) -> None:
    found = held_out(half_bright(), faces, batch=batch).evaluate()
    for side, factor in (("a", 1.0), ("b", 0.5)):
        expected = mean_error(faces["trained"][side], factor)
        assert found.losses[side] == pytest.approx(expected, rel=1e-4)


class Crowded:
    """Takes so many faces at a time and no more; stands for a side of a model."""

    def __init__(self, path: keras.Model, most: int) -> None:
        self._path, self._most = path, most
        self.inputs, self.outputs = path.inputs, path.outputs

    def __call__(self, feed: torch.Tensor, training: bool) -> object:
        if len(feed) > self._most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB.")
        return self._path(feed, training=training)


@pytest.mark.parametrize(("most", "told"), [(1, [3, 2, 1]), (2, [3, 2]), (4, [3])])
def test_where_memory_runs_out_fewer_faces_go_through_with_the_same_loss(
    faces: dict, most: int, told: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    test = held_out(half_bright(), faces, batch=16)
    test._paths = {side: Crowded(path, most) for side, path in test._paths.items()}
    losses = test.evaluate().losses
    for side, factor in (("a", 1.0), ("b", 0.5)):
        assert losses[side] == pytest.approx(mean_error(faces["trained"][side], factor), rel=1e-4)
    assert caplog.messages == [
        f"Out of memory: faces are now evaluated {count} at a time" for count in told
    ]


def test_one_face_that_does_not_fit_is_told_with_what_to_do(faces: dict) -> None:
    test = held_out(half_bright(), faces)
    test._paths = {side: Crowded(path, 0) for side, path in test._paths.items()}
    with pytest.raises(FaceswapError, match="out of memory in a held-out evaluation, even with"):
        test.evaluate()


def test_colours_come_in_the_order_that_the_model_asks_for(faces: dict) -> None:
    model = half_bright()
    blue = keras.Model(model.inputs, model.outputs)
    kernel = next(layer for layer in blue.layers if layer.weights)
    only_first = np.zeros((1, 1, 3, 3), np.float32)
    only_first[..., 0, 0] = 1
    kernel.set_weights([only_first])
    losses = {rgb: held_out(model, faces, rgb=rgb).evaluate().losses["a"] for rgb in (False, True)}
    trained = faces["trained"]["a"]
    reddish = trained.images[..., 2].mean() > trained.images[..., 0].mean()
    # What is kept is blue, or red: a face lacks less without its weaker colour.
    assert (losses[True] < losses[False]) == reddish


def test_the_score_is_the_mean_of_both_sides(faces: dict) -> None:
    model = half_bright()
    both = held_out(model, faces).evaluate().score
    alone = []
    for side in "ab":
        twice = {kind: {"a": sets[side], "b": sets[side]} for kind, sets in faces.items()}
        found = held_out(model, twice)
        alone.append((found._score("a"), found._score("b")))
    (a_as_a, _), (_, b_as_b) = alone
    assert both.psnr == pytest.approx((a_as_a.psnr + b_as_b.psnr) / 2)
    assert both.ssim == pytest.approx((a_as_a.ssim + b_as_b.ssim) / 2)
    assert a_as_a.psnr > b_as_b.psnr + 10, "the one gives its input back"


def test_the_average_of_the_weights_is_what_is_evaluated(faces: dict) -> None:
    model = half_bright(momentum=0.9)
    test = held_out(model, faces)
    raw = test.evaluate().losses["a"]
    for weight, average in zip(
        model.trainable_variables, model.optimizer._model_variables_moving_average, strict=True
    ):
        average.assign(weight.value * 0.5)
    model.optimizer.iterations.assign(1)
    assert test.evaluate().losses["a"] > raw + 0.05
    kernel = model.trainable_variables[0].numpy()
    torch.testing.assert_close(torch.from_numpy(kernel[0, 0]), torch.eye(3))


def test_the_words_tell_all(faces: dict) -> None:
    assert " dB / " in str(held_out(half_bright(), faces).evaluate())
    assert ", loss A 0." in str(held_out(half_bright(), faces).evaluate())
