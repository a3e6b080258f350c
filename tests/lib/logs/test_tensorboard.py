import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboardX.record_writer import RecordWriter

from lib.logs import tensorboard
from lib.logs.tensorboard import ScalarLog


def read(folder: Path) -> Any:
    """Read a folder as TensorBoard does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
        events.Reload()
    return events


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


def event_files(folder: Path) -> list[Path]:
    return list(folder.rglob("*tfevents*"))


def test_tensorboard_reads_every_value_of_every_tag(tmp_path: Path) -> None:
    folder = tmp_path / "original_logs" / "session_1" / "train"
    log = ScalarLog(folder)
    steps = range(7, 107)
    for step in steps:
        log.add(step, {"total": 3 / step, "face_a": np.float32(1 / step), "face_b": 2 / step})
    log.close()
    assert read(folder).Tags()["scalars"] == ["total", "face_a", "face_b"]
    for tag, factor in (("total", 3), ("face_a", 1), ("face_b", 2)):
        read_back = scalars(folder, tag)
        assert [step for step, _ in read_back] == list(steps)
        expected = [factor / step for step in steps]
        assert [value for _, value in read_back] == pytest.approx(expected, rel=1e-6)


def test_nothing_is_made_before_the_first_write(tmp_path: Path) -> None:
    log = ScalarLog(tmp_path / "logs")
    log.flush()
    assert not (tmp_path / "logs").exists()
    log.add(1, {"total": 0.5})
    assert len(event_files(tmp_path / "logs")) == 1
    log.close()


def test_a_flush_shows_what_is_written_while_training_goes_on(tmp_path: Path) -> None:
    log = ScalarLog(tmp_path)
    for step in (1, 2, 3):
        log.add(step, {"total": 0.5})
    log.flush()
    assert scalars(tmp_path, "total") == [(1, 0.5), (2, 0.5), (3, 0.5)]
    log.close()


def test_values_reach_the_disk_by_themselves_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(tensorboard.time, "monotonic", lambda: now)
    log = ScalarLog(tmp_path)
    log.add(1, {"total": 0.5})
    now += 1
    log.add(2, {"total": 0.5})
    assert len(scalars(tmp_path, "total")) == 1
    now += 30
    log.add(3, {"total": 0.5})
    assert len(scalars(tmp_path, "total")) == 3
    log.close()


def test_a_picture_comes_back_in_its_colours(tmp_path: Path) -> None:
    blue = np.full((20, 30, 3), (255, 0, 0), np.uint8)
    log = ScalarLog(tmp_path)
    log.add_image(250, "preview", blue)
    log.close()
    (event,) = read(tmp_path).Images("preview")
    assert (event.step, event.width, event.height) == (250, 30, 20)
    with Image.open(io.BytesIO(event.encoded_image_string)) as picture:
        assert np.abs(np.asarray(picture).astype(int) - (0, 0, 255)).max() < 5
        assert b"compositeWithTrainedAlgorithmicMedia" in picture.info["xmp"]


def test_closing_twice_is_harmless_and_what_follows_is_dropped(tmp_path: Path) -> None:
    log = ScalarLog(tmp_path)
    log.add(1, {"total": 0.5})
    log.close()
    log.close()
    log.add(2, {"total": 0.5})
    log.flush()
    assert scalars(tmp_path, "total") == [(1, 0.5)]


def test_a_folder_that_cannot_be_made_ends_the_log_not_the_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    log = ScalarLog(tmp_path / "file" / "train")
    with caplog.at_level(logging.WARNING):
        for step in range(3):
            log.add(step, {"total": 0.5})
            log.add_image(step, "preview", np.zeros((4, 4, 3), np.uint8))
        log.flush()
        log.close()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(tmp_path / "file" / "train") in record.getMessage()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("fails", ["flush", "close"])
def test_a_full_disk_ends_the_log_not_the_training(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fails: str,
) -> None:
    monkeypatch.setattr(tensorboard, "RecordWriter", lambda _: RecordWriter("/dev/full"))
    log = ScalarLog(tmp_path)
    if fails == "close":
        monkeypatch.setattr(tensorboard, "SECONDS_BETWEEN_FLUSHES", float("inf"))
    with caplog.at_level(logging.WARNING):
        log.add(1, {"total": 0.5})
        assert len(caplog.records) == (fails == "flush")
        log.close()
        log.add(2, {"total": 0.5})
        log.close()
    (record,) = caplog.records
    assert "No space left" in record.getMessage()
