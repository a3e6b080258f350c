import os
import struct
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lib.errors import FaceswapError
from lib.media import mark

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
SUFFIXES = [".png", ".jpg", ".jpeg", ".webp", ".PNG"]


@pytest.fixture
def image() -> NDArray[np.uint8]:
    """Smooth picture with different colours in its corners."""
    y, x = np.mgrid[0:40, 0:60]
    return np.stack([4 * x, 6 * y, 255 - 4 * x], axis=-1).astype(np.uint8)


def packet_of(data: bytes) -> bytes:
    """XMP packet of a file, found by the file formats' own rules."""
    if data.startswith(b"\x89PNG"):
        at = 8
        while data[at + 4 : at + 8] != b"iTXt":
            assert data[at + 4 : at + 8] != b"IDAT", "the mark must come before the pixels"
            at += 12 + int(struct.unpack(">I", data[at : at + 4])[0])
        length = struct.unpack(">I", data[at : at + 4])[0]
        keyword, rest = data[at + 8 : at + 8 + length].split(b"\0", 1)
        assert keyword == b"XML:com.adobe.xmp"
        assert rest[:4] == b"\0\0\0\0"  # not compressed, no language, no translation
        return rest[4:]
    if data.startswith(b"\xff\xd8"):
        signature = b"http://ns.adobe.com/xap/1.0/\0"
        at = data.index(signature)
        assert data[at - 4 : at - 2] == b"\xff\xe1"  # APP1
        length = struct.unpack(">H", data[at - 2 : at])[0]
        return data[at + len(signature) : at - 2 + length]
    at = data.index(b"XMP ")
    return data[at + 8 : at + 8 + struct.unpack("<I", data[at + 4 : at + 8])[0]]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_written_picture_carries_the_mark(
    tmp_path: Path, image: NDArray[np.uint8], suffix: str
) -> None:
    path = tmp_path / f"sheet{suffix}"
    mark.write_picture(path, image)
    root = ElementTree.fromstring(packet_of(path.read_bytes()))
    assert root.tag == "{adobe:ns:meta/}xmpmeta"
    description = root.find(f"{RDF}RDF/{RDF}Description")
    assert description is not None
    fields = {child.tag: child.text for child in description}
    assert fields == {
        "{http://ns.adobe.com/xap/1.0/}CreatorTool": mark.creator_tool(),
        "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType": SOURCE,
    }
    assert mark.read_mark(path) == SOURCE
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_pixels_survive_in_the_right_order(
    tmp_path: Path, image: NDArray[np.uint8], suffix: str
) -> None:
    path = tmp_path / f"sheet{suffix}"
    mark.write_picture(str(path), image)
    with Image.open(path) as picture:
        read = np.asarray(picture.convert("RGB")).astype(int)[..., ::-1]
    tolerance = 0 if suffix.lower() == ".png" else 12
    assert np.abs(read - image).max() <= tolerance


def test_thin_red_lines_keep_their_colour_in_jpeg(tmp_path: Path) -> None:
    image = np.full((32, 32, 3), 128, np.uint8)
    image[:, 16] = (0, 0, 255)
    mark.write_picture(tmp_path / "line.jpg", image)
    with Image.open(tmp_path / "line.jpg") as picture:
        line = np.asarray(picture)[:, 16].astype(int)
    assert np.abs(line - (255, 0, 0)).max() < 25


def test_an_unknown_suffix_is_named(tmp_path: Path, image: NDArray[np.uint8]) -> None:
    with pytest.raises(FaceswapError, match=r"'\.gif'.*\.png"):
        mark.write_picture(tmp_path / "sheet.gif", image)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_picture(
    tmp_path: Path, image: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sheet.png"
    mark.write_picture(path, image)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FaceswapError, match=r"sheet\.png.*No space left"):
        mark.write_picture(path, image[::-1])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("suffix", "width"), [(".webp", 16384), (".jpg", 65536)])
def test_a_picture_too_large_for_its_format_is_refused(
    tmp_path: Path, suffix: str, width: int
) -> None:
    with pytest.raises(FaceswapError, match=rf"{width}x1 .*'{suffix}'.*smaller"):
        mark.write_picture(tmp_path / f"wide{suffix}", np.zeros((1, width, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_the_version_is_that_of_the_installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: {"faceswap-train": "1.2<3"}[name])
    assert mark.creator_tool() == "faceswap-train 1.2<3"
    tool = ElementTree.fromstring(mark.xmp_packet()).find(".//{http://ns.adobe.com/xap/1.0/}*")
    assert tool is not None
    assert tool.text == "faceswap-train 1.2<3"


def test_without_an_installed_package_there_is_no_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert mark.creator_tool() == "faceswap-train"


def write_xmp(path: Path, packet: str) -> None:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet)
    Image.new("RGB", (2, 2)).save(path, pnginfo=info)


def test_other_programs_marks_are_read_from_attributes_too(tmp_path: Path) -> None:
    write_xmp(
        tmp_path / "a.png",
        '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<r:Description xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' i:DigitalSourceType="http://example.org/digitalCapture"/></r:RDF>',
    )
    assert mark.read_mark(tmp_path / "a.png") == "http://example.org/digitalCapture"


@pytest.mark.parametrize("packet", ["<open>", "<empty/>", ""])
def test_a_picture_without_the_mark_has_none(tmp_path: Path, packet: str) -> None:
    write_xmp(tmp_path / "a.png", packet)
    assert mark.read_mark(tmp_path / "a.png") is None


def test_a_picture_without_xmp_has_none(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "a.jpg")
    assert mark.read_mark(tmp_path / "a.jpg") is None


def test_what_is_no_picture_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not a picture")
    for name in ("a.png", "absent.png"):
        with pytest.raises(FaceswapError, match=name):
            mark.read_mark(tmp_path / name)


def test_a_picture_that_pillow_refuses_to_read_is_one_line(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", icc_profile=bytes((1 << 20) + 1))
    with pytest.raises(FaceswapError, match="can't be read as a picture or video"):
        mark.read_mark(tmp_path / "a.png")
    assert mark.read_title(tmp_path / "a.png") is None
