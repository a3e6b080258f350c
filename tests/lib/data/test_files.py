import io
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lib.align.header import FaceHeader, write_png
from lib.data import files
from lib.data.files import FileNote, find_images, read_face, read_file
from lib.errors import FaceswapError

GRID = Path(__file__).parents[3] / "../shared/data/grid/faces"
RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (48, 48, 3), np.uint8)  # red first
GREY = RNG.integers(0, 256, (48, 48), np.uint8)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("faces")


def save(folder, name, array, **kwargs):
    path = folder / name
    Image.fromarray(array).save(path, **kwargs)
    return str(path)


def png_bytes(array=COLOUR):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def with_edge(png, width, height):
    """The PNG with another size in its first chunk."""
    head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + png[24:29]
    return png[:12] + head + zlib.crc32(head).to_bytes(4, "big") + png[33:]


def test_pictures_are_found_in_order(tmp_path):
    for name in ("b.png", "a.JPG", "d.Jpeg", "c.webp", "e.gif", ".hidden.png", "f.txt", "png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "deep.png").touch()
    found = find_images(str(tmp_path))
    assert found == [str(tmp_path / name) for name in ("a.JPG", "b.png", "c.webp", "d.Jpeg")]


def test_paths_are_absolute(tmp_path, monkeypatch):
    (tmp_path / "a.png").touch()
    monkeypatch.chdir(tmp_path)
    assert find_images(".") == [str(tmp_path / "a.png")]


def test_folders_that_cannot_be_used(tmp_path, monkeypatch):
    with pytest.raises(FaceswapError, match="does not exist"):
        find_images(str(tmp_path / "none"))
    with pytest.raises(FaceswapError, match=r"holds no picture.*\.png, \.jpg, \.jpeg, \.webp"):
        find_images(str(tmp_path))
    (tmp_path / "debug").mkdir()
    with pytest.raises(FaceswapError, match="there$"):
        find_images(str(tmp_path))
    (tmp_path / "person_1").mkdir()
    with pytest.raises(FaceswapError, match=r"or name a folder within it, such as 'person_1'$"):
        find_images(str(tmp_path))
    (tmp_path / "a.png").touch()
    with pytest.raises(FaceswapError, match="is a file"):
        find_images(str(tmp_path / "a.png"))

    def refuse(_folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(FaceswapError, match="cannot be read: Permission denied"):
        find_images(str(tmp_path))


def test_kinds_of_colour(tmp_path):
    spread = np.repeat(GREY[..., None], 3, axis=2)
    alpha = np.dstack([COLOUR, GREY])
    deep = GREY.astype(np.uint16) * 256 + 77
    palette = Image.fromarray(COLOUR).quantize(16)
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "clear.png", transparency=bytes(range(16)))
    Image.fromarray(np.dstack([GREY, GREY])).save(tmp_path / "la.png")
    bits = Image.fromarray(GREY).convert("1")
    bits.save(tmp_path / "bits.png")
    cases = {
        save(tmp_path, "rgb.png", COLOUR): COLOUR,
        save(tmp_path, "rgba.png", alpha): COLOUR,
        save(tmp_path, "grey.png", GREY): spread,
        save(tmp_path, "deep.png", deep): spread,
        save(tmp_path, "rgb.webp", COLOUR, lossless=True): COLOUR,
        str(tmp_path / "palette.png"): np.asarray(palette.convert("RGB")),
        str(tmp_path / "clear.png"): np.asarray(palette.convert("RGB")),
        str(tmp_path / "la.png"): spread,
        str(tmp_path / "bits.png"): np.asarray(bits.convert("RGB")),
    }
    for path, red_first in cases.items():
        face = read_face(path)
        np.testing.assert_array_equal(face.image, red_first[..., ::-1], err_msg=path)
        assert face.image.dtype == np.uint8
        assert face.image.flags.c_contiguous
        assert face.header is None


def test_jpeg_is_read_as_it_is_meant_to_be_seen(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    upright = read_face(save(tmp_path, "a.jpg", ramp, quality=95)).image
    assert np.abs(upright[..., 0].astype(int) - ramp).max() < 6
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise
    turned = read_face(save(tmp_path, "b.jpg", ramp, quality=95, exif=exif)).image
    np.testing.assert_array_equal(turned, np.rot90(upright, -1))


def test_the_header_comes_with_the_picture(tmp_path):
    landmarks = RNG.uniform(0, 100, (68, 2))
    write_png(tmp_path / "a.png", COLOUR[..., ::-1], FaceHeader(landmarks, (1, 2, 3, 4)))
    face = read_face(str(tmp_path / "a.png"))
    np.testing.assert_array_equal(face.header.landmarks, landmarks)
    np.testing.assert_array_equal(face.image, COLOUR[..., ::-1])


def test_bad_pictures_are_refused_with_a_reason(tmp_path):
    png = png_bytes()
    files = {
        "empty.png": (b"", "is empty"),
        "text.png": (b"hello", "no PNG, JPEG or WebP"),
        "cut.png": (png[:3000], "is damaged"),
        "flipped.png": (png[:2000] + b"\0\0\0\0" + png[2004:], "is damaged"),
        "named.jpg": (png, "holds a PNG picture"),
        "wide.png": (png_bytes(np.zeros((80, 120, 3), np.uint8)), r"not square \(120 x 80\)"),
        "small.png": (png_bytes(np.zeros((31, 31, 3), np.uint8)), "31 px wide, outside 32 to 8192"),
        "large.png": (with_edge(png, 8194, 8194), "8194 px wide, outside 32 to 8192"),
        "warning.png": (with_edge(png, 10_000, 10_000), "10000 px wide, outside 32 to 8192"),
        "bomb.png": (with_edge(png, 60_000, 60_000), "60000 px wide, outside 32 to 8192"),
    }
    for name, (data, reason) in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FaceswapError, match=reason) as caught:
            read_face(str(tmp_path / name))
        assert name not in str(caught.value)


def test_pictures_of_other_sorts_are_refused(tmp_path):
    frames = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1])]
    for name in ("a.png", "b.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(FaceswapError, match="more than one picture"):
            read_face(str(tmp_path / name))
    Image.fromarray(np.dstack([COLOUR, GREY]), "CMYK").save(tmp_path / "c.jpg")
    with pytest.raises(FaceswapError, match="CMYK colours"):
        read_face(str(tmp_path / "c.jpg"))


def test_a_bad_header_is_named(tmp_path):
    info = PngInfo()
    info.add_itxt("faceswap", "{}")
    path = save(tmp_path, "a.png", COLOUR, pnginfo=info)
    with pytest.raises(FaceswapError, match="face header that cannot be read"):
        read_face(path)


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(FaceswapError, match="not a regular file"):
        read_face(str(tmp_path / "pipe.png"))
    with pytest.raises(FaceswapError, match="cannot be read: No such file"):
        read_face(str(tmp_path / "none.png"))
    with (tmp_path / "vast.png").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(FaceswapError, match="larger than 256 MiB"):
        read_face(str(tmp_path / "vast.png"))


def test_a_file_is_noted_as_it_was(tmp_path):
    for name, content in {"a": b"one", "b": b"two", "c": b"one"}.items():
        (tmp_path / name).write_bytes(content)
    os.utime(tmp_path / "a", ns=(5, 1_234_567_890_123_456_789))
    data, note = read_file(str(tmp_path / "a"))
    assert data == b"one"
    assert (note.size, note.modified) == (3, 1_234_567_890_123_456_789)
    other, same = (read_file(str(tmp_path / name))[1] for name in "bc")
    assert isinstance(other, FileNote)
    assert other.digest != note.digest == same.digest


def test_too_little_memory_is_told_as_that(tmp_path, monkeypatch):
    def refuse(*_args, **_more):
        raise MemoryError

    path = save(tmp_path, "a.png", COLOUR)
    monkeypatch.setattr(files.Image, "open", refuse)
    with pytest.raises(FaceswapError, match="takes more memory than there is"):
        read_face(path)


def test_large_pictures_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    path = save(tmp_path, "a.png", COLOUR)
    monkeypatch.setattr(files, "_LARGE", 47)
    held = []
    decode = files._decode
    monkeypatch.setattr(
        files, "_decode", lambda found: held.append(files._ONE_LARGE.locked()) or decode(found)
    )
    read_face(path)
    monkeypatch.setattr(files, "_LARGE", 48)
    read_face(path)
    assert held == [True, False]


def attempt(folder, name, data):
    """Read a file of these bytes; only the reader's own error may come of it."""
    path = folder / name
    path.write_bytes(data)
    try:
        face = read_face(str(path))
    except FaceswapError:
        return
    size = face.image.shape[0]
    assert face.image.shape == (size, size, 3)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["a.png", "a.jpg", "a.webp"]))
def test_random_bytes_raise_nothing_else(scratch, data, name):
    attempt(scratch, name, data)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["a.png", "a.jpg", "a.webp"]),
    st.lists(st.tuples(st.integers(0, 9999), st.integers(1, 255)), min_size=1, max_size=5),
    st.integers(0, 9999),
)
def test_mutated_pictures_raise_nothing_else(scratch, name, changes, end):
    file = io.BytesIO()
    Image.fromarray(COLOUR).save(file, name.replace("a.", "").replace("jpg", "jpeg"))
    data = bytearray(file.getvalue())
    for position, flip in changes:
        data[position % min(len(data), 200)] ^= flip
    attempt(scratch, name, bytes(data[: max(end, 100)]))


def test_real_faces_are_read():
    if not GRID.is_dir():
        pytest.skip("the real faces of ../shared/data/grid are absent")
    paths = find_images(str(GRID / "sbia1a"))
    assert len(paths) == 75
    face = read_face(paths[0])
    with Image.open(paths[0]) as picture:
        np.testing.assert_array_equal(face.image[..., ::-1], np.asarray(picture))
    assert face.header.source_frame_dims == (288, 360)
