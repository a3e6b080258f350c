"""What a process knows of the others; several at work are in ``tests/e2e/test_distributed.py``."""

import random
import tracemalloc
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from lib.errors import DivergedError, FaceswapError, ToldElsewhereError
from lib.training import distributed
from lib.training.distributed import World
from lib.training.launch import EXIT_CODE_FILE
from lib.training.notes import Notes


def test_alone_a_process_is_the_first_and_its_word_counts() -> None:
    assert World().is_first
    assert World().agree(True)
    assert not World().agree(False)


def test_the_second_of_two_is_not_the_first() -> None:
    assert not World(1, 2).is_first


def test_alone_a_process_leads_itself() -> None:
    done: list[str] = []
    World().lead(lambda: done.append("x"))
    assert done == ["x"]
    with pytest.raises(DivergedError, match="why"):
        World().lead(fail)


def fail() -> None:
    raise DivergedError("why")


def test_the_others_wait_for_the_first_and_do_not_do_its_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = "0"
    monkeypatch.setattr(World, "share", lambda world, _: said)
    World(1, 2).lead(fail)
    said = "3"
    with pytest.raises(ToldElsewhereError) as caught:
        World(1, 2).lead(lambda: None)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("error", "code"), [(DivergedError("x"), 3), (FaceswapError("x"), 1), (OSError("x"), 1)]
)
def test_the_first_tells_the_others_that_it_failed_and_how(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(World, "share", lambda world, text: said.append(text) or text)

    def work() -> None:
        raise error

    with pytest.raises(type(error)):
        World(0, 2).lead(work)
    assert said == [str(code)]


def test_only_torchrun_makes_a_process_one_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not distributed.is_launched()
    assert (distributed.join().rank, distributed.join().size) == (0, 1)
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert distributed.is_launched()


def test_alone_a_process_stops_at_once_and_several_once_they_agree() -> None:
    alone, one_of_two = World(), World(0, 2)
    for world in alone, one_of_two:
        world.ask_to_stop()
    assert alone.stops
    assert not one_of_two.stops


@pytest.mark.parametrize("source", [0, 1, 2])
def test_another_may_be_the_first(source: int) -> None:
    ranks = [World(rank, 3).led_by(source).rank for rank in range(3)]
    assert ranks[source] == 0
    assert sorted(ranks) == [0, 1, 2]
    assert [World(rank, 3).led_by(source).led_by(0).rank for rank in range(3)] == [0, 1, 2]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Notes:
    """Notes of a run, one of whose processes this is."""
    notes = Notes(dist.HashStore())
    monkeypatch.setattr(distributed, "notes", lambda: notes)
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv(EXIT_CODE_FILE, raising=False)
    return notes


def test_the_end_stays_where_it_was_when_a_run_is_started_again(launched: Notes) -> None:
    assert distributed.lasting_end(100) == 100
    assert distributed.lasting_end(160) == 100


def test_a_mistake_is_told_by_one_and_known_to_all(launched: Notes) -> None:
    assert distributed.settled(error := DivergedError("why")) is error
    second = distributed.settled(DivergedError("why"))
    assert isinstance(second, ToldElsewhereError)
    lost = distributed.settled(RuntimeError("[gloo/transport/tcp/pair.cc:5] Connection closed"))
    assert isinstance(lost, ToldElsewhereError)
    assert second.exit_code == lost.exit_code == 3
    with pytest.raises(ToldElsewhereError):
        distributed.join()


def test_what_torchrun_may_mend_is_not_settled(launched: Notes) -> None:
    crash = RuntimeError("CUDA error: unspecified launch failure")
    assert distributed.settled(crash) is crash
    lost = RuntimeError("[gloo/transport/tcp/pair.cc:5] Connection closed by peer")
    first, second = distributed.settled(lost), distributed.settled(lost)
    assert str(first).startswith("another process of this run has ended")
    assert isinstance(second, ToldElsewhereError)
    assert launched.get("exit_code") is None


def test_where_the_command_knows_the_code_torchrun_sees_none(
    launched: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EXIT_CODE_FILE, str(tmp_path / "code"))
    assert distributed.settled(DivergedError("why")).exit_code == 0
    assert (tmp_path / "code").read_text() == "3"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """What the first of two processes tells; the second hears it once the first is done."""
    told: list[torch.Tensor] = []

    def broadcast(tensor: torch.Tensor, src: int) -> None:
        assert src == 0
        if broadcast.is_first:
            told.append(tensor.clone())
        else:
            tensor.copy_(told.pop(0))

    broadcast.is_first = True
    monkeypatch.setattr(dist, "broadcast", broadcast)
    return told


def hear() -> World:
    dist.broadcast.is_first = False
    return World(1, 2)


@pytest.mark.parametrize("length", [0, 1, 2**24, 2**26 + 3])
def test_a_file_is_shared_in_parts_and_never_held_whole(
    length: int, said: list[torch.Tensor], tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(random.Random(0).randbytes(length))
    theirs.write_bytes(b"older")
    tracemalloc.start()
    World(0, 2).share_file(ours)
    assert max(map(len, said)) <= 2**24
    hear().share_file(theirs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not said
    assert theirs.read_bytes() == ours.read_bytes()
    assert peak < 2**26


def test_a_file_that_is_cut_off_meanwhile_is_told(
    said: list[torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"12345")
    monkeypatch.setattr(World, "_firsts", lambda *_: 6)
    with pytest.raises(FaceswapError, match="model' was cut off while it was read"):
        World(0, 2).share_file(path)


def test_a_file_that_cannot_be_read_is_a_mistake(said: list[torch.Tensor], tmp_path: Path) -> None:
    with pytest.raises(FaceswapError, match=r"model' can't be read: No such file .*; see to its "):
        World(0, 2).share_file(tmp_path / "model")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_a_mistake_that_is_not_tried_again(
    launched: Notes, said: list[torch.Tensor], tmp_path: Path
) -> None:
    ours = tmp_path / "ours"
    ours.write_bytes(b"12345")
    World(0, 2).share_file(ours)
    with pytest.raises(
        FaceswapError, match=r"'/dev/full' can't be written: No space .* TMPDIR"
    ) as caught:
        hear().share_file(Path("/dev/full"))
    assert distributed.settled(caught.value) is caught.value
    with pytest.raises(ToldElsewhereError):
        distributed.join()


@pytest.mark.parametrize("text", ["", "ein Gruß"])
def test_words_are_shared_as_they_are(text: str, said: list[torch.Tensor]) -> None:
    assert World(0, 2).share(text) == text
    assert hear().share("of no account") == text
    assert not said


def test_alone_a_process_shares_with_nobody(tmp_path: Path) -> None:
    assert World().share("x") == "x"
    World().share_file(tmp_path / "absent")
