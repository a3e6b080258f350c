"""A side's faces, and what the user is told of them."""

import logging
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lib.align import masks
from lib.align.geometry import Alignment, transform_points
from lib.align.header import StoredMask, write_png
from lib.data.faceset import BadFace, Cut, FaceSet, load_faces
from lib.data.files import find_images, read_face
from lib.data.sides import check_count, check_side, write_report
from lib.errors import FaceswapError

CUT = Cut(32, "face", "extended", mask_blur_kernel=3, mask_threshold=4)
COVERAGE = 0.6875

Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def load_side(
    side: str, paths: Sequence[str], cut: Cut, *, coverage: float, allow_few: bool
) -> tuple[FaceSet, list[BadFace]]:
    faces, bad = load_faces(paths, cut, f"Side {side.upper()}")
    check_side(side, faces, bad, cut=cut, coverage=coverage, allow_few=allow_few)
    return faces, bad


def with_masks(source: Path, folder: Path, change: Change) -> list[str]:
    """Faces of a folder, with a mask 'x' that a drawn one becomes by a change."""
    paths = []
    for path in find_images(str(source)):
        face = read_face(path)
        assert face.header is not None
        matrix = Alignment(face.header.landmarks).matrix(128, "head")
        drawn = masks.components(transform_points(face.header.landmarks, matrix), 128)
        data = zlib.compress(change(drawn).tobytes())
        stored = StoredMask(data, matrix.tolist(), 2, 128, "head")
        paths.append(str(folder / Path(path).name))
        write_png(paths[-1], face.image, replace(face.header, masks={"x": stored}))
    return paths


@pytest.mark.parametrize("count", [0, 24])
def test_too_few_faces_are_refused(count: int) -> None:
    with pytest.raises(FaceswapError, match=f"side B has {count} faces: at least 25 .*500 to"):
        check_count("b", count, "faces", allow_few=False)


def test_few_faces_are_taken_where_asked_to() -> None:
    check_count("a", 25, "faces", allow_few=False)
    check_count("a", 1, "faces", allow_few=True)
    with pytest.raises(FaceswapError, match="side A has 0 faces"):
        check_count("a", 0, "faces", allow_few=True)


