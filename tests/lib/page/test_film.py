"""The time-lapse leaves as a film with the mark of synthetic media."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from lib.errors import FaceswapError
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.page.film import EDGES, FRAMES_PER_SECOND, MOST_FRAMES, film

LAST = 2 * FRAMES_PER_SECOND


def shown(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def test_a_video_shows_all_pictures_and_stays_on_the_last(left, tmp_path: Path) -> None:
    frames = left.lapse(*[(48, 64)] * 5)
    (tmp_path / "film.mp4").write_bytes(film(frames, "mp4"))
    pictures = shown(tmp_path / "film.mp4")
    assert len(pictures) == 5 + LAST
    for number, picture in enumerate(pictures):
        colour = (30 + 20 * min(number, 4), 90, 200)
        np.testing.assert_allclose(picture.mean(axis=(0, 1)), colour, atol=6)
    assert read_mark(tmp_path / "film.mp4") == SOURCE_TYPE


def test_an_animation_shows_all_pictures(left, tmp_path: Path) -> None:
    frames = left.lapse(*[(48, 64)] * 5)
    (tmp_path / "film.gif").write_bytes(film(frames, "gif"))
    with Image.open(tmp_path / "film.gif") as animation:
        assert animation.n_frames == 5
        animation.seek(4)
        assert animation.info["duration"] == 2000
        colour = np.asarray(animation.convert("RGB")).mean(axis=(0, 1))
    np.testing.assert_allclose(colour, (200, 90, 110), atol=8)
    assert read_mark(tmp_path / "film.gif") == SOURCE_TYPE


def test_pictures_of_other_shapes_get_borders_and_broken_ones_are_left_out(
    left, tmp_path: Path
) -> None:
    frames = left.lapse((40, 40), (61, 33), (30, 60))
    frames[1].write_bytes(b"no picture")
    (tmp_path / "film.mp4").write_bytes(film(frames, "mp4"))
    first, *rest = shown(tmp_path / "film.mp4")
    assert len(rest) == 1 + LAST
    assert first.shape == (30, 60, 3)
    assert first[:, :10].mean() < 20
    np.testing.assert_allclose(first[10:20, 25:35].mean(axis=(0, 1)), (30, 90, 200), atol=8)


def test_long_films_are_thinned_and_large_ones_made_smaller(left, monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(MOST_FRAMES, "gif", 3)
    frames = left.lapse(*[(100, 1001)] * 7)
    (tmp_path / "film.gif").write_bytes(film(frames, "gif"))
    with Image.open(tmp_path / "film.gif") as animation:
        assert animation.n_frames == 3
        assert animation.size == (EDGES["gif"], 48)
        animation.seek(2)
        blue = np.asarray(animation.convert("RGB"))[..., 2].mean()
    assert blue == pytest.approx(30 + 20 * 6, abs=8)


def test_without_pictures_there_is_no_film(tmp_path: Path) -> None:
    with pytest.raises(FaceswapError, match="no time-lapse yet"):
        film([], "mp4")
    with pytest.raises(FaceswapError, match="no time-lapse yet"):
        film([tmp_path / "1.jpg"], "gif")
