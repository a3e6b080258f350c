import subprocess
from pathlib import Path

import pytest

import benchmarks.__main__ as bench
from benchmarks.tables import Table

PRINTED = {
    "one": 'a word before\n{"model": "compact", "batch": 16, "vs_keras": 0.5, "seconds": 2}\n',
    "two": None,
    "three": '{"size": 64, "speedup": 1.75}\n',
}
MEASURED = {("one", "vs_keras"): 0.5, ("one", "seconds"): 2, ("three --fast", "speedup"): 1.75}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the table of three runs goes, of which the second fails."""

    def run(words: list[str], **_: object) -> subprocess.CompletedProcess:
        printed = PRINTED[words[2].removeprefix("benchmarks.")]
        return subprocess.CompletedProcess(words, int(printed is None), printed or "")

    monkeypatch.setattr(bench.subprocess, "run", run)
    monkeypatch.setattr(bench, "RUNS", ("one", "two", "three --fast"))
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "new_path", lambda: tmp_path / "2.tsv")
    monkeypatch.setattr(bench, "this_machine", lambda: "a machine")
    return tmp_path / "2.tsv"


def test_a_run_that_fails_costs_no_other_its_figures(table: Path) -> None:
    with pytest.raises(SystemExit, match=r"^Failed.*: two$"):
        bench.main()
    assert Table.read(table) == Table("a machine", MEASURED)


def test_what_was_measured_before_an_interrupt_is_kept(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(run: str) -> dict[str, float]:
        if run == "two":
            raise KeyboardInterrupt
        return {"vs_keras": 0.5}

    monkeypatch.setattr(bench, "measure", measure)
    with pytest.raises(KeyboardInterrupt):
        bench.main()
    assert Table.read(table).figures == {("one", "vs_keras"): 0.5}


def test_tells_what_has_moved_since_the_last_table(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Table("a machine", {**MEASURED, ("one", "vs_keras"): 0.4}).write(table.with_name("1.tsv"))
    with pytest.raises(SystemExit):
        bench.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "one: vs_keras moved from 0.4 to 0.5"
