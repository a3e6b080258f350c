import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lib.errors import FaceswapError
from lib.media.pictures import _natural, read_picture
from lib.media.source import open_source


@pytest.fixture
def rgb() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        Image.new("RGB", (6, 4), (number, 0, 0)).save(tmp_path / f"f{number}.PNG")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / ".hidden.png").write_bytes(b"")
    source = open_source(tmp_path)
    assert (source.count, source.size, source.is_video) == (3, (4, 6), False)
    frames = list(source.frames())
    assert [frame.name for frame in frames] == ["f1.PNG", "f9.PNG", "f10.PNG"]
    assert [frame.image[0, 0, 2] for frame in frames] == [1, 9, 10]
    assert [frame.index for frame in source.frames(start=1)] == [1, 2]
    assert [frame.index for frame in source.frames(every=2)] == [0, 2]
    assert source.name(2) == "f10.PNG"


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=6, unique=True))
def test_numbers_in_names_count_as_numbers(numbers: list[int]) -> None:
    names = [f"a{number}b.png" for number in numbers]
    expected = [f"a{number}b.png" for number in sorted(numbers)]
    assert sorted(names, key=_natural) == expected


# EXIF 2.32, 4.6.4: where the 0th row and column of what is stored belong in what is shown.
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


@pytest.mark.parametrize("orientation", TURNS)
def test_pictures_are_turned_upright(
    tmp_path: Path, rgb: NDArray[np.uint8], orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(rgb).save(tmp_path / "a.png", exif=exif)
    shown = TURNS[orientation](rgb)[..., ::-1]
    source = open_source(tmp_path / "a.png")
    assert source.size == shown.shape[:2]
    np.testing.assert_array_equal(next(source.frames()).image, shown)


def test_every_kind_of_picture_becomes_bgr(tmp_path: Path, rgb: NDArray[np.uint8]) -> None:
    grey = rgb[..., 0]
    alpha = np.dstack([rgb, np.arange(35, dtype=np.uint8).reshape(5, 7)])
    palette = Image.fromarray(grey).convert("P")
    palette.info["transparency"] = bytes(range(256))
    grey_16 = grey.astype(np.uint16) * 256 + 255
    kinds = {
        "grey.png": (Image.fromarray(grey), grey),
        "grey_16.png": (Image.fromarray(grey_16), grey),
        "grey_16.tif": (Image.fromarray(grey_16), grey),
        "palette.png": (palette, np.asarray(palette.convert("RGBA"))[..., 0]),
        "grey_alpha.png": (Image.fromarray(grey).convert("LA"), grey),
        "alpha.png": (Image.fromarray(alpha), rgb[..., ::-1]),
    }
    for name, (picture, expected) in kinds.items():
        picture.save(tmp_path / name)
        shown = read_picture(tmp_path / name).image
        assert (shown.dtype, shown.shape, shown.flags.c_contiguous) == (np.uint8, (5, 7, 3), True)
        expected = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)
        np.testing.assert_array_equal(shown, expected, err_msg=name)


def test_a_colour_profile_is_kept_where_it_tells_of_the_frames_colours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    kept = {"RGB": rgb, "RGBA": rgb}
    lost = {"L": rgb, "CMYK": rgb}
    for mode, profile in (kept | lost).items():
        picture = Image.new("RGB", (4, 4)).convert(mode)
        picture.save(tmp_path / f"{mode}.tif", icc_profile=profile)
    for name, profile in ("lab", lab), ("junk", b"junk"), ("large", rgb + bytes(1 << 20)):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}.jpg", icc_profile=profile)
    profiles = {frame.name: frame.profile for frame in open_source(tmp_path).frames()}
    assert {name for name, profile in profiles.items() if profile} == {"RGB.tif", "RGBA.tif"}
    assert profiles["RGB.tif"] == rgb
    (line,) = caplog.messages
    assert "has a colour profile that is not of RGB" in line


