import ast
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lib.align.header import read_header
from lib.extract.picture import cut_face, draw_faces, face_name, write_face
from lib.media.frame import Frame
from tests.fixtures.square_face import square_face


@pytest.mark.parametrize("name", ["bbaf2n", "sbia1a", "brbk7n", "lbbc2a"])
def test_faces_are_cut_as_the_program_cuts_them_that_wrote_the_real_ones(
    grid: Path, name: str
) -> None:
    video = cv2.VideoCapture(str(grid.parent / f"{name}.mpg"))  # as that program decodes
    for path in sorted((grid / name).iterdir())[:5]:
        frame = np.asarray(video.read()[1], np.uint8)
        header = read_header(path.read_bytes())
        assert header is not None
        stored = cv2.imread(str(path)).astype(int)
        assert np.abs(cut_face(frame, header.landmarks, 256) - stored).mean() < 0.1


def test_a_face_lies_under_its_landmarks() -> None:
    face = square_face(40, 30, edge=80)
    frame = np.zeros((160, 200, 3), np.uint8)
    x, y = np.rint(face.landmarks[30]).astype(int)
    cv2.circle(frame, (int(x), int(y)), 3, (255, 255, 255), -1)
    crop = cut_face(frame, face.landmarks, 128)
    assert crop.shape == (128, 128, 3)
    assert crop.max() > 200
    assert (crop > 100).mean() < 0.02


def test_the_header_is_one_that_other_programs_read(tmp_path: Path) -> None:
    face = square_face(40, 30, edge=80)
    frame = Frame(4, "clip_000005.png", np.full((160, 200, 3), 90, np.uint8))
    path = tmp_path / face_name(frame.name, 1)
    write_face(path, frame, 1, face, 64, is_video=True)
    with Image.open(path) as picture:
        assert picture.size == (64, 64)
        header = ast.literal_eval(picture.text["faceswap"])
    assert header["source"] == {
        "alignments_version": 2.4,
        "original_filename": "clip_000005_1.png",
        "face_index": 1,
        "source_filename": "clip_000005.png",
        "source_is_video": True,
        "source_frame_dims": (160, 200),
    }
    found = header["alignments"]
    assert [found[key] for key in "xywh"] == [40, 30, 80, 80]
    np.testing.assert_array_equal(found["landmarks_xy"], face.landmarks)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [("clip_000001.png", "clip_000001_2.png"), ("a.b.jpg", "a.b_2.png"), ("x", "x_2.png")],
)
def test_a_face_is_named_by_its_frame(frame: str, expected: str) -> None:
    assert face_name(frame, 2) == expected
    assert face_name(frame, 2, is_twin=True) == f"{frame}_2.png"


def test_what_was_found_is_drawn_on_a_copy() -> None:
    image = np.zeros((160, 200, 3), np.uint8)
    face = square_face(40, 30, edge=80)
    drawn = draw_faces(image, (face,))
    assert not image.any()
    for x, y in np.rint(face.landmarks).astype(int):
        assert drawn[y, x].any()
    assert drawn[30, 60].any()  # the box
