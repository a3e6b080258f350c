"""Writes losses and pictures to files that TensorBoard reads."""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter

from lib.media.mark import encode_picture

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_FLUSHES = 30.0


class ScalarLog:
    """A TensorBoard event file, made at the first write.

    A disk that fails does not end training: the log warns once and stops. So events are written in
    the caller's thread, where a failure shows; tensorboardX's ``SummaryWriter`` has a thread and a
    queue of its own, which a full disk turns into a wait without end.

    Parameters
    ----------
    folder
        Folder of the event file, such as ``<name>_logs/session_1/train``.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._writer: Any = None
        self._last_flush = 0.0
        self._is_open = True

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Log an iteration's values, one a tag.

        Parameters
        ----------
        step
            Iterations trained so far.
        values
            Value of each tag.
        """
        self._write(
            step,
            [Summary.Value(tag=tag, simple_value=float(value)) for tag, value in values.items()],
        )

    def add_image(self, step: int, tag: str, image: NDArray[np.uint8]) -> None:
        """Log a picture, ``(height, width, 3)``, BGR, as JPEG with the mark of synthetic media."""
        height, width = image.shape[:2]
        encoded = Summary.Image(
            height=height,
            width=width,
            colorspace=3,
            encoded_image_string=encode_picture(image, ".jpg"),
        )
        self._write(step, [Summary.Value(tag=tag, image=encoded)])

    def flush(self) -> None:
        """Put what is written so far on the disk; it happens every half minute anyway."""
        if self._writer is not None:
            self._guarded(self._flush)

    def close(self) -> None:
        """Close the file; what is added later is dropped. May be called again."""
        self._is_open = False
        if self._writer is not None:
            self._guarded(self._writer.close)
            self._writer = None

    def _write(self, step: int, values: list[Any]) -> None:
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=values))
        if self._is_open:
            self._guarded(lambda: self._write_event(event))

    def _write_event(self, event: Any) -> None:
        if self._writer is None:
            self._writer = self._create()
        self._writer.write(event.SerializeToString())
        if time.monotonic() - self._last_flush >= SECONDS_BETWEEN_FLUSHES:
            self._flush()

    def _create(self) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard finds the files by the first part of the name.
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        writer = RecordWriter(str(self._folder / name))
        head = Event(wall_time=time.time(), file_version="brain.Event:2")
        writer.write(head.SerializeToString())
        return writer

    def _flush(self) -> None:
        self._writer.flush()
        self._last_flush = time.monotonic()

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._is_open = False
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer = None
        logger.warning(
            "Logging to TensorBoard has stopped, training goes on: can't write to '%s' (%s)",
            self._folder,
            error.strerror or error,
        )
