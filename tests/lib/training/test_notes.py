"""Notes that outlive processes, and how those of one attempt find one another."""

import threading

import pytest
import torch.distributed as dist

from lib.training.notes import Notes


@pytest.fixture
def store() -> dist.Store:
    return dist.HashStore()


def test_the_first_note_of_a_name_stays(store: dist.Store) -> None:
    notes = Notes(store)
    assert notes.get("end") is None
    assert notes.settle("end", "100") == "100"
    assert Notes(store).settle("end", "150") == "100"
    assert notes.get("end") == "100"


def test_one_alone_is_the_first_to_ask(store: dist.Store) -> None:
    assert [Notes(store).is_first("told") for _ in range(3)] == [True, False, False]
    assert Notes(store).is_first("lost")


def test_processes_of_an_attempt_meet_where_no_earlier_one_did(store: dist.Store) -> None:
    before = meet(store, 3)
    after = meet(store, 3)
    for places in (before, after):
        places[0].set("address", "here")
        assert [place.get("address") for place in places] == [b"here"] * 3
    before[0].set("old", "x")
    assert not after[1].check(["old"])


def test_words_of_processes_that_died_while_they_met_are_no_answer(store: dist.Store) -> None:
    store.set("here/1", "a word of one that is gone")
    places = meet(store, 2)
    places[0].set("address", "here")
    assert places[1].get("address") == b"here"


def meet(store: dist.Store, size: int) -> list[dist.Store]:
    found: dict[int, dist.Store] = {}

    def come(rank: int) -> None:
        found[rank] = Notes(store).meeting_place(rank, size)

    threads = [threading.Thread(target=come, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == size
    return [found[rank] for rank in range(size)]
