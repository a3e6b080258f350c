"""What a run leaves is read once, and only what is new."""

import json

import pytest

from lib.live.status import live_folder
from lib.page.feed import Feed, time_lapse


def test_a_folder_without_a_run_has_nothing_to_show(feed: Feed) -> None:
    feed.look()
    assert (feed.state, feed.status, feed.faces, feed.frames) == (None, None, {}, [])
    assert (feed.trouble, feed.events, feed.is_running) == ("", [], False)


@pytest.mark.usefixtures("running")
def test_a_run_is_seen_as_it_goes_on(feed: Feed, left) -> None:
    left.status(iteration=7)
    left.preview(6)
    left.event("progress", 6, loss_a=0.5, loss_b=0.25)
    feed.look()
    assert feed.is_running
    assert (feed.status.iteration, feed.preview, len(feed.faces["b"].originals)) == (7, 6, 3)
    left.event("progress", 8, loss_a=0.25, loss_b=None)
    feed.look()
    assert [event["iteration"] for event in feed.events] == [6, 8]
    assert [point.values["loss_a"] for point in feed.record.losses] == [0.5, 0.25]


def test_what_is_the_same_is_not_read_again(feed: Feed, left) -> None:
    left.preview(6)
    left.event("saved", 6)
    feed.look()
    events = feed.events
    feed.look()
    assert feed.events is events
    assert feed.preview_version == 1
    left.preview(9)
    feed.look()
    assert (feed.preview_version, feed.preview) == (2, 9)


def test_a_run_that_was_killed_is_told_from_one_that_goes_on(feed: Feed, left) -> None:
    left.status("training")
    feed.look()
    assert (feed.state, feed.is_running) == ("killed", False)
    left.status("stopped")
    feed.look()
    assert feed.state == "stopped"


def test_another_log_in_the_place_of_the_last_is_read_anew(feed: Feed, left) -> None:
    for iteration in range(5):
        left.event("saved", iteration)
    feed.look()
    left.log.unlink()
    left.event("saved", 90)
    feed.look()
    assert [event["iteration"] for event in feed.events] == [90]


def test_what_cannot_be_read_is_told_and_the_rest_is_shown(feed: Feed, left) -> None:
    left.status(iteration=3)
    left.preview(3)
    feed.look()
    (live_folder(left.folder, "tiny") / "preview.npz").write_bytes(b"no archive")
    left.event("saved", 4)
    feed.look()
    assert "holds no preview" in feed.trouble
    assert (feed.preview, len(feed.events)) == (3, 1)
    (live_folder(left.folder, "tiny") / "status.json").write_text("[")
    feed.look()
    assert "is no run's status" in feed.trouble
    assert feed.status.iteration == 3


def test_a_time_lapse_is_of_pictures_that_the_run_wrote_alone(left) -> None:
    written = left.lapse((8, 8), (8, 8))
    folder = left.folder / "lapse"
    for name in ("12.png", "a.jpg", "-3.jpg", "5.jpg.part", "²3.jpg"):
        (folder / name).write_bytes(b"x")
    (folder / "7.jpg").touch()  # its name is taken, and it is not written yet
    (folder / "8.jpg").mkdir()
    assert time_lapse(left.status(timelapse=str(folder))) == written
    assert time_lapse(left.status(timelapse=str(folder / "missing"))) == []
    assert time_lapse(left.status()) == []


def test_half_a_line_is_read_when_it_is_whole(feed: Feed, left) -> None:
    left.event("saved", 1)
    feed.look()
    line = json.dumps({"time": 1.0, "event": "saved", "iteration": 2})
    with left.log.open("a") as file:
        file.write(line[:10])
    feed.look()
    with left.log.open("a") as file:
        file.write(line[10:] + "\n")
    feed.look()
    assert [event["iteration"] for event in feed.events] == [1, 2]


def test_a_link_is_no_picture_of_the_time_lapse(feed: Feed, left, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    (picture,) = left.lapse((20, 20))
    (picture.parent / "77.jpg").symlink_to(secret)
    (picture.parent / f"{'9' * 30}.jpg").write_bytes(b"x")
    left.status(timelapse=str(picture.parent))
    feed.look()
    assert feed.frames == [picture]
