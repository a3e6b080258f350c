"""What a run tells its viewers of itself as it starts and ends."""

import os
import socket
from argparse import Namespace
from pathlib import Path

import torch

from lib.device import is_cuda
from lib.errors import FaceswapError
from lib.live.asks import Asks
from lib.live.reporter import Reporter
from lib.live.status import Status, live_folder, resident_memory
from scripts.running import PreviewFile


def start_telling(arguments: Namespace, preview: PreviewFile) -> Reporter:
    """Tell that a run starts.

    Parameters
    ----------
    arguments
        Options of the train command.
    preview
        Where the preview sheet is kept, if it is.
    """
    lapse = arguments.timelapse_output
    status = Status(
        state="starting",
        plugin=arguments.trainer,
        pid=os.getpid(),
        host=socket.gethostname(),
        preview=str(preview.path.absolute()) if preview.is_wanted else None,
        timelapse=str(Path(lapse).absolute()) if lapse else None,
    )
    folder = live_folder(arguments.model_dir, arguments.trainer)
    Asks(folder).clear()  # they were asked of an earlier run
    reporter = Reporter(
        folder,
        status,
        save_interval=arguments.save_interval,
        memory=memory_in_use,
    )
    reporter.tick()
    return reporter


def memory_in_use() -> int | None:
    """Bytes that this process takes: of its GPU, or where it has none of the computer's memory."""
    return torch.cuda.memory_reserved() if is_cuda() else resident_memory()


def in_words(error: BaseException) -> str:
    """Why a run failed, on one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, FaceswapError) else f"{type(error).__name__}: {text}"
