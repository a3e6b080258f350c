"""What a process knows of the others; several at work are in ``tests/e2e/test_distributed.py``."""

import pytest

from lib.errors import DivergedError, FaceswapError, ToldElsewhereError
from lib.training import distributed
from lib.training.distributed import World


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
    assert distributed.join() == World()
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert distributed.is_launched()
