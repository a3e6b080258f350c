"""torchrun as the command starts it: it says nothing of its own, and does not outlive the command.

What a user has to know the processes and the command say themselves.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run


def main(words: Sequence[str]) -> int:
    """Run torchrun.

    Parameters
    ----------
    words
        Its command line.

    Returns
    -------
    int
        0 where all processes left with 0, and else 1.
    """
    logging.disable(logging.ERROR)
    threading.Thread(target=_stop_with, args=(os.getppid(),), daemon=True).start()
    try:
        run(parse_args(list(words)))  # type: ignore[no-untyped-call]
    except (ChildFailedError, SignalException):
        return 1
    return 0


def _stop_with(command: int) -> None:
    """End all processes, with a save, once the command that started this one has died."""
    while os.getppid() == command:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
