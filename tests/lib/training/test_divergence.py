"""Runs that break down are noticed, and no others. Their figures are made up here; those of real
runs stand in ``docs/experiments.md``."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.training.divergence import Breakdown, Divergence

NAMES = ["face_a", "mask_a", "face_b", "mask_b"]
COLUMNS = {"A": 0, "B": 2}

Run = tuple[np.ndarray, np.ndarray, np.ndarray]


def run(count: int, noise: float = 0.0, seed: int = 0) -> Run:
    """A sound run: losses about 0.1 and 0.01 of log-normal noise, spread about 0.8."""
    rng = np.random.default_rng(seed)
    losses = np.array([0.1, 0.01, 0.1, 0.01]) * np.exp(rng.normal(0, noise, (count, 4)))
    spread = np.exp(rng.normal(0, noise / 4, (count, 4))) * [0.8, 1, 0.8, 1]
    return losses, spread, np.ones(count, bool)


def judged(figures: Run, divergence: Divergence | None = None, read: int = 7) -> list[Breakdown]:
    """All that is told of a run whose figures come so many at a time."""
    divergence = divergence or Divergence(NAMES)
    count = len(figures[0])
    told = (
        divergence.add(*(kind[at : at + read] for kind in figures)) for at in range(0, count, read)
    )
    return [found for found in told if found]


def first(figures: Run, read: int = 1) -> tuple[int, Breakdown]:
    """The first breakdown, and the count of iterations when it was told."""
    divergence = Divergence(NAMES)
    for at in range(0, len(figures[0]), read):
        if found := divergence.add(*(kind[at : at + read] for kind in figures)):
            return at + read, found
    raise AssertionError("no breakdown")


noises = st.floats(0, 1.5)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(noise=noises, seed=seeds)
def test_noise_of_any_size_is_no_breakdown(noise: float, seed: int) -> None:
    assert not judged(run(900, noise, seed))


@settings(max_examples=25, deadline=None)
@given(noise=st.floats(0, 0.7), seed=seeds, halving=st.floats(15, 2000))
def test_a_loss_that_falls_is_no_breakdown(noise: float, seed: int, halving: float) -> None:
    losses, spread, good = run(700, noise, seed)
    falling = 0.01 + 2 ** (-np.arange(700) / halving)
    rising = 1 - 0.9 * falling
    assert not judged((losses * falling[:, None], spread * rising[:, None], good))


@settings(max_examples=40, deadline=None)
@given(
    noise=noises,
    seed=seeds,
    side=st.sampled_from("AB"),
    at=st.integers(150, 600),
    more=st.floats(1.3, 100),
)
def test_a_loss_that_rises_out_of_its_noise_and_stays_is_one(
    noise: float, seed: int, side: str, at: int, more: float
) -> None:
    losses, spread, good = run(700, noise, seed)
    losses[at:, COLUMNS[side]] *= max(3.0, np.exp(4 * noise)) * 1.5 * more
    when, found = first((losses, spread, good))
    assert at < when <= at + 32
    assert found.kind == "loss"
    assert f"side {side}" in found.text


@pytest.mark.parametrize(("factor", "is_told"), [(2.9, False), (3.1, True)])
def test_without_noise_three_times_the_best_is_the_limit(factor: float, is_told: bool) -> None:
    losses, spread, good = run(400)
    losses[200:] *= factor
    assert bool(judged((losses, spread, good))) == is_told


@pytest.mark.parametrize(("factor", "is_told"), [(5, False), (11, True)])
def test_with_noise_the_limit_is_four_standard_deviations(factor: float, is_told: bool) -> None:
    losses, spread, good = run(324, noise=0.5)
    losses[:, 1::2] = 1e-9
    losses[300:, 0] = 0.1 * factor  # exp(4 * 0.5) = 7.4
    assert bool(judged((losses, spread, good))) == is_told


def test_a_loss_is_measured_by_its_best_level() -> None:
    losses, spread, good = run(500)
    losses *= np.repeat([4.0, 1.0], [350, 150])[:, None]
    losses[400:] *= 3.5
    assert judged((losses, spread, good))


def test_faces_of_two_kinds_one_at_a_time_are_no_breakdown() -> None:
    losses, spread, good = run(20_000, noise=0.1)
    is_rare = np.random.default_rng(0).random((20_000, 4)) < 0.35
    losses[is_rare] *= 10
    spread[is_rare] *= 5
    spread[:, 2] = 0.8 * np.where(is_rare[:, 2], 0.1, 1)
    assert not judged((losses, spread, good), read=50)


def test_what_passes_is_no_breakdown() -> None:
    losses, spread, good = run(600, noise=0.1)
    for at in (200, 300, 450):
        losses[at : at + 7] *= 50
        spread[at : at + 7, 0] = 0
        spread[at : at + 7, 2] = 40
    assert not judged((losses, spread, good))


@pytest.mark.parametrize("side", "AB")
@pytest.mark.parametrize(("value", "kind"), [(0.01, "flat"), (2.6, "garish"), (np.inf, "garish")])
def test_faces_of_one_side_that_go_flat_or_garish(side: str, value: float, kind: str) -> None:
    losses, spread, good = run(400, noise=0.2)
    spread[250:, COLUMNS[side]] = value
    when, found = first((losses, spread, good))
    assert 250 < when <= 274
    assert found.kind == kind
    assert f"side {side}" in found.text
    assert f"vary {min(value, 1e6):.2g} times" in found.text
    assert re.search(r"at its best 0\.(79|8\d?) times", found.text)
    assert "\n" not in found.text


def test_a_spread_that_can_not_be_told_is_a_large_one() -> None:
    losses, spread, good = run(400)
    spread[:30, 0], spread[250:, 0] = np.inf, np.nan
    assert first((losses, spread, good))[1].kind == "garish"


def test_what_was_flat_before_can_not_go_flat() -> None:
    losses, spread, good = run(400)
    spread[:, 0], spread[250:, 0] = 0.15, 0.001
    assert not judged((losses, spread, good))


def test_faces_that_vary_a_good_deal_less_or_more_are_no_breakdown() -> None:
    losses, spread, good = run(600)
    for before, after in ((0.35, 1.9), (0.8, 2.3), (0.8, 0.22)):
        spread[:, 0] = before
        spread[350:, 0] = after
        assert not judged((losses, spread, good)), (before, after)


def test_masks_have_no_spread() -> None:
    losses, spread, good = run(400)
    spread[250:, 1::2] = 0
    assert not judged((losses, spread, good))


def test_every_output_of_a_side_is_looked_at() -> None:
    names = ["face_a", "face_a_2", "face_b", "face_b_2"]
    losses, spread, good = run(400)
    spread[250:, 3] = 0
    (found, *_) = judged((losses, spread, good), Divergence(names))
    assert found.kind == "flat"
    assert "side B" in found.text


def test_a_new_model_and_one_that_went_back_have_time_to_find_their_level() -> None:
    losses, spread, good = run(115)
    losses[60:] *= 100
    spread[60:] = 0
    divergence = Divergence(NAMES)
    for _ in range(2):
        assert not judged((losses, spread, good), divergence)
        assert judged((losses[-8:], spread[-8:], good[-8:]), divergence)
        divergence.reset()


@pytest.mark.parametrize(("pattern", "is_told"), [([9, 1] * 3, False), ([10], True)])
def test_ten_bad_steps_in_a_row(pattern: list[int], is_told: bool) -> None:
    losses, spread, _ = run(sum(pattern))
    good = np.repeat(np.arange(len(pattern)) % 2 == 1, pattern)
    losses[~good], spread[~good] = np.nan, np.inf
    found = judged((losses, spread, good), read=1)
    assert bool(found) == is_told
    if found:
        assert found[0] == Breakdown(
            "bad_steps", "10 iterations in a row had losses or gradients that are not finite"
        )


def test_thirty_bad_steps_of_a_hundred() -> None:
    losses, spread, good = run(400)
    good[::4] = False
    assert not judged((losses, spread, good))
    good[200:300:10] = False  # 25 and 5 of the hundred
    found = judged((losses, spread, good), read=1)
    assert found[0].kind == "bad_steps"
    assert found[0].text.startswith("30 of the last 100 iterations")


def test_bad_steps_before_a_reset_do_not_count() -> None:
    losses, spread, good = run(9)
    divergence = Divergence(NAMES)
    for _ in range(4):
        assert not judged((losses, spread, ~good), divergence)
        divergence.reset()


def test_a_bad_step_says_nothing_about_losses_and_faces() -> None:
    losses, spread, good = run(600)
    good[::5] = False
    losses[~good], spread[~good] = np.nan, np.nan
    assert not judged((losses, spread, good))
    losses[300:] *= 4
    when, found = first((losses, spread, good))
    assert found.kind == "loss"
    assert when <= 300 + 32


@pytest.mark.parametrize("read", [2, 16, 100, 400])
def test_a_run_is_judged_alike_however_its_figures_come_in(read: int) -> None:
    losses, spread, good = run(400, noise=0.3)
    losses[211:] *= 20
    spread[230:] = 0
    when, expected = first((losses, spread, good))
    got, found = first((losses, spread, good), read)
    assert found == expected
    assert when <= got < when + read


def test_what_was_seen_outlives_a_restart() -> None:
    rng = np.random.default_rng(0)
    straight, names = Divergence(["face_a", "face_b"]), ["face_a", "face_b"]
    losses = rng.lognormal(0, 0.2, (130, 2))
    spread, good = np.full((130, 2), 0.8), np.ones(130, bool)
    straight.add(losses, spread, good)
    resumed = Divergence(names)
    resumed.restore(json.loads(json.dumps(straight.state())))
    high = losses[:40] * 10
    for one in (straight, resumed):
        found = one.add(high, spread[:40], good[:40])
        assert found is not None
        assert found.kind == "loss"
    assert straight.state() == resumed.state()


@pytest.mark.parametrize("state", [{"rows": "AAAA", "count": 1}, {"rows": "?", "count": 1}])
def test_what_another_run_saw_is_refused(state: dict) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Divergence(["face_a", "face_b"]).restore(state)
