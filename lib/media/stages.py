"""Work on frames in stages, each in a thread of its own, so that they overlap."""

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_LOOK = 0.1
"""Seconds after which a thread that waits looks whether it is still wanted."""


class _End:
    """Stands behind the last item, with what ended the stage."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Stage(Generic[T]):
    """Goes through items in a thread, a few ahead of whoever takes them.

    Stages are chained by giving one as items to a generator, and that to the next one. The order is
    kept. An error reaches whoever takes the items, after those that were made before it.

    Parameters
    ----------
    name
        What the stage is called.
    items
        What to go through; nothing else may. A generator's own ``finally`` runs when it is closed.
    depth
        How many may be ready and not yet taken.
    before
        The stage whose items these are made of; its waiting is not this one's work.

    Attributes
    ----------
    waited
        Seconds for which whoever took the items had to wait for them.
    """

    def __init__(
        self, name: str, items: Iterable[T], depth: int = 2, before: "Stage[Any] | None" = None
    ) -> None:
        self.name, self.waited = name, 0.0
        self._items, self._before = items, before
        self._spent = 0.0
        self._ready: queue.Queue[T | _End] = queue.Queue(depth)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def worked(self) -> float:
        """Seconds that the stage has worked, without what it waited for the one before."""
        return self._spent - (self._before.waited if self._before is not None else 0.0)

    def __iter__(self) -> Iterator[T]:
        while True:
            begun = time.perf_counter()
            item = self._take()
            self.waited += time.perf_counter() - begun
            if isinstance(item, _End):
                self._put(item)  # whoever asks again is told again
                if item.error is not None:
                    raise item.error
                return
            yield item

    def close(self) -> None:
        """End the thread and wait for it, and for the stages before; what is ready is lost."""
        self._closed.set()
        if self._before is not None:
            self._before.close()
        self._thread.join()

    def _run(self) -> None:
        error = None
        iterator = iter(self._items)
        try:
            while not self._closed.is_set():
                begun = time.perf_counter()
                try:
                    item = next(iterator)
                except StopIteration:
                    break
                finally:
                    self._spent += time.perf_counter() - begun
                self._put(item)
            if hasattr(iterator, "close"):
                iterator.close()
        except BaseException as raised:
            error = raised
        self._put(_End(error))

    def _take(self) -> T | _End:
        while not self._closed.is_set():
            with suppress(queue.Empty):
                return self._ready.get(timeout=_LOOK)
        return _End(None)

    def _put(self, item: T | _End) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                return self._ready.put(item, timeout=_LOOK)