def test_the_first_file_of_several_pictures_is_named_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pages = [Image.new("RGB", (4, 4), (grey, grey, grey)) for grey in (10, 20, 30)]
    for number in (1, 2):
        pages[0].save(tmp_path / f"{number}.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "3.webp", save_all=True, append_images=pages[1:], lossless=True)
    pages[0].save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=pages[1:])
    assert [frame.image.max() for frame in open_source(tmp_path).frames()] == [10] * 4
    (line,) = caplog.messages
    assert "1.tif' holds several pictures, of which the first is taken" in line
    caplog.clear()
    list(open_source(tmp_path / "phone.jpg").frames())
    assert not caplog.messages
    list(open_source(tmp_path / "3.webp").frames())
    assert "holds several pictures" in caplog.text


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(
    ("shape", "kind", "left_out"),
    [
        ((4, 4), np.uint16, ["has more than 8 bits a channel, of which 8 are read"]),
        ((4, 4, 3), np.uint16, ["has more than 8 bits a channel, of which 8 are read"]),
        ((4, 4, 3), np.uint8, []),
        ((4, 4, 4), np.uint8, ["has transparency, which is left out"]),
    ],
)
def test_depth_and_transparency_that_are_left_out_are_told(
    tmp_path: Path, suffix: str, shape: tuple[int, ...], kind: type, left_out: list[str]
) -> None:
    path = tmp_path / f"picture.{suffix}"
    cv2.imwrite(str(path), np.full(shape, 100, kind))
    assert list(read_picture(path).left_out) == left_out
    cv2.imwrite(str(path), np.full((4, 4, 4), 255, np.uint8))
    assert not read_picture(path).left_out, "it hides nothing"


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "TIFF of LZW"])
def test_a_width_with_a_16_in_it_is_no_depth(tmp_path: Path, kind: str) -> None:
    for width in (16, 160, 720, 1416):
        how = {"compression": "tiff_lzw"} if kind.endswith("LZW") else {}
        Image.new("RGB", (width, 4)).save(tmp_path / "a", kind.split()[0], **how)
        assert not read_picture(tmp_path / "a").left_out


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damage_after_the_first_picture_of_a_file_is_no_hindrance(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (32, 32), (grey, grey, grey)) for grey in (10, 20, 30, 40)]
    pages[0].save(tmp_path / "whole.tif", save_all=True, append_images=pages[1:])
    whole = (tmp_path / "whole.tif").read_bytes()
    for length in range(len(whole) // 3, len(whole), 101):
        (tmp_path / "cut.tif").write_bytes(whole[:length])
        assert read_picture(tmp_path / "cut.tif").image.max() == 10
    for at in range(len(whole) // 3, len(whole), 101):
        (tmp_path / "flipped.tif").write_bytes(whole[:at] + b"\xff\xfe" + whole[at + 2 :])
        assert read_picture(tmp_path / "flipped.tif").image.max() == 10


def test_an_unreadable_picture_is_named_and_keeps_its_number(
    tmp_path: Path, rgb: NDArray[np.uint8], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        Image.fromarray(rgb).save(tmp_path / f"{number}.png")
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "0.png").write_bytes(whole[:70])
    (tmp_path / "2.png").write_text("no picture at all")
    source = open_source(tmp_path)
    assert source.size == (5, 7)
    assert [frame.index for frame in source.frames()] == [1, 3]
    assert [("0.png" in line, "2.png" in line) for line in caplog.messages] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.skipif(os.name == "nt", reason="pipes and links are made otherwise there")
def test_links_to_nowhere_and_pipes_are_named(
    tmp_path: Path, rgb: NDArray[np.uint8], caplog: pytest.LogCaptureFixture
) -> None:
    Image.fromarray(rgb).save(tmp_path / "0.png")
    (tmp_path / "1.png").symlink_to(tmp_path / "0.png")
    (tmp_path / "2.png").symlink_to(tmp_path / "gone.png")
    os.mkfifo(tmp_path / "3.png")
    assert [frame.index for frame in open_source(tmp_path).frames()] == [0, 1]
    link, pipe = caplog.messages
    assert "2.png" in link
    assert "No such file" in link
    assert "3.png' can't be read as a picture: it is no regular file" in pipe
    assert "\n" not in link + pipe


@pytest.mark.parametrize("name", ["absent", "empty", "broken", "broken/a.jpg"])
def test_nothing_to_read_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_text("no picture")
    with pytest.raises(FaceswapError, match=name) as raised:
        open_source(tmp_path / name)
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    with pytest.raises(FaceswapError, match="can't read folder"):
        open_source(tmp_path)
    tmp_path.chmod(0o700)
