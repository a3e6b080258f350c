"""A model's folder with what a run leaves there."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from lib.folder_lock import FolderLock
from lib.live.history import log_path
from lib.live.samples import SideFaces, write_samples
from lib.live.status import Status, live_folder, write_status
from lib.page.feed import Feed
from lib.preview.timelapse import write_timelapse

COUNT, EDGE = 3, 200


class Left:
    """A run's folder, to be written to as a run does."""

    def __init__(self, folder: Path, rendered: Path) -> None:
        self.folder = folder
        self.live = live_folder(folder, "tiny")
        self.log = log_path(folder, "tiny")
        files = sorted(rendered.glob("*.png"))[:COUNT]
        self.faces = np.stack([cv2.resize(cv2.imread(str(file)), (EDGE, EDGE)) for file in files])
        folder.mkdir()

    def status(self, state: str = "training", **more) -> Status:
        known = {"iteration": 5, "end": 100, "changed": time.time(), "options": {"beta_1": 0.5}}
        status = Status(state=state, plugin="tiny", **(known | more))
        write_status(self.live, status)
        return status

    def preview(self, iteration: int) -> None:
        masks = np.zeros(self.faces.shape[:3], np.uint8)
        masks[:, 50:150, 50:150] = 255
        faces = self.faces
        side = SideFaces(originals=faces, same=faces // 2, swapped=255 - faces, masks=masks)
        write_samples(self.live, iteration, {"a": side, "b": side})

    def event(self, event: str, iteration: int, **values) -> None:
        line = {"time": 1e9 + iteration, "event": event, "iteration": iteration, **values}
        with self.log.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def lapse(self, *shapes: tuple[int, int]) -> list[Path]:
        """Pictures of these shapes, each of one colour."""
        return [
            write_timelapse(
                self.folder / "lapse", np.full((*shape, 3), (30 + 20 * i, 90, 200), np.uint8), i
            )
            for i, shape in enumerate(shapes)
        ]


@pytest.fixture
def left(tmp_path: Path, rendered: dict[str, Path]) -> Left:
    return Left(tmp_path / "model", rendered["a"])


@pytest.fixture
def feed(left: Left) -> Feed:
    return Feed(left.folder, "tiny")


@pytest.fixture
def running(left: Left) -> Iterator[None]:
    """A run holds the folder meanwhile."""
    with FolderLock(left.folder):
        yield