def test_good_faces_are_counted_and_few_are_warned_of(
    rendered: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        paths = find_images(str(rendered["a"]))
        faces, bad = load_side("a", paths, CUT, coverage=COVERAGE, allow_few=False)
    assert len(faces) == 30
    assert caplog.messages[0].startswith("Side A: 30 faces; the 'extended' mask covers ")
    assert caplog.messages[1].startswith("Side A: 30 faces are few")
    assert bad == []


def test_bad_files_are_named_in_the_log(
    rendered: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = find_images(str(rendered["a"]))
    bad = []
    for index in range(5):
        bad.append(str(tmp_path / f"bad{index}.png"))
        Path(bad[-1]).write_bytes(b"?")
    _, found = load_side("b", [*bad, *good], CUT, coverage=COVERAGE, allow_few=False)
    assert "Side B: 5 bad files left out" in caplog.messages[0]
    assert caplog.messages[0].endswith("; and 2 more")
    assert [face.path for face in found] == bad


def test_the_report_has_a_line_a_file_whatever_it_is_called(tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    left_out = [
        ("a", BadFace("/x/a b.png", "is empty")),
        ("b", BadFace("/x/new\nline\u2028.png", "is the same picture as \udcff\r.png")),
    ]
    write_report(report, left_out)
    assert report.read_bytes().decode("ascii").splitlines() == [
        "A /x/a b.png is empty",
        "B /x/new\\nline\\u2028.png is the same picture as \\udcff\\r.png",
    ]
    write_report(report, [])
    assert not report.exists()


def test_the_share_of_the_window_that_the_mask_covers_is_told(
    rendered: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    paths = find_images(str(rendered["b"]))
    cut = replace(CUT, size=94)
    drawn, _ = load_faces(paths, replace(cut, mask_blur_kernel=0), "B")
    shares = [100 * (mask[15:79, 15:79, 0] > 0).mean() for mask in drawn.masks]
    with caplog.at_level(logging.INFO):
        load_side("b", paths, cut, coverage=COVERAGE, allow_few=True)
    assert caplog.messages == [
        f"Side B: 30 faces; the 'extended' mask covers {np.mean(shares):.0f}% of the trained "
        f"window ({min(shares):.0f}% to {max(shares):.0f}%)"
    ]


def test_no_mask_and_no_landmarks_have_no_share(
    rendered: dict[str, Path], plain: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    without = replace(CUT, mask_type=None)
    pictures, faces = find_images(str(plain["a"])), find_images(str(rendered["a"]))
    with caplog.at_level(logging.INFO):
        load_side("a", faces, without, coverage=COVERAGE, allow_few=True)
        load_side("a", pictures, CUT, coverage=COVERAGE, allow_few=True)
        load_side("a", [*faces, *pictures], CUT, coverage=COVERAGE, allow_few=True)
    assert caplog.messages[0] == "Side A: 30 faces"
    assert caplog.messages[1].startswith("Side A: 30 faces, 30 of them without landmarks: no masks")
    assert caplog.messages[1].endswith("for those")
    assert caplog.messages[3].startswith("Side A: 60 faces, 30 of them without landmarks: no masks")
    assert "for those; the 'extended' mask covers" in caplog.messages[3]


@pytest.mark.parametrize(("centring", "needs_head"), [("face", True), ("head", False)])
def test_pictures_that_nobody_can_centre_are_warned_of(
    rendered: dict[str, Path],
    plain: dict[str, Path],
    caplog: pytest.LogCaptureFixture,
    centring: str,
    needs_head: bool,
) -> None:
    cut = replace(CUT, centring=centring)
    load_side("b", find_images(str(rendered["b"])), cut, coverage=COVERAGE, allow_few=True)
    assert caplog.messages == []
    mixed = [*find_images(str(rendered["b"])), *find_images(str(plain["b"]))[:1]]
    load_side("b", mixed, cut, coverage=COVERAGE, allow_few=True)
    (warning,) = caplog.messages
    assert f"convert cuts faces as centering = {centring} says: frame them so" in warning
    assert ("need a model begun with centering = head" in warning) == needs_head


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (lambda mask: mask, None),
        (
            np.invert,
            "the 'x' mask covers only [0-9]% of the face that the landmarks show: it may be",
        ),
        (np.zeros_like, "the 'x' mask is empty in 30 of 30 faces, such as "),
        (
            lambda mask: np.full_like(mask, 255),
            "the 'x' mask covers 100\\.0% of the trained window, so next to nothing is left out",
        ),
    ],
)
def test_masks_that_cannot_be_right_are_warned_of(
    rendered: dict[str, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: Change,
    warning: str | None,
) -> None:
    paths = with_masks(rendered["a"], tmp_path, change)
    cut = replace(CUT, mask_type="x")
    load_side("a", paths, cut, coverage=COVERAGE, allow_few=True)
    assert len(caplog.messages) == (warning is not None)
    assert all(re.match(f"Side A: {warning}", message) for message in caplog.messages)


def test_a_side_whose_faces_lack_the_mask_is_refused(
    rendered: dict[str, Path], tmp_path: Path
) -> None:
    lacking = find_images(str(rendered["b"]))[:2]
    paths = [*with_masks(rendered["a"], tmp_path, np.copy), *lacking]
    cut = replace(CUT, mask_type="x")
    expected = (
        f"Side B: mask_type = x: 2 of 32 faces have no such mask, such as {lacking[0]}; in all of "
        "them there are: components, extended"
    )
    with pytest.raises(FaceswapError) as caught:
        load_side("b", paths, cut, coverage=COVERAGE, allow_few=True)
    assert str(caught.value) == expected


@pytest.mark.parametrize(("count", "told"), [(249, True), (250, False)])
def test_fewer_than_250_faces_are_warned_of(
    caplog: pytest.LogCaptureFixture, count: int, told: bool
) -> None:
    pixels = np.zeros((count, 4, 4, 3), np.uint8)
    landmarks = np.full((count, 68, 2), np.nan, np.float32)
    faces = FaceSet(tuple(map(str, range(count))), pixels, pixels, landmarks)
    check_side("a", faces, [], cut=replace(CUT, mask_type=None), coverage=COVERAGE, allow_few=False)
    warning = f"Side A: {count} faces are few; 500 to 5,000 varied ones are usual"
    assert (warning in caplog.messages) is told
