"""The thread that keeps batches ready, ahead of their use."""

import threading
import time
from collections import deque
from typing import Generic, Protocol, Self, TypeVar

from lib.gpus import take_own

Made = TypeVar("Made")
Makes = TypeVar("Makes", covariant=True)

_DEPTH = 3


class Maker(Protocol[Makes]):
    """Makes batches of one side by their number."""

    def batch(self, number: int) -> Makes:
        """Make the batch of this number, counted from 0."""
        ...


class Prefetcher(Generic[Made]):
    """Makes the batches of both sides in a thread, ahead of their use.

    Parameters
    ----------
    batches_a, batches_b
        The sides' batches; nothing else may call `batch` of them until this is closed.
    start
        Number of the first pair.
    step
        From the number of one pair to that of the next.

    Attributes
    ----------
    waited
        Seconds that `next` has waited in all.
    """

    def __init__(
        self,
        batches_a: Maker[Made],
        batches_b: Maker[Made],
        start: int = 0,
        *,
        step: int = 1,
    ) -> None:
        self.waited = 0.0
        self._sides = batches_a, batches_b
        self._step = step
        self._ready: deque[tuple[Made, Made]] = deque()
        self._error: BaseException | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(
            target=self._run, args=(start,), name="prefetch", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next(self) -> tuple[Made, Made]:
        """Take the next batches of A and B; wait for them where they are not ready.

        Raises
        ------
        Exception
            Whatever ended the thread, once the pairs made before it are taken.
        ValueError
            The prefetcher is closed.
        """
        begun = time.perf_counter()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._error or self._closed)
            self.waited += time.perf_counter() - begun
            if self._closed:
                raise ValueError("next() on a closed Prefetcher")
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
            assert self._error is not None
            raise self._error

    def close(self) -> None:
        """End the thread, wait for it, and let go of what is ready."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
        self._thread.join()

    def _run(self, number: int) -> None:
        try:
            take_own()
            while self._has_room():
                batch_a, batch_b = (side.batch(number) for side in self._sides)
                number += self._step
                with self._changed:
                    self._ready.append((batch_a, batch_b))
                    self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait until another pair is wanted; False once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._ready) < _DEPTH)
            return not self._closed
