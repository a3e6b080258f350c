"""Pictures and videos that say, in the way of the trade, that a trained model had a hand in them.

The mark is XMP with the `digital source type`_ of the International Press Telecommunications
Council, which image editors, agencies and platforms read. Matroska and WebM have no place for XMP;
there it is a tag.

.. _digital source type: https://cv.iptc.org/newscodes/digitalsourcetype/
"""

from importlib import metadata
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from lib.errors import FaceswapError
from lib.files import replacing
from lib.media.embed import append_to_mp4, find_in_gif, find_in_mp4, is_mp4

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""A composite with parts that a trained model made."""

_PROGRAM = "faceswap-train"
_PNG_KEYWORD = "XML:com.adobe.xmp"
_IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_MATROSKA = b"\x1a\x45\xdf\xa3"
_TAG = "DIGITAL_SOURCE_TYPE"
_XMP_TITLE = """
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>"""
_XMP = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:Iptc4xmpExt="{iptc}">
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>
   <Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>{title}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def creator_tool() -> str:
    """Name of the program with its version; without one where it is not installed."""
    try:
        return f"{_PROGRAM} {metadata.version(_PROGRAM)}"
    except metadata.PackageNotFoundError:
        return _PROGRAM


def xmp_packet(title: str = "") -> bytes:
    """Mark as an XMP packet, UTF-8; with a title, if there is one."""
    named = _XMP_TITLE.format(title=escape(title)) if title else ""
    fields = {"iptc": _IPTC_EXTENSION, "source": SOURCE_TYPE, "title": named}
    return _XMP.format(tool=escape(creator_tool()), **fields).encode()


def check_suffix(suffix: str) -> None:
    """Refuse a suffix of which no picture can be written.

    Raises
    ------
    FaceswapError
    """
    if suffix.lower() not in _FORMATS:
        raise FaceswapError(f"pictures can't be written as '{suffix}': use .png, .jpg or .webp")


def encode_picture(
    image: NDArray[np.uint8],
    suffix: str,
    quality: int = 95,
    title: str = "",
    profile: bytes | None = None,
) -> bytes:
    """Encode a picture with the mark.

    Parameters
    ----------
    image
        ``(height, width, 3)``, BGR.
    suffix
        ``.png``, ``.jpg``, ``.jpeg`` or ``.webp``.
    quality
        Of JPEG and WebP, 1..100.
    title
        What it shows; empty for none.
    profile
        ICC profile of its colours, for PNG and JPEG; None for none.

    Raises
    ------
    FaceswapError
        The suffix is of no known format, or the picture is too large for it.
    """
    check_suffix(suffix)
    picture = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    try:
        return _encoded(picture, _FORMATS[suffix.lower()], quality, xmp_packet(title), profile)
    except (OSError, ValueError) as error:
        raise FaceswapError(
            f"a picture of {picture.width}x{picture.height} pixels can't be written as "
            f"'{suffix}': {error}; make it smaller, or use .png"
        ) from error


def _encoded(
    picture: Image.Image, kind: str, quality: int, xmp: bytes, profile: bytes | None
) -> bytes:
    file = BytesIO()
    match kind:
        case "PNG":
            info = PngInfo()
            info.add_itxt(_PNG_KEYWORD, xmp.decode())
            picture.save(file, "PNG", pnginfo=info, compress_level=3, icc_profile=profile)
        case "JPEG":
            # Colour at full resolution, or thin coloured lines would smear.
            how = {"quality": quality, "subsampling": "4:4:4"}
            picture.save(file, "JPEG", xmp=xmp, icc_profile=profile, **how)
        case _:
            picture.save(file, "WEBP", xmp=xmp, quality=quality)
    return file.getvalue()


def write_picture(path: str | Path, image: NDArray[np.uint8], title: str = "") -> None:
    """Write a picture with the mark, so that a reader sees either the old file or the new one.

    Parameters
    ----------
    path
        File to write or replace; the suffix names the format as in `encode_picture`.
    image
        ``(height, width, 3)``, BGR.
    title
        What it shows; empty for none.

    Raises
    ------
    FaceswapError
        The suffix is of no known format, or the file can't be written.
    """
    path = Path(path)
    with replacing(path) as temporary:
        temporary.write_bytes(encode_picture(image, path.suffix, title=title))


def video_tags() -> dict[str, str]:
    """Tags for a video's file: in words for viewers to show, and the mark as Matroska holds it."""
    words = f"Made with {creator_tool()}; parts of the pictures come from a trained model"
    return {"comment": f"{words} ({SOURCE_TYPE})", _TAG: SOURCE_TYPE}


def mark_video(path: Path) -> None:
    """Put the mark into a finished video; where its format has no place for XMP, do nothing.

    Raises
    ------
    OSError
        The file can't be written.
    """
    if is_mp4(path):
        append_to_mp4(path, xmp_packet())


def read_mark(path: str | Path) -> str | None:
    """Read the digital source type of a picture or video.

    Parameters
    ----------
    path
        A PNG, JPEG, WebP, GIF, MP4, MOV, Matroska or WebM file, whoever wrote it.

    Returns
    -------
    str or None
        The type, an address at ``cv.iptc.org``; None where the file names none.

    Raises
    ------
    FaceswapError
        The file is none of these, or can't be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            beginning = file.read(4)
        if beginning == _MATROSKA:
            return _matroska_tag(path)
        if beginning == b"GIF8":
            return _source_type(find_in_gif(path))
        return _source_type(find_in_mp4(path) if is_mp4(path) else _picture_packet(path))
    except (OSError, ValueError, UnidentifiedImageError) as error:
        raise FaceswapError(f"'{path}' can't be read as a picture or video: {error}") from error


def read_title(path: str | Path) -> str | None:
    """Title of a picture that `write_picture` wrote; None where there is none, or no picture."""
    name = "{http://purl.org/dc/elements/1.1/}title"
    try:
        title = ElementTree.fromstring(_picture_packet(Path(path))).find(f".//{name}")
    except (OSError, ValueError, UnidentifiedImageError, ElementTree.ParseError):
        return None
    return None if title is None else "".join(title.itertext()).strip()


def _picture_packet(path: Path) -> str | bytes:
    with Image.open(path) as picture:
        packet: str | bytes = picture.info.get("xmp") or picture.info.get(_PNG_KEYWORD, "")
    return packet


def _matroska_tag(path: Path) -> str | None:
    from lib.media.container import open_video  # only here: pictures need no FFmpeg

    with open_video(path) as container:
        return container.metadata.get(_TAG)


def _source_type(packet: str | bytes) -> str | None:
    """Digital source type of an XMP packet, where XMP allows it: in an element or an attribute."""
    name = f"{{{_IPTC_EXTENSION}}}DigitalSourceType"
    try:
        elements = list(ElementTree.fromstring(packet).iter())
    except ElementTree.ParseError:
        return None
    found = [e.get(name) or (e.text if e.tag == name else None) for e in elements]
    return next((text.strip() for text in found if text and text.strip()), None)
