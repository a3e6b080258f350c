import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from lib.media.colour import SRGB, Colour, FromBGR, ToBGR

# ITU-T H.273, table 4: shares of red and blue in the brightness.
SHARES = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
BOTH = [(matrix, is_full) for matrix in SHARES for is_full in (False, True)]


def formula(bgr: NDArray[np.uint8], matrix: int, is_full: bool) -> NDArray[np.float64]:
    """Y'CbCr of H.273, equations 38-40 and 20-25, not rounded."""
    red_share, blue_share = SHARES[matrix]
    blue, green, red = np.moveaxis(bgr / 255, -1, 0)
    y = red_share * red + (1 - red_share - blue_share) * green + blue_share * blue
    cb, cr = (blue - y) / 2 / (1 - blue_share), (red - y) / 2 / (1 - red_share)
    if is_full:
        return np.stack([255 * y, 255 * cb + 128, 255 * cr + 128])
    return np.stack([219 * y + 16, 224 * cb + 128, 224 * cr + 128])


@pytest.fixture
def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)


@pytest.mark.parametrize(("matrix", "is_full"), BOTH)
def test_pixels_are_those_of_the_formula(
    noise: NDArray[np.uint8], matrix: int, is_full: bool
) -> None:
    colour = Colour(matrix=matrix, is_full=is_full)
    frame = FromBGR(colour, "yuv444p")(noise)
    expected = formula(noise, matrix, is_full)
    assert np.abs(frame.to_ndarray() - expected).max() <= 0.6
    assert np.abs(ToBGR(colour, (32, 48))(frame).astype(int) - noise).max() <= 2


@pytest.mark.parametrize(("matrix", "is_full"), BOTH)
def test_a_matrix_of_its_own_is_needed_to_read_a_frame(
    noise: NDArray[np.uint8], matrix: int, is_full: bool
) -> None:
    planes = np.clip(np.rint(formula(noise, matrix, is_full)), 0, 255).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(planes, "yuv444p")
    right = ToBGR(Colour(matrix=matrix, is_full=is_full), (32, 48))(frame).astype(int)
    wrong = ToBGR(Colour(matrix=matrix, is_full=not is_full), (32, 48))(frame).astype(int)
    assert np.abs(right - noise).max() <= 2
    assert np.abs(wrong - noise).mean() > 5


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "yuv422p"])
def test_plain_colours_keep_their_value_where_colour_is_shared(pixel_format: str) -> None:
    image = np.empty((16, 16, 3), np.uint8)
    image[:] = (30, 90, 200)
    frame = FromBGR(SRGB, pixel_format)(image)
    assert np.abs(ToBGR(SRGB, (16, 16))(frame).astype(int) - image).max() <= 2


def made(height: int, pixel_format: str = "yuv420p", **tags: int) -> VideoFrame:
    frame = av.VideoFrame(2 * height, height, pixel_format)
    for name, value in tags.items():
        setattr(frame, name, value)
    return frame


def test_what_a_frame_says_counts_before_the_guess() -> None:
    tagged = made(1080, colorspace=9, color_range=2, color_primaries=9, color_trc=16)
    assert Colour.of(tagged) == Colour(matrix=9, is_full=True, primaries=9, transfer=16)
    assert Colour.of(made(576)).matrix == 6
    assert Colour.of(made(720)).matrix == 1
    assert Colour.of(made(480, "yuvj420p")).is_full
    assert Colour.of(made(480, "bgr24")) == SRGB
