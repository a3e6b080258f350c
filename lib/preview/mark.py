"""Writes pictures that say, in the way of the trade, that a trained model had a hand in them.

The mark is XMP with the `digital source type`_ of the International Press Telecommunications
Council, which image editors, agencies and platforms read.

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

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""A composite with parts that a trained model made."""

_PROGRAM = "faceswap-train"
_PNG_KEYWORD = "XML:com.adobe.xmp"
_IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_XMP = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="{iptc}">
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>
   <Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>
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


def xmp_packet() -> bytes:
    """Mark as an XMP packet, UTF-8."""
    text = _XMP.format(iptc=_IPTC_EXTENSION, tool=escape(creator_tool()), source=SOURCE_TYPE)
    return text.encode()


def encode_picture(image: NDArray[np.uint8], suffix: str) -> bytes:
    """Encode a picture with the mark.

    Parameters
    ----------
    image
        ``(height, width, 3)``, BGR.
    suffix
        ``.png``, ``.jpg``, ``.jpeg`` or ``.webp``. JPEG and WebP are of quality 95.

    Raises
    ------
    FaceswapError
        The suffix is of no known format, or the picture is too large for it.
    """
    if suffix.lower() not in _FORMATS:
        raise FaceswapError(f"pictures can't be written as '{suffix}': use .png, .jpg or .webp")
    picture = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    try:
        return _encoded(picture, _FORMATS[suffix.lower()])
    except (OSError, ValueError) as error:
        raise FaceswapError(
            f"a picture of {picture.width}x{picture.height} pixels can't be written as "
            f"'{suffix}': {error}; make it smaller, or use .png"
        ) from error


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    match kind:
        case "PNG":
            info = PngInfo()
            info.add_itxt(_PNG_KEYWORD, xmp_packet().decode())
            picture.save(file, "PNG", pnginfo=info, compress_level=3)
        case "JPEG":
            # Colour at full resolution, or thin coloured lines would smear.
            picture.save(file, "JPEG", xmp=xmp_packet(), quality=95, subsampling="4:4:4")
        case _:
            picture.save(file, "WEBP", xmp=xmp_packet(), quality=95)
    return file.getvalue()


def write_picture(path: str | Path, image: NDArray[np.uint8]) -> None:
    """Write a picture with the mark, so that a reader sees either the old file or the new one.

    Parameters
    ----------
    path
        File to write or replace; the suffix names the format as in `encode_picture`.
    image
        ``(height, width, 3)``, BGR.

    Raises
    ------
    FaceswapError
        The suffix is of no known format, or the file can't be written.
    """
    path = Path(path)
    with replacing(path) as temporary:
        temporary.write_bytes(encode_picture(image, path.suffix))


def read_mark(path: str | Path) -> str | None:
    """Read a picture's digital source type.

    Parameters
    ----------
    path
        A PNG, JPEG or WebP file, whoever wrote it.

    Returns
    -------
    str or None
        The type, an address at ``cv.iptc.org``; None where the picture names none.

    Raises
    ------
    FaceswapError
        The file is not a picture that can be read.
    """
    try:
        with Image.open(path) as picture:
            packet = picture.info.get("xmp") or picture.info.get(_PNG_KEYWORD, "")
    except (OSError, UnidentifiedImageError) as error:
        raise FaceswapError(f"'{path}' can't be read as a picture: {error}") from error
    return _source_type(packet)


def _source_type(packet: str | bytes) -> str | None:
    """Digital source type of an XMP packet, where XMP allows it: in an element or an attribute."""
    name = f"{{{_IPTC_EXTENSION}}}DigitalSourceType"
    try:
        elements = list(ElementTree.fromstring(packet).iter())
    except ElementTree.ParseError:
        return None
    found = [e.get(name) or (e.text if e.tag == name else None) for e in elements]
    return next((text.strip() for text in found if text and text.strip()), None)
