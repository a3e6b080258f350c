import importlib.util
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from lib.align import masks
from lib.align.geometry import Alignment, transform_points
from lib.align.header import FaceHeader, write_png
from lib.align.tables import MEAN_FACE_51
from lib.data import faceset
from lib.data.faceset import BadFace, Cut, load_faces
from lib.errors import FaceswapError

SHARED = Path(__file__).parents[3] / "../shared"


def make_landmarks():
    """The mean face with half an ellipse for a jaw, turned a little, in pixels of a frame."""
    angle = np.linspace(np.pi, 0, 17)
    jaw = np.column_stack([0.5 + 0.6 * np.cos(angle), 0.2 + np.sin(angle)])
    unit = np.vstack([jaw, MEAN_FACE_51])
    return unit @ np.array([[110.0, 15.0], [-15.0, 110.0]]) + (140, 120)


def make_frame():
    """A smooth picture, whose value tells the place."""
    y, x = np.mgrid[:400, :400].astype(np.float32)
    return np.rint(np.dstack([x * 0.6, y * 0.6, 128 + 100 * np.sin(x / 30)])).astype(np.uint8)


def write_face(path, size=256, centring="head", landmarks=None):
    landmarks = make_landmarks() if landmarks is None else landmarks
    matrix = Alignment(make_landmarks()).matrix(size, centring)
    image = cv2.warpAffine(make_frame(), matrix, (size, size), flags=cv2.INTER_CUBIC)
    version = 1.0 if centring == "legacy" else 2.4
    write_png(path, image, FaceHeader(landmarks, (0, 0, 1, 1), alignments_version=version))
    return str(path)


def cut(size=96, centring="face", mask_type="extended", blur=0, threshold=0):
    return Cut(size, centring, mask_type, blur, threshold)


@pytest.mark.parametrize("size", [96, 192, 250])
@pytest.mark.parametrize("centring", ["legacy", "face", "head"])
def test_faces_are_cut_where_their_landmarks_say(tmp_path, size, centring):
    path = write_face(tmp_path / "a.png")
    faces, bad = load_faces([path], cut(size, centring), "A")
    assert (bad, faces.size, len(faces)) == ([], size, 1)
    landmarks = faces.landmarks[0].astype(np.float64)
    ideal = transform_points(make_landmarks(), Alignment(make_landmarks()).matrix(size, centring))
    # The window's corner lies on a whole pixel, half a pixel off at most.
    stored = {"legacy": 154, "face": 192, "head": 256}[centring]
    assert np.abs(landmarks - ideal).max() < 1.5 * size / stored
    # The frame's first two channels tell each point's place, to the rounding of grey levels.
    inner, source = np.rint(landmarks[27:]).astype(int), make_landmarks()[27:]
    off = landmarks[27:] - inner
    back = np.linalg.inv(Alignment(make_landmarks()).matrix(size, centring)[:, :2])
    place = source - off @ back.T
    seen = faces.images[0][inner[:, 1], inner[:, 0], :2]
    error = seen - place * 0.6
    assert np.abs(error).max() < 1.2
    # Ties are rounded up, which adds up to a quarter; half a pixel off would be half a level.
    assert np.abs(error.mean(axis=0)).max() < 0.35


def test_a_window_that_is_not_resized_holds_the_stored_pixels(tmp_path):
    path = write_face(tmp_path / "a.png")
    stored = cv2.imread(path)
    faces, _ = load_faces([path], cut(192), "A")
    offset = Alignment(make_landmarks())
    corner = (offset.offset("face") - offset.offset("head")) * 96 + 32
    x, y = np.rint(corner).astype(int)
    np.testing.assert_array_equal(faces.images[0], stored[y : y + 192, x : x + 192])
    whole, _ = load_faces([path], cut(256, "head"), "A")
    np.testing.assert_array_equal(whole.images[0], stored)


