"""What a process knows of the others; several at work are in ``tests/e2e/test_distributed.py``."""

from pathlib import Path

import pytest
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
