import json
from pathlib import Path

import cv2
import pytest

from benchmarks import quality_figure
from benchmarks.quality_figure import band, write_figure

CLOCK = "0.5 s an iteration, as on a quiet machine"


def curve(*points: tuple[float, float]) -> list[dict[str, float | None]]:
    """Minutes and PSNR."""
    return [
        {"seconds": 60 * minutes, "psnr": psnr, "ssim": psnr / 40, "swap_psnr": None}
        for minutes, psnr in points
    ]


def line(seed: int, **settings: object) -> dict[str, object]:
    run = {"seed": seed, "curve": curve((1, 20), (2, 22 + seed))}
    common = {"model": "compact", "pair": "grid", "coverage": 100.0, "batch": 16, "clock": CLOCK}
    return {**common, "runs": [run], **settings}


def test_mean_and_range_are_of_the_runs_that_reached_a_time() -> None:
    runs = [curve((1, 20), (4, 24)), curve((1, 22), (4, 28), (16, 30)), curve((16, 36))]
    assert band(runs, "psnr") == [
        pytest.approx((1, 21, 20, 22)),
        pytest.approx((4, 26, 24, 28)),
        pytest.approx((16, 33, 30, 36)),
    ]


def test_a_run_counts_between_its_points_along_the_logarithm_of_time() -> None:
    runs = [curve((1, 20), (4, 24)), curve((1, 20), (2, 26), (4, 24))]
    assert band(runs, "psnr")[1] == pytest.approx((2, 24, 22, 26))


def test_times_as_they_were_measured_count_as_one_where_they_are_close() -> None:
    runs = [curve((1.00, 20), (2.03, 30)), curve((1.02, 22), (2.00, 32))]
    rows = band(runs, "psnr")
    assert [minutes for minutes, *_ in rows] == [1, 2]
    assert rows[0][1:] == (21, 20, 22)
    assert rows[1][3] == 32


def test_a_score_that_nobody_knows_makes_no_curve() -> None:
    assert band([curve((1, 20))], "swap_psnr") == []
    assert band([curve((1, 20))], "swap_ssim") == []


def test_stored_lines_of_the_same_settings_are_one_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        line(0),
        line(1),
        line(0, coverage=68.75),
        line(0, batch=8),
        line(2),
        line(0, model="original"),
    ]
    for number, some in enumerate((lines[:2], lines[2:])):
        texts = [json.dumps(each) for each in some]
        (tmp_path / f"{number}.jsonl").write_text("\n\n".join(texts) + "\n")
    labels: list[str] = []
    draw = quality_figure._draw
    monkeypatch.setattr(
        quality_figure, "_draw", lambda *args: [labels.append(args[-1]), draw(*args)]
    )
    files = [str(tmp_path / f"{number}.jsonl") for number in range(2)]
    drawn = tmp_path / "out.png"
    monkeypatch.setattr("sys.argv", ["quality_figure", *files, "--png", str(drawn)])
    quality_figure.main()
    assert labels[:8:2] == [
        "compact, coverage 100 %, batch 16, 3 seeds, 0.5 s an iteration",
        "compact, coverage 68.75 %, batch 16, 1 seed, 0.5 s an iteration",
        "compact, coverage 100 %, batch 8, 1 seed, 0.5 s an iteration",
        "original, coverage 100 %, batch 16, 1 seed, 0.5 s an iteration",
    ]
    image = cv2.imread(str(drawn))
    assert image is not None
    assert image.std() > 10


def test_scores_of_different_people_make_no_figure(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="grid.*rendered"):
        write_figure(tmp_path / "out.png", [line(0), line(0, pair="rendered")])