def test_outside_the_stored_picture_is_black(tmp_path):
    path = write_face(tmp_path / "a.png", centring="legacy")
    faces, _ = load_faces([path], cut(320), "A")
    shift = Alignment(make_landmarks()).offset("face") * 160 - 32
    x, y = np.rint(shift).astype(int)
    assert x < 0
    assert y < 0
    expected = np.zeros((320, 320, 3), np.uint8)
    expected[-y : 256 - y, -x : 256 - x] = cv2.imread(path)
    np.testing.assert_array_equal(faces.images[0], expected[:320, :320])


def test_masks_are_drawn_at_the_size_of_the_cut(tmp_path):
    path = write_face(tmp_path / "a.png")
    for mask_type, draw in (("components", masks.components), ("extended", masks.extended)):
        faces, _ = load_faces([path], cut(94, mask_type=mask_type, blur=5, threshold=4), "A")
        landmarks = faces.landmarks[0]
        face = masks.refine(draw(landmarks, 94), 5, 4)
        expected = [face, masks.eyes(landmarks, 94), masks.mouth(landmarks, 94)]
        np.testing.assert_array_equal(faces.masks[0], np.dstack(expected))
        assert len(np.unique(face)) > 2
    without, _ = load_faces([path], cut(94, mask_type=None, blur=5), "A")
    assert (without.masks[0, ..., 0] == 255).all()
    np.testing.assert_array_equal(without.masks[0, ..., 1:], faces.masks[0, ..., 1:])


