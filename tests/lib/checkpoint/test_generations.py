"""The newest few saves: whole or not there, found, pruned."""

import os
from pathlib import Path

import pytest

from lib.checkpoint.generations import Generation, Generations
from lib.errors import FaceswapError


def add(saves: Generations, iterations: int, *, back_up: bool = False) -> Generation:
    def write(folder: Path) -> None:
        (folder / "state.json").write_text(str(iterations))
        (folder / "model.keras").write_text("")

    return saves.add(iterations, write, back_up=back_up)


def iterations(saves: Generations) -> list[int]:
    return [generation.iterations for generation in saves.all()]


def test_a_save_is_a_folder_of_its_own(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny")
    assert saves.newest() == (None, {})
    made = add(saves, 250)
    assert made.path == tmp_path / "tiny_saves" / "000001_250"
    assert sorted(path.name for path in made.path.iterdir()) == [
        *("manifest.json", "model.keras", "state.json"),
    ]
    assert saves.newest() == (made, {})
    assert str(made) == "save 1 (iteration 250)"


def test_the_newest_comes_first_whatever_its_iterations(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny", keep=99)
    for count in [5, 3, 3, *range(10, 20)]:
        add(saves, count)
    assert iterations(saves) == [*reversed(range(10, 20)), 3, 3, 5]


def test_what_is_not_whole_is_left_out_and_told(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny")
    first, second, third = (add(saves, count) for count in (1, 2, 3))
    third.state.write_text("4")
    (second.path / "manifest.json").unlink()
    newest, damaged = saves.newest()
    assert newest == first
    assert list(damaged) == [third, second]
    assert damaged[third] == "its state.json has been altered"
    assert damaged[second] == "its manifest.json is missing, or no file"


def test_a_save_that_fails_leaves_nothing(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny")
    add(saves, 1)

    def fail(folder: Path) -> None:
        (folder / "model.keras").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        saves.add(2, fail, back_up=False)
    assert [path.name for path in saves.folder.iterdir()] == ["000001_1"]


def test_so_many_are_kept_and_the_backup(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny", keep=2)
    for count in range(1, 8):
        newest = add(saves, count, back_up=count in (2, 4))
        saves.prune()
    assert iterations(saves) == [7, 6, 3]
    backup = saves.backup(newest)
    assert backup is not None
    assert backup.iterations == 3
    add(saves, 8, back_up=True)
    saves.prune()
    assert iterations(saves) == [8, 7]


def test_one_alone_can_be_kept(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny", keep=1)
    for count in range(3):
        add(saves, count)
        saves.prune()
    assert iterations(saves) == [2]


def test_nothing_but_saves_is_taken_away(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny", keep=1)
    for count in (1, 2):
        add(saves, count)
    aside = saves.set_aside(saves.all()[1])
    (saves.folder / "mine").mkdir()
    for count in (3, 4):
        add(saves, count)
        saves.prune()
    assert sorted(os.listdir(saves.folder)) == ["000001_1.damaged", "000004_4", "mine"]
    assert (aside / "state.json").read_text() == "1"


def test_what_a_run_that_died_left_goes(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny")
    add(saves, 1)
    for name in (".partial-12", ".pruned-000000_0"):
        (saves.folder / name).mkdir()
        (saves.folder / name / "model.keras").write_text("half")
    saves.sweep()
    assert os.listdir(saves.folder) == ["000001_1"]


def test_what_came_after_a_save_is_abandoned_and_a_few_of_it_stay(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny", keep=2)
    first, *_ = (add(saves, count) for count in (1, 2, 3, 4))
    saves.abandon(first)
    assert saves.newest() == (first, {})
    assert [one.iterations for one in saves.abandoned()] == [4, 3, 2]
    newest = add(saves, 2, back_up=True)
    assert newest.number == 5
    assert saves.backup(newest) == first
    saves.prune()
    assert sorted(os.listdir(saves.folder)) == [
        *("000001_1", "000003_3.abandoned", "000004_4.abandoned", "000005_2"),
    ]
    assert (saves.abandoned()[0].state).read_text() == "4"


def test_what_can_not_be_abandoned_is_told(tmp_path: Path, monkeypatch) -> None:
    saves = Generations(tmp_path, "tiny")
    first, _ = add(saves, 1), add(saves, 2)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.rename", fail)
    with pytest.raises(FaceswapError, match="can't rename in .*tiny_saves': Input/output"):
        saves.abandon(first)


def test_no_number_is_given_twice_and_no_name_either(tmp_path: Path) -> None:
    saves = Generations(tmp_path, "tiny")
    first = add(saves, 1)
    saves.set_aside(add(saves, 2))
    assert add(saves, 2).number == 3
    saves.abandon(first)
    assert add(saves, 2).number == 4
    for name in ("000004_2.damaged", "000004_2.damaged.2"):
        (saves.folder / name).mkdir()
        (saves.folder / name / "state.json").write_text("mine")
    assert saves.set_aside(saves.all()[0]).name == "000004_2.damaged.3"
    again = add(saves, 2)
    (saves.folder / f"{again.path.name}.abandoned").mkdir()
    saves.abandon(first)
    assert (saves.folder / "000005_2.abandoned.2" / "state.json").is_file()
    assert len(saves.abandoned()) == 3


def test_the_first_save_survives_a_power_cut(tmp_path: Path, monkeypatch) -> None:
    synced = []
    for module in ("lib.checkpoint.generations", "lib.files"):
        monkeypatch.setattr(f"{module}.sync", synced.append)
    saves = Generations(tmp_path / "models" / "pair", "tiny")
    add(saves, 1)
    assert {tmp_path, tmp_path / "models", tmp_path / "models" / "pair"} < set(synced)
    assert synced[-1] == saves.folder
    synced.clear()
    add(saves, 2)
    assert tmp_path / "models" / "pair" not in synced


def test_a_save_is_read_again_only_when_it_changed(tmp_path: Path, monkeypatch) -> None:
    saves = Generations(tmp_path, "tiny")
    made = add(saves, 1)
    made.verify()
    with monkeypatch.context() as patch:
        patch.setattr("hashlib.file_digest", lambda *_: pytest.fail("read again"))
        saves.all()[0].verify()
    made.state.write_text("2")
    assert saves.newest()[0] is None


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"iterations": 2', '"iterations": 9', "by its manifest it is of 'tiny', iteration 9"),
        ('"model": "tiny"', '"model": "other"', "by its manifest it is of 'other', iteration 2"),
        ('"model.keras"', '"manifest.txt"', "its manifest lists no model, or no state"),
    ],
)
def test_a_save_must_be_what_its_folder_says(tmp_path: Path, old: str, new: str, why: str) -> None:
    saves = Generations(tmp_path, "tiny")
    add(saves, 1)
    file = add(saves, 2).path / "manifest.json"
    file.write_text(file.read_text().replace(old, new))
    newest, damaged = saves.newest()
    assert newest is not None
    assert newest.iterations == 1
    assert list(damaged.values()) == [why]
