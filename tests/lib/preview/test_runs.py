"""Curves of runs can be read, whether these took seconds or days."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from lib.live.record import Record
from lib.preview.runs import is_ours, write_runs


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Those that are drawn."""
    drawn: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *args: Any, **more: Any) -> None:
        save(figure, *args, **more)
        drawn.append(figure)

    monkeypatch.setattr(Figure, "savefig", keep)
    return drawn


def run(seconds: float, points: int, first: float = 0.3, last: float = 0.2) -> Record:
    losses = np.geomspace(first, last, points)
    noise = np.random.default_rng(0).normal(1, 0.1, points)
    told: list[dict[str, Any]] = [{"event": "begun", "iteration": 0, "time": 0.0}]
    for number, (loss, factor) in enumerate(zip(losses, noise, strict=True), 1):
        what = {"loss_a": loss * factor, "loss_b": loss, "iteration": 3 * number}
        told.append({"event": "progress", "time": seconds * number / points, **what})
    return Record.of(told)


def drawn(figures: list[Figure], path: Path, *records: Record) -> Figure:
    write_runs(path, {f"run {number}": record for number, record in enumerate(records)})
    assert is_ours(path)
    return figures[-1]


def test_time_is_told_in_the_unit_that_fits(figures: list[Figure], tmp_path: Path) -> None:
    for seconds, unit, end in (
        *((9, "Seconds", 9), (120, "Seconds", 120), (180, "Minutes", 3)),
        *((7200, "Minutes", 120), (3 * 86400, "Hours", 72)),
    ):
        figure = drawn(figures, tmp_path / "x.png", run(seconds, 5), run(seconds / 3, 5))
        axes = figure.axes[1]
        assert axes.get_xlabel() == f"{unit} of training"
        assert axes.lines[0].get_xdata()[-1] == pytest.approx(end)
        assert axes.get_xlim()[0] == 0


def test_a_log_without_times_is_drawn_over_iterations(
    figures: list[Figure], tmp_path: Path
) -> None:
    scores = [{"event": "held_out", "iteration": 500, "time": 9.0, "psnr": 22.0, "ssim": 0.5}]
    figure = drawn(figures, tmp_path / "x.png", Record.of(scores))
    assert [axes.get_xlabel() for axes in figure.axes[-2:]] == ["Iterations", "Hours of training"]
    assert list(figure.axes[2].lines[0].get_xdata()) == [500]


@pytest.mark.parametrize("last", [0.29, 0.2, 0.1, 0.03, 0.001])
def test_losses_have_ticks_enough_and_not_too_many(
    figures: list[Figure], tmp_path: Path, last: float
) -> None:
    axes = drawn(figures, tmp_path / "x.png", run(180, 18, last=last)).axes[0]
    low, high = axes.get_ylim()
    named = [tick for tick in axes.get_yticks() if low <= tick <= high]
    assert 3 <= len(named) <= 10
    assert named[0] < (low * high) ** 0.5  # in the lower half, too
    assert not len(axes.yaxis.get_minorticklocs())


def test_a_single_point_is_seen_and_its_side_too(figures: list[Figure], tmp_path: Path) -> None:
    axes = drawn(figures, tmp_path / "x.png", run(9, 1)).axes[0]
    a, b = axes.lines
    assert (a.get_marker(), b.get_marker()) == ("o", "o")
    assert a.get_markersize() >= 8
    assert a.get_markerfacecolor() != b.get_markerfacecolor() == "white"


def test_long_runs_are_drawn_by_means(figures: list[Figure], tmp_path: Path) -> None:
    axes = drawn(figures, tmp_path / "x.png", run(3 * 86400, 26_000, 0.2, 0.2)).axes[0]
    values = axes.lines[0].get_ydata()
    assert len(values) <= 250
    assert np.abs(values / 0.2 - 1).max() < 0.05