def test_plain_pictures_are_taken_whole(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    faces, bad = load_faces([str(tmp_path / "a.png")], cut(64), "A")
    means = image.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(faces.images[0] - means).max() <= 0.5
    assert not bad
    assert (faces.masks[0, ..., 0] == 255).all()
    assert not faces.masks[0, ..., 1:].any()
    assert np.isnan(faces.landmarks).all()
    assert not faces.has_landmarks.any()


def test_bad_files_take_no_slot(tmp_path):
    (tmp_path / "b.png").write_bytes(b"nothing")
    (tmp_path / "d.png").write_bytes((tmp_path / "b.png").read_bytes())
    good = [write_face(tmp_path / "a.png"), write_face(tmp_path / "c.png", 128)]
    spot = np.tile([[5.0, 6.0]], (68, 1))
    far = make_landmarks()
    far[:17] += (30_000, 0)
    bad_faces = [
        write_face(tmp_path / "e.png", landmarks=spot),
        write_face(tmp_path / "f.png", landmarks=far),
    ]
    paths = [good[0], str(tmp_path / "b.png"), good[1], str(tmp_path / "d.png"), *bad_faces]
    faces, bad = load_faces(paths, cut(), "A")
    assert faces.paths == tuple(good)
    assert faces.images.shape == faces.masks.shape == (2, 96, 96, 3)
    assert faces.landmarks.shape == (2, 68, 2)
    assert (faces.images.reshape(2, -1).max(axis=1) > 100).all()
    assert [face.path for face in bad] == [paths[1], paths[3], *bad_faces]
    assert bad[0] == BadFace(paths[1], "is no PNG, JPEG or WebP picture")
    assert str(bad[2]) == f"{bad_faces[0]} has landmarks that all lie within one pixel"
    assert bad[3].reason == "has landmarks that put the face outside the picture"


@pytest.mark.parametrize("names", [[], ["x.png", "y.png"]])
def test_no_good_file_makes_an_empty_set(tmp_path, names):
    faces, bad = load_faces([str(tmp_path / name) for name in names], cut(), "A")
    assert len(faces) == 0
    assert faces.size == 96
    assert faces.has_landmarks.shape == (0,)
    assert [face.reason for face in bad] == ["cannot be read: No such file or directory"] * len(
        names
    )


def test_order_is_kept_with_any_number_of_threads(tmp_path, monkeypatch):
    paths = []
    for value in range(40):
        paths.append(str(tmp_path / f"{value:02}.png"))
        cv2.imwrite(paths[-1], np.full((40, 40, 3), value, np.uint8))
    for threads in (1, 7, None):
        monkeypatch.setattr("os.cpu_count", lambda threads=threads: threads)
        faces, _ = load_faces(paths, cut(32), "A")
        assert faces.images[:, 5, 5, 1].tolist() == list(range(40))


def test_a_part_of_a_set(tmp_path):
    paths = [write_face(tmp_path / f"{size}.png", size) for size in (64, 96, 128)]
    faces, _ = load_faces(paths, cut(), "A")
    chosen = faces.subset([2, 0])
    assert chosen.paths == (paths[2], paths[0])
    for name in ("images", "masks", "landmarks"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(faces, name)[[2, 0]])
    assert chosen.has_landmarks.tolist() == [True, True]


def test_large_sets_lie_in_a_file_that_has_no_name(tmp_path, monkeypatch):
    path = write_face(tmp_path / "a.png")
    expected, _ = load_faces([path, path], cut(), "A")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(faceset, "_LARGEST_IN_MEMORY", 1000)
    faces, _ = load_faces([path, path], cut(), "A")
    base = faces.images
    while type(base) is np.ndarray and base.base is not None:
        base = base.base
    assert isinstance(base, np.memmap)
    assert not list(folder.iterdir())
    np.testing.assert_array_equal(faces.images, expected.images)
    np.testing.assert_array_equal(faces.masks, expected.masks)


def test_no_room_for_a_large_set_is_told(monkeypatch):
    def refuse(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", refuse, raising=False)
    monkeypatch.setattr(faceset, "_LARGEST_IN_MEMORY", 1000)
    with pytest.raises(FaceswapError, match=r"no room.*No space left on device.*TMPDIR"):
        load_faces(["a.png"], cut(), "A")


def test_an_interruption_drops_the_files_still_waiting(tmp_path, monkeypatch):
    path = write_face(tmp_path / "a.png")
    seen = []

    def stop(path, cut):
        seen.append(path)
        if len(seen) == 1:
            raise KeyboardInterrupt
        time.sleep(0.01)
        return "is late"

    monkeypatch.setattr(faceset, "_load", stop)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        load_faces([path] * 500, cut(), "A")
    assert len(seen) < 500


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_shows_on_a_terminal_only(tmp_path, monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    load_faces([write_face(tmp_path / "a.png")], cut(), "Side A")
    shown = capsys.readouterr().err
    assert ("Side A" in shown) is terminal
    assert ("1/1" in shown) is terminal


@pytest.mark.parametrize("clip", ["bbaf2n", "brbk7n"])
def test_real_faces_agree_with_the_reference_program(clip):
    folder, program = SHARED / "data/grid/faces" / clip, SHARED / "tools/holdout_score.py"
    if not folder.is_dir() or not program.is_file():
        pytest.skip("the real faces of ../shared/data/grid are absent")
    spec = importlib.util.spec_from_file_location("holdout_score", program)
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    paths = sorted(str(path) for path in folder.glob("*.png"))
    faces, bad = load_faces(paths, cut(192), "A")
    assert (len(faces), bad) == (75, [])
    for index, path in enumerate(paths):
        crop, mask = oracle.face_crop(path)
        np.testing.assert_array_equal(faces.images[index], crop)
        # The program draws where an ideal crop would have the landmarks, up to half a pixel from
        # where the window of whole pixels has them.
        landmarks = np.array(oracle.header(path)["alignments"]["landmarks_xy"], float)
        ideal = transform_points(landmarks, oracle.crop_matrix(landmarks, 192, "face"))
        assert np.abs(faces.landmarks[index] - ideal).max() < 0.51
        np.testing.assert_array_equal(masks.extended(ideal, 192) > 0, mask)
        drawn = faces.masks[index, ..., 0] > 0
        assert (drawn & mask).sum() / (drawn | mask).sum() > 0.97
