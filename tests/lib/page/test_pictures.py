"""Pictures of the preview: marked, of the right size, and none but those that are there."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from lib.errors import FaceswapError
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.page.feed import Feed
from lib.page.pictures import SMALL, Pictures


@pytest.fixture
def pictures(feed: Feed, left) -> Pictures:
    left.preview(6)
    feed.look()
    return Pictures(feed)


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("kind", ["originals", "same", "swapped"])
def test_a_face_comes_as_it_is_in_the_preview(pictures: Pictures, left, kind: str) -> None:
    expected = {"originals": left.faces, "same": left.faces // 2, "swapped": 255 - left.faces}
    picture = decoded(pictures.face("a", 1, kind, "whole"))
    assert peak_signal_noise_ratio(expected[kind][1], picture) > 32
    assert decoded(pictures.face("b", 1, kind, "small")).shape == (SMALL, SMALL, 3)


def test_what_leaves_is_marked(pictures: Pictures, tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(pictures.face("a", 0, "swapped", "small"))
    assert read_mark(tmp_path / "face.jpg") == SOURCE_TYPE


def test_the_mask_tints_what_it_leaves_out(pictures: Pictures) -> None:
    tint = np.asarray(Image.open(BytesIO(pictures.mask("a", 0))))
    assert tint.shape == (200, 200, 4)
    assert tint[100, 100, 3] == 0
    assert tint[10, 10, 3] == pytest.approx(0.45 * 255, abs=1)
    assert tint[10, 10, 0] > tint[10, 10, 1]


def test_a_picture_is_made_once_for_all_and_anew_with_the_next_preview(
    pictures: Pictures, feed: Feed, left
) -> None:
    first = pictures.face("a", 0, "swapped", "small")
    assert pictures.face("a", 0, "swapped", "small") is first
    left.faces = left.faces // 3
    left.preview(7)
    feed.look()
    assert pictures.face("a", 0, "swapped", "small") != first


@pytest.mark.parametrize(("side", "index"), [("a", 3), ("a", -1), ("c", 0)])
def test_a_face_that_is_not_there_is_refused(pictures: Pictures, side, index: int) -> None:
    with pytest.raises(FaceswapError, match="has no face"):
        pictures.face(side, index, "swapped", "small")
    with pytest.raises(FaceswapError, match="has no face"):
        pictures.mask(side, index)
