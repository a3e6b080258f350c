"""The alignment that a face picture carries in its PNG header.

A stored face is a PNG whose iTXt chunk 'faceswap' holds a Python literal.  Such files come from
other people, so the text is bounded in length, parsed with care and checked field by field.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lib.align.literal import parse_literal
from lib.align.png import SIGNATURE, Chunk, chunks
from lib.align.tables import PADDING_RATIO
from lib.errors import FaceswapError
from lib.files import replacing, sync

KEYWORD: Final = "faceswap"
"""Keyword of the chunk that holds the alignment."""

_LONGEST_TEXT = 1 << 20
_LARGEST_NUMBER = 1e6
_LARGEST_MASK = 4096
_T = TypeVar("_T")


@dataclass(frozen=True)
class StoredMask:
    """One mask as it lies in a header.

    Attributes
    ----------
    mask
        ``stored_size`` squared bytes, compressed by zlib.
    affine_matrix
        2 by 3, from pixels of the source frame to pixels of the mask; in both whole numbers are
        the middles of pixels.
    interpolator
        OpenCV's number of the interpolation that takes the mask back to the frame.
    stored_size
        Edge of the mask in pixels, 1 to 4096.
    stored_centering
        Centring of the mask: 'legacy', 'face' or 'head'.
    """

    mask: bytes
    affine_matrix: list[list[float]]
    interpolator: int
    stored_size: int
    stored_centering: str


@dataclass(frozen=True, eq=False)
class FaceHeader:
    """The alignment of a stored face, and where it came from.

    Attributes
    ----------
    landmarks
        ``(68, 2)`` points in iBUG order, in pixels of the source frame.
    box
        The detected face's x, y, width and height in pixels of the source frame.
    masks
        Stored masks by name.
    identity
        Identity vectors by the name of the network that made them.
    alignments_version
        Version of the format; 1.0 means a crop of 'legacy' centring.
    original_filename, face_index
        The face's file name when it was extracted, and its number in the frame.
    source_filename, source_is_video, source_frame_dims
        The frame's file name, whether it is a video's, and its height and width in pixels.
    """

    landmarks: NDArray[np.float64]
    box: tuple[int, int, int, int]
    masks: Mapping[str, StoredMask] = field(default_factory=dict)
    identity: Mapping[str, list[float]] = field(default_factory=dict)
    alignments_version: float = 2.4
    original_filename: str = ""
    face_index: int = 0
    source_filename: str = ""
    source_is_video: bool = False
    source_frame_dims: tuple[int, int] = (0, 0)

    @property
    def centring(self) -> str:
        """Centring of the stored crop: 'legacy' or 'head'."""
        return "legacy" if self.alignments_version == 1.0 else "head"

    def to_dict(self) -> dict[str, Any]:
        """Lay the header out as plain Python values, as a file holds them."""
        x, y, w, h = self.box
        return {
            "alignments": {
                "x": x,
                "y": y,
                "w": w,
                "h": h,
                "landmarks_xy": np.asarray(self.landmarks, np.float64).tolist(),
                "mask": {name: asdict(mask) for name, mask in self.masks.items()},
                "identity": dict(self.identity),
            },
            "source": {
                "alignments_version": self.alignments_version,
                "original_filename": self.original_filename,
                "face_index": self.face_index,
                "source_filename": self.source_filename,
                "source_is_video": self.source_is_video,
                "source_frame_dims": self.source_frame_dims,
            },
        }

    @classmethod
    def from_dict(cls, raw: object) -> "FaceHeader":
        """Check plain Python values in the layout of `to_dict`.

        Masks, identity and all of the source but the version may be missing.

        Raises
        ------
        FaceswapError
            A value is missing or is not what it should be.
        """
        face = _get(raw, "alignments", dict)
        source = _get(raw, "source", dict)
        x, y, w, h = (_get(face, key, int) for key in ("x", "y", "w", "h"))
        masks: dict[Any, Any] = _get(face, "mask", dict, {})
        identity: dict[Any, Any] = _get(face, "identity", dict, {})
        return cls(
            landmarks=np.array(_numbers(face.get("landmarks_xy"), (68, 2), "landmarks_xy"), float),
            box=(x, y, w, h),
            masks={_name(name, "mask"): _mask(mask) for name, mask in masks.items()},
            identity={
                _name(name, "identity"): _numbers(vector, (None,), "identity")
                for name, vector in identity.items()
            },
            alignments_version=_version(source.get("alignments_version")),
            original_filename=_get(source, "original_filename", str, ""),
            face_index=_get(source, "face_index", int, 0),
            source_filename=_get(source, "source_filename", str, ""),
            source_is_video=_get(source, "source_is_video", bool, False),
            source_frame_dims=_frame_dims(source.get("source_frame_dims", (0, 0))),
        )


def read_header(data: bytes) -> FaceHeader | None:
    """Read the alignment out of a picture file.

    Parameters
    ----------
    data
        The file, whole or at least up to the picture's pixels.

    Returns
    -------
    FaceHeader or None
        None where the file is no PNG or has no such chunk.

    Raises
    ------
    FaceswapError
        The chunk is damaged, longer than 1 MiB or not in the format.
    """
    text = read_text(data, KEYWORD)
    if text is None:
        return None
    try:
        return FaceHeader.from_dict(parse_literal(text))
    except ValueError as error:
        _refuse(str(error))


def read_text(data: bytes, keyword: str) -> str | None:
    """Read an uncompressed iTXt chunk that stands before the pixels of a PNG file.

    Parameters
    ----------
    data
        The file, whole or at least up to the picture's pixels.
    keyword
        The chunk's keyword.

    Returns
    -------
    str or None
        None where the file is no PNG or has no such chunk.

    Raises
    ------
    FaceswapError
        The file is cut off or of too many chunks, or the chunk is damaged, compressed or longer
        than 1 MiB.
    """
    if not data.startswith(SIGNATURE):
        return None
    wanted = keyword.encode("latin-1") + b"\0"
    for chunk in chunks(data):
        if chunk.kind in (b"IDAT", b"IEND"):
            return None
        if chunk.kind == b"iTXt" and data.startswith(wanted, chunk.start + 8):
            return _chunk_text(data, chunk, len(wanted))
    raise FaceswapError("is a PNG file cut off before its pixels")


def write_png(
    path: str | Path,
    image_bgr: NDArray[np.uint8],
    header: FaceHeader,
    extra_text: Mapping[str, str] = {},
) -> None:
    """Write a face with its alignment, in the format that `read_header` reads.

    Parameters
    ----------
    path
        The file to write; one of that name is replaced.
    image_bgr
        ``(size, size, 3)``, blue first.
    header
        The face's alignment.
    extra_text
        Further iTXt chunks, text by keyword.

    Raises
    ------
    FaceswapError
        The file cannot be written.
    """
    texts = PngInfo()
    for keyword, text in {KEYWORD: repr(header.to_dict()), **extra_text}.items():
        texts.add_itxt(keyword, text)
    with replacing(Path(path)) as temporary:
        Image.fromarray(image_bgr[..., ::-1]).save(temporary, format="PNG", pnginfo=texts)
        sync(temporary)  # whoever notes that the face is there can rely on it


def _chunk_text(data: bytes, chunk: Chunk, keyword_length: int) -> str:
    if chunk.length > _LONGEST_TEXT:
        _refuse("longer than 1 MiB")
    if not chunk.is_whole(data):
        _refuse("wrong checksum")
    body = chunk.body(data)[keyword_length:]
    flags, rest = body[:2], body[2:].split(b"\0", 2)
    if flags != b"\0\0" or len(rest) != 3:
        _refuse("compressed or cut off")
    try:
        return rest[2].decode("utf-8")
    except UnicodeDecodeError:
        _refuse("not UTF-8")


def _mask(raw: object) -> StoredMask:
    size = _get(raw, "stored_size", int)
    centring = _get(raw, "stored_centering", str)
    if not 1 <= size <= _LARGEST_MASK or centring not in PADDING_RATIO:
        _refuse("mask")
    matrix = _numbers(_get(raw, "affine_matrix", list), (2, 3), "affine_matrix")
    return StoredMask(
        _get(raw, "mask", bytes), matrix, _get(raw, "interpolator", int), size, centring
    )


def _version(raw: object) -> float:
    version: float = _numbers([raw], (1,), "alignments_version")[0]
    return version


def _frame_dims(raw: object) -> tuple[int, int]:
    height, width = _numbers(raw, (2,), "source_frame_dims")
    if type(height) is not int or type(width) is not int:
        _refuse("source_frame_dims")
    return height, width


def _get(raw: object, key: str, kind: type[_T], default: _T | None = None) -> _T:
    """Entry of a dict that must be of exactly this type (a bool is no int)."""
    value = raw.get(key, default) if isinstance(raw, dict) else None
    if type(value) is not kind:
        _refuse(key)
    return value


def _name(raw: object, what: str) -> str:
    return raw if isinstance(raw, str) else _refuse(what)


def _numbers(raw: object, shape: tuple[int | None, ...], what: str) -> Any:
    """Nested lists of finite numbers in the given shape; None stands for any length."""
    if not isinstance(raw, list | tuple) or shape[0] not in (None, len(raw)):
        _refuse(what)
    if len(shape) > 1:
        return [_numbers(item, shape[1:], what) for item in raw]
    for item in raw:
        if type(item) not in (int, float) or not abs(item) <= _LARGEST_NUMBER:
            _refuse(what)
    return list(raw)


def _refuse(what: str) -> NoReturn:
    raise FaceswapError(f"has a face header that cannot be read ({what})")
