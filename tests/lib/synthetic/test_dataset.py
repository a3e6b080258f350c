from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lib.align.geometry import Alignment
from lib.align.header import FaceHeader, read_header, write_png
from lib.errors import FaceswapError
from lib.synthetic.dataset import KEYWORD, read_parameters, render_truth, write_faces
from lib.synthetic.parameters import Expression, Identity, Pose, Shot
from lib.synthetic.performance import performance

A, B = (Identity.random(np.random.default_rng(k)) for k in (21, 22))


def test_faces_are_stored_with_header_and_parameters(tmp_path: Path) -> None:
    shots = performance(np.random.default_rng(1), 3)
    paths = write_faces(tmp_path / "a", A, shots, "anna", size=96)
    assert [p.name for p in paths] == [f"anna_00000{k}_0.png" for k in (1, 2, 3)]
    for path, shot in zip(paths, shots, strict=True):
        data = path.read_bytes()
        header = read_header(data)
        assert header is not None
        assert header.source_frame_dims == (120, 120)
        x, y, w, h = header.box
        assert (header.landmarks >= (x, y)).all()
        assert (header.landmarks <= (x + w, y + h)).all()
        assert read_parameters(data) == (A, shot)
        stored = cv2.imread(str(path))
        np.testing.assert_array_equal(stored, render_truth(A, A, shot, 96))


def test_crop_brings_the_eyes_to_where_the_alignment_says(tmp_path: Path) -> None:
    """The stored crop holds dark pupils where the header's landmarks and matrix put the eyes."""
    who = Identity(eye_colour=(0.05, 0.05, 0.05))
    (path,) = write_faces(tmp_path, who, [Shot(Pose(yaw=10, roll=8))], "x", size=256)
    header = read_header(path.read_bytes())
    assert header is not None
    matrix = Alignment(header.landmarks).matrix(256, "head")
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    for eye in (slice(36, 42), slice(42, 48)):
        x, y = np.rint(matrix[:, :2] @ header.landmarks[eye].mean(0) + matrix[:, 2]).astype(int)
        assert picture[y - 2 : y + 3, x - 3 : x + 4].min() < 50
        assert picture[y + 12, x] > 90


def test_truth_shows_the_other_person_in_the_same_window() -> None:
    shot = Shot(Pose(yaw=15, pitch=5), Expression(mouth_open=0.6))
    source, truth, other = (render_truth(*pair, shot, 128) for pair in ((A, A), (A, B), (B, B)))
    assert truth.shape == (128, 128, 3)
    assert np.abs(truth.astype(int) - source)[40:90, 40:90].mean() > 5
    # The same picture of B as in B's own window, but for the window: some similarity takes
    # one to the other.
    shift, _ = cv2.phaseCorrelate(truth[..., 1].astype(float), other[..., 1].astype(float))
    assert np.hypot(*shift) < 8
    np.testing.assert_allclose(truth[:12, :12], source[:12, :12], atol=1)


def test_a_picture_without_parameters_gives_none(tmp_path: Path) -> None:
    header = FaceHeader(landmarks=np.zeros((68, 2)), box=(0, 0, 1, 1))
    write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8), header)
    assert read_parameters((tmp_path / "a.png").read_bytes()) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"identity": {}, "shot": {}}', "[" * 100000])
def test_malformed_parameters_are_an_error(tmp_path: Path, text: str) -> None:
    header = FaceHeader(landmarks=np.zeros((68, 2)), box=(0, 0, 1, 1))
    write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8), header, {KEYWORD: text})
    with pytest.raises(FaceswapError):
        read_parameters((tmp_path / "a.png").read_bytes())
