"""What outlives the processes of a run: short notes that torchrun keeps over its restarts.

torchrun holds a small store, which all processes reach and which is there until torchrun itself
ends. Processes that are started again find in it what those before them left: where the run is to
end, and whether it has come to an end that no restart mends.

PyTorch lets the processes find one another through the same store. What those of an earlier attempt
left there would lead the next ones to addresses that are no more, so that each attempt uses a part
of its own (`meeting_place`).
"""

import os
import time
import uuid
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache

from torch.distributed import PrefixStore, Store, TCPStore  # type: ignore[attr-defined]

PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others when it starts."""


class Notes:
    """Notes by name, the same for all processes of a run.

    Parameters
    ----------
    store
        Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> str | None:
        """What is noted under a name; None where nothing is, or where it can't be asked for."""
        with suppress(RuntimeError):  # torchrun may have ended
            if self._store.check([name]):
                return str(self._store.get(name).decode())
        return None

    def settle(self, name: str, text: str) -> str:
        """Note something unless there is a note of this name; give what is noted now."""
        with suppress(RuntimeError):
            return str(self._store.compare_set(name, "", text).decode())
        return text

    def is_first(self, name: str) -> bool:
        """Whether nobody has asked this of the same name before."""
        with suppress(RuntimeError):
            return int(self._store.add(name, 1)) == 1
        return True

    def meeting_place(self, rank: int, size: int) -> Store:
        """The part of the store that the processes of this attempt have for themselves.

        Each of the others leaves a word that nobody has used before, and the first answers it with
        the name of the place; so none takes an earlier attempt's for its own. It counts on
        torchrun ending all processes of an attempt before it starts the next.

        Parameters
        ----------
        rank, size
            Number of this process, from 0, and how many there are.

        Raises
        ------
        RuntimeError
            Some did not come.
        """
        name = self._answer(size) if rank == 0 else self._ask(rank)
        return PrefixStore(name, self._store)

    def _ask(self, rank: int) -> str:
        word = uuid.uuid4().hex
        self._store.set(f"here/{rank}", word)
        self._store.wait([word], PATIENCE)
        name = str(self._store.get(word).decode())
        self._store.add(name, 1)
        return name

    def _answer(self, size: int) -> str:
        name, end = uuid.uuid4().hex, time.monotonic() + PATIENCE.total_seconds()
        while (come := self._store.add(name, 0)) < size - 1:
            if time.monotonic() > end:
                raise RuntimeError(f"{size - 1 - come} of {size} did not come in {PATIENCE}")
            for key in (f"here/{rank}" for rank in range(1, size)):
                if self._store.check([key]):
                    self._store.set(self._store.get(key).decode(), name)
            time.sleep(0.02)
        return name


@lru_cache(maxsize=1)
def notes() -> Notes:
    """The notes of the run that this process belongs to, one that torchrun started.

    Raises
    ------
    RuntimeError
        The store can't be reached.
    """
    is_kept = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = TCPStore(
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        is_master=not is_kept and os.environ["RANK"] == "0",
        wait_for_workers=False,
        timeout=PATIENCE,
    )
    return Notes(store)
