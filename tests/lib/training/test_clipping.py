"""Clipped gradients against the formulas in NumPy, and what autoclip remembers."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lib.training import clipping
from lib.training.clipping import AutoClip, make_clipping

SHAPES = [(3, 3, 2, 4), (4,), (10, 5), ()]
KINDS = [None, "norm", "global_norm", "value", "autoclip"]
Gradients = list[NDArray[np.float64]]


def make(kind: str | None, limit: float = 1.0, percentile: int = 30) -> clipping.Clipping:
    return make_clipping(
        {
            "gradient_clipping": kind,
            "clipping_value": limit,
            "autoclip_percentile": percentile,
        }
    )


def draw(seed: int, scale: float = 1.0) -> Gradients:
    rng = np.random.default_rng(seed)
    return [np.asarray(scale * rng.normal(size=shape)) for shape in SHAPES]


def norm(gradients: Gradients) -> float:
    return math.sqrt(sum((g**2).sum() for g in gradients))


def clipped(clip: clipping.Clipping, gradients: Gradients) -> Gradients:
    tensors = [torch.tensor(g) for g in gradients]
    clip(tensors)
    return [t.numpy() for t in tensors]


def assert_same(ours: Gradients, expected: Gradients, rtol: float = 1e-12) -> None:
    for x, y in zip(ours, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol)


@pytest.mark.parametrize("scale", [0.01, 0.3, 1.0, 100.0])
def test_each_kind_is_its_formula(scale: float) -> None:
    given = draw(0, scale)
    assert_same(clipped(make(None), given), given)
    by_itself = [g * min(1, 2 / norm([g])) for g in given]
    assert_same(clipped(make("norm", 2), given), by_itself)
    together = [g * min(1, 2 / norm(given)) for g in given]
    assert_same(clipped(make("global_norm", 2), given), together)
    assert_same(clipped(make("value", 2), given), [np.clip(g, -2, 2) for g in given])


@given(st.integers(0, 1000), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_the_joint_norm_is_never_above_the_limit_and_the_direction_stays(
    seed: int, scale: float, limit: float
) -> None:
    given = draw(seed, scale)
    ours = clipped(make("global_norm", limit), given)
    assert norm(ours) <= limit * (1 + 1e-12)
    if norm(given) <= limit:
        assert_same(ours, given, rtol=0)
    cosine = sum((x * y).sum() for x, y in zip(ours, given, strict=True))
    np.testing.assert_allclose(cosine, norm(ours) * norm(given), rtol=1e-12)


@pytest.mark.parametrize("percentile", [1, 10, 50, 100])
def test_autoclip_takes_the_percentile_of_the_newest_norms(percentile: int, monkeypatch) -> None:
    monkeypatch.setattr(clipping, "HISTORY", 16)
    clip = make("autoclip", percentile=percentile)
    norms: list[float] = []
    for step in range(50):
        given = draw(step, scale=np.random.default_rng(step).lognormal(sigma=2))
        norms.append(norm(given))
        limit = np.percentile(norms[-16:], percentile)
        expected = [g * min(1, limit / norms[-1]) for g in given]
        assert_same(clipped(clip, given), expected, rtol=1e-6)


@pytest.mark.parametrize("broken", [math.inf, -math.inf, math.nan])
def test_autoclip_forgets_a_norm_that_is_not_finite(broken: float, monkeypatch) -> None:
    monkeypatch.setattr(clipping, "HISTORY", 16)
    clip, other = make("autoclip"), make("autoclip")
    for step in range(30):
        if step in (0, 7, 8, 16, 25, 26):
            given = draw(step)
            given[0][0, 0, 0, 0] = broken
            assert not all(np.isfinite(g).all() for g in clipped(clip, given))
            assert clip.state() == other.state()
        assert_same(clipped(clip, draw(step)), clipped(other, draw(step)), rtol=0)
    assert clip.state() == other.state()


@pytest.mark.parametrize("kind", ["norm", "global_norm"])
def test_gradients_that_are_not_finite_are_not_hidden(kind: str) -> None:
    given = draw(0)
    given[1][2] = math.inf
    assert not np.isfinite(clipped(make(kind), given)[1]).all()


@pytest.mark.parametrize("steps", [0, 5, 16, 21])
def test_autoclip_goes_on_exactly_from_its_state(steps: int, monkeypatch) -> None:
    monkeypatch.setattr(clipping, "HISTORY", 16)
    clip = make("autoclip")
    for step in range(steps):
        clipped(clip, draw(step, scale=step))
    again = make("autoclip")
    again.restore(json.loads(json.dumps(clip.state())))
    for step in range(steps, steps + 40):
        assert_same(clipped(again, draw(step)), clipped(clip, draw(step)), rtol=0)
    assert again.state() == clip.state()


def test_state_holds_the_norms_from_old_to_new(monkeypatch) -> None:
    monkeypatch.setattr(clipping, "HISTORY", 4)
    clip = make("autoclip")
    for value in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0):
        clip([torch.tensor([value])])
    assert clip.state() == {"norms": [3.0, 4.0, 5.0, 6.0]}


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_of_another_kind_is_no_hindrance(kind: str | None) -> None:
    full = make("autoclip")
    clipped(full, draw(0))
    for state in ({}, full.state()):
        clip = make(kind)
        clip.restore(state)
        clipped(clip, draw(1))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_zeros_stay(kind: str | None) -> None:
    zeros: Any = [np.zeros(shape) for shape in SHAPES]
    assert_same(clipped(make(kind), zeros), zeros, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_read_back(kind: str | None, monkeypatch) -> None:
    """A tensor on the device "meta" has no values: whoever reads one gets an exception."""
    monkeypatch.setattr(clipping, "device", lambda: torch.device("meta"))
    clip = make(kind)
    for _ in range(3):
        clip([torch.empty(shape, device="meta") for shape in SHAPES])


def test_reading_back_would_be_noticed(monkeypatch) -> None:
    monkeypatch.setattr(clipping, "device", lambda: torch.device("meta"))
    with pytest.raises((RuntimeError, NotImplementedError)):
        AutoClip(10).state()
