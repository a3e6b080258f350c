"""Between a video's pixels and BGR: which colours its numbers stand for.

A video stores brightness and two differences of colour. The matrix that makes them of red, green
and blue is BT.601's, BT.709's or BT.2020's, and black and white lie at 16 and 235 ("limited") or at
0 and 255 ("full"); a wrong guess of either tints or greys the picture. Curve (transfer) and colours
of the lights (primaries) are not undone, only named again in what is written: what went through as
numbers comes out as it was.
"""

from dataclasses import dataclass

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from numpy.typing import NDArray

_EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
_HD_LINES = 720

# H.273's numbers of matrices, which files hold, and what the converter calls them.
_BT709, _BT601 = 1, 6
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}

# H.273, table 4: shares of red and blue in the brightness.
_SHARES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}


@dataclass(frozen=True)
class Colour:
    """What the numbers of a video's pixels stand for, by the tables of ITU-T H.273.

    Attributes
    ----------
    matrix
        Number of the matrix: 1 for BT.709, 5 and 6 for BT.601, 9 for BT.2020.
    is_full
        Whether black and white are 0 and 255 rather than 16 and 235.
    primaries, transfer
        Numbers of the lights' colours and of the curve; 2 where the file does not tell.
    """

    matrix: int = _BT709
    is_full: bool = False
    primaries: int = int(ColorPrimaries.UNSPECIFIED)
    transfer: int = int(ColorTrc.UNSPECIFIED)

    @classmethod
    def of(cls, frame: VideoFrame) -> "Colour":
        """What a frame says of itself; what it leaves open is taken as players take it.

        Without a matrix, 720 lines and more are BT.709 and fewer BT.601; without a range it is
        limited.
        """
        if frame.format.is_rgb or frame.format.has_palette:
            return SRGB
        is_known = frame.colorspace in _MATRICES
        guess = _BT709 if min(frame.height, frame.width) >= _HD_LINES else _BT601
        return cls(
            matrix=frame.colorspace if is_known else guess,
            is_full=frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj"),
            primaries=frame.color_primaries,
            transfer=frame.color_trc,
        )

    def tag(self, context: VideoCodecContext) -> None:
        """Have an encoder write the numbers into its stream."""
        context.colorspace = self.matrix
        context.color_range = int(self._range)
        context.color_primaries = self.primaries
        context.color_trc = self.transfer

    @property
    def _range(self) -> ColorRange:
        return ColorRange.JPEG if self.is_full else ColorRange.MPEG


SRGB = Colour(
    matrix=_BT709, primaries=int(ColorPrimaries.BT709), transfer=int(ColorTrc.IEC61966_2_1)
)
"""How a video holds pictures: in BT.709's colours, with the curve of screens."""


class ToBGR:
    """Turns a video's frames into BGR, all in one size.

    Parameters
    ----------
    colour
        What the frames' numbers stand for.
    size
        Height and width that all frames are brought to.
    """

    def __init__(self, colour: Colour, size: tuple[int, int]) -> None:
        self._colour, self._size = colour, size
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Give a frame's picture, ``(height, width, 3)``, BGR."""
        is_rgb = frame.format.is_rgb or frame.format.has_palette
        height, width = self._size
        picture = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="bgr24",
            src_colorspace=_MATRICES[self._colour.matrix],
            src_color_range=ColorRange.JPEG if is_rgb else self._colour._range,
            dst_color_range=ColorRange.JPEG,
            interpolation=_EXACT,
        )
        return np.asarray(picture.to_ndarray(), np.uint8)


class FromBGR:
    """Turns BGR pictures into a video's frames.

    Parameters
    ----------
    colour
        What the frames' numbers are to stand for.
    pixel_format
        As FFmpeg calls it, such as ``yuv420p``.
    """

    def __init__(self, colour: Colour, pixel_format: str) -> None:
        self._colour, self._format = colour, pixel_format
        self._reformatter = VideoReformatter()

    def __call__(self, image: NDArray[np.uint8]) -> VideoFrame:
        """Give the frame of a picture, ``(height, width, 3)``, BGR; it has no time yet."""
        frame = self._reformatter.reformat(
            self._full(image) if self._colour.is_full else _frame(image, "bgr24"),
            format=self._format,
            src_colorspace=_MATRICES[self._colour.matrix],
            dst_colorspace=_MATRICES[self._colour.matrix],
            src_color_range=ColorRange.JPEG,
            dst_color_range=self._colour._range,
            interpolation=_EXACT,
        )
        frame.color_primaries, frame.color_trc = self._colour.primaries, self._colour.transfer
        return frame

    def _full(self, image: NDArray[np.uint8]) -> VideoFrame:
        """A full range's frame: FFmpeg rounds its colours down, which turns pictures green."""
        red, blue = _SHARES[self._colour.matrix]
        brightness = np.array([blue, 1 - red - blue, red])
        cb = (np.array([1, 0, 0]) - brightness) / (2 * (1 - blue))
        cr = (np.array([0, 0, 1]) - brightness) / (2 * (1 - red))
        matrix = np.column_stack([[brightness, cb, cr], [0, 128, 128]])
        planes = np.asarray(cv2.transform(image, matrix), np.uint8)
        return _frame(np.moveaxis(planes, -1, 0), "yuv444p")


def _frame(pixels: NDArray[np.uint8], pixel_format: str) -> VideoFrame:
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=pixel_format)
