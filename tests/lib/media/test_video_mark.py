import io
import struct
import uuid
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from PIL import Image

from lib.errors import FaceswapError
from lib.media import mark
from lib.media.embed import append_to_mp4, insert_in_gif
from tests.fixtures import clips

XMP_BOX = uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """Boxes of ISO/IEC 14496-12, 4.2, at the top level."""
    found, at = [], 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        assert length >= 8
        found.append((kind, data[at + 8 : at + length]))
        at += length
    assert at == len(data)
    return found


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_marked_video_holds_the_packet_and_plays(tmp_path: Path, suffix: str) -> None:
    path = clips.write_clip(tmp_path / f"clip{suffix}", 6)
    before = boxes(path.read_bytes())
    assert mark.read_mark(path) is None
    mark.mark_video(path)
    *others, (kind, content) = boxes(path.read_bytes())
    assert others == before
    assert (kind, content[:16]) == (b"uuid", XMP_BOX)
    assert ElementTree.fromstring(content[16:]).tag == "{adobe:ns:meta/}xmpmeta"
    assert mark.read_mark(path) == mark.SOURCE_TYPE
    with av.open(str(path)) as container:
        shown = [clips.number_of(f.to_ndarray(format="bgr24")) for f in container.decode(video=0)]
    assert shown == list(range(6))


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_matroska_holds_the_mark_as_a_tag(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        container.metadata.update(mark.video_tags())
        stream = container.add_stream("libvpx-vp9", rate=25)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))
    before = path.read_bytes()
    mark.mark_video(path)
    assert path.read_bytes() == before
    assert mark.read_mark(path) == mark.SOURCE_TYPE
    with av.open(str(path)) as container:
        assert mark.creator_tool() in container.metadata["COMMENT"]


def test_boxes_of_any_length_are_walked(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    long = struct.pack(">I4sQ", 1, b"mdat", 24) + bytes(8)
    path.write_bytes(struct.pack(">I4s", 8, b"ftyp") + long)
    append_to_mp4(path, mark.xmp_packet())
    assert mark.read_mark(path) == mark.SOURCE_TYPE
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", 0, b"mdat") + bytes(99))  # up to the end
    assert mark.read_mark(path) == mark.SOURCE_TYPE
    path.write_bytes(struct.pack(">I4s", 3, b"ftyp") + bytes(8))  # damaged
    assert mark.read_mark(path) is None


@pytest.mark.parametrize("version", [b"GIF87a", b"GIF89a"])
def test_a_marked_animation_holds_the_packet_and_plays(tmp_path: Path, version: bytes) -> None:
    frames = [Image.fromarray(np.full((8, 9), 40 * n, np.uint8)) for n in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=50)
    data = insert_in_gif(version + file.getvalue()[6:], mark.xmp_packet())
    path = tmp_path / "a.gif"
    path.write_bytes(data)
    assert data.startswith(b"GIF89a")
    assert mark.read_mark(path) == mark.SOURCE_TYPE
    with Image.open(path) as picture:
        assert picture.n_frames == 3
        for number in range(3):
            picture.seek(number)
            assert abs(picture.convert("L").getpixel((4, 4)) - 40 * number) <= 2
    # A reader that knows nothing of XMP takes the packet's bytes for lengths of blocks.
    at = data.index(b"XMP DataXMP") + 11
    while data[at]:
        at += 1 + data[at]
    assert data[at + 1 : at + 2] in (b"!", b",")
    path.write_bytes(file.getvalue())
    assert mark.read_mark(path) is None


def test_a_damaged_matroska_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(b"\x1a\x45\xdf\xa3 nothing more")
    with pytest.raises(FaceswapError, match=r"a\.mkv"):
        mark.read_mark(tmp_path / "a.mkv")
