from pathlib import Path

import pytest

from benchmarks.tables import FOLDER, Table, last


def written(path: Path, **figures: float) -> Table:
    Table("a machine", {("run", name): value for name, value in figures.items()}).write(path)
    return Table.read(path)


@pytest.mark.parametrize(
    ("name", "earlier", "stays", "moves"),
    [
        ("vs_keras", 0.5, 0.54, 0.56),
        ("stall_vs_keras", 0.5, 0.46, 0.44),
        ("data_vs_step", 0.04, 0.043, 0.045),
        ("saving_step_vs_step", 2, 2.1, 2.3),
        ("of_sgemm", 0.8, 0.73, 0.71),
        ("speedup", 1.7, 1.6, 1.5),
        ("peak_megabytes", 2700, 2900, 3000),
        ("megabytes", 1300, 1400, 1500),
        ("forward_share", 0.3, 0.315, 0.325),
        ("rest_share", 0.01, 0.025, 0.035),
        ("psnr", 28, 28.4, 27.4),
        ("swap_psnr", 28, 27.6, 28.6),
        ("ssim", 0.83, 0.845, 0.855),
        ("swap_ssim", 0.83, 0.815, 0.805),
        ("vs_torch", 0, 0, 0.01),
        ("vs_torch", 1, 1, float("nan")),
    ],
)
def test_each_kind_of_figure_moves_by_a_measure_of_its_own(
    tmp_path: Path, name: str, earlier: float, stays: float, moves: float
) -> None:
    before = written(tmp_path / "1.tsv", **{name: earlier})
    assert written(tmp_path / "2.tsv", **{name: stays}).moved(before) == []
    [told] = written(tmp_path / "3.tsv", **{name: moves}).moved(before)
    assert told == f"run: {name} moved from {earlier:.4g} to {moves:.4g}"


def test_figures_that_only_one_table_has_are_told(tmp_path: Path) -> None:
    before = written(tmp_path / "1.tsv", vs_keras=0.5, psnr=28.33, batch=16, seconds=1)
    now = written(tmp_path / "2.tsv", vs_keras=0.5, speedup=1.75, step_seconds=2)
    assert now.moved(before) == ["run: psnr is missing; it was 28.33", "run: speedup is new: 1.75"]


def test_seconds_and_what_depends_on_them_are_not_compared(tmp_path: Path) -> None:
    names = ("seconds", "gflops", "faces_per_second", "iterations", "seconds_per_iteration")
    before = written(tmp_path / "1.tsv", **dict.fromkeys(names, 1.0))
    assert written(tmp_path / "2.tsv", **dict.fromkeys(names, 9.0)).moved(before) == []


def test_the_last_table_is_the_newest_of_the_same_machine(tmp_path: Path) -> None:
    written(tmp_path / "2026-01-02.tsv", vs_keras=2)
    written(tmp_path / "2026-01-01.tsv", vs_keras=1)
    Table("another", {}).write(tmp_path / "2026-01-03.tsv")
    found = last("a machine", tmp_path.glob("*.tsv"))
    assert found is not None
    assert found.figures == {("run", "vs_keras"): 2}
    assert last("a third", tmp_path.glob("*.tsv")) is None


def test_the_tables_that_are_kept_compare_with_themselves() -> None:
    for path in FOLDER.glob("*.tsv"):
        table = Table.read(path)
        assert table.moved(table) == []
        assert Table(table.machine, {}).moved(table)
