"""Does in a thread of its own what saves need: to write one, or to draw what all have in common."""

import threading
from collections.abc import Callable

from lib.gpus import take_own


class Writer:
    """Runs one job at a time beside the thread that trains.

    Parameters
    ----------
    name
        Of the thread, for whoever looks at what the program does.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job is being done."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, job: Callable[[], None]) -> None:
        """Do a job, once the one before it is done; its failure is forgotten."""
        self.join()
        self._failure = None
        # A daemon, so that leaving at once need not wait for it: a save is whole or not there.
        self._thread = threading.Thread(target=self._run, args=(job,), name=self._name, daemon=True)
        self._thread.start()

    def _run(self, job: Callable[[], None]) -> None:
        try:
            take_own()
            job()
        except BaseException as error:
            self._failure = error

    def join(self) -> None:
        """Wait for the newest job, however it ends."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wait(self) -> None:
        """Wait for the newest job.

        Raises
        ------
        Exception
            What it failed with.
        """
        self.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
