import importlib.util
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lib.align import masks
from lib.align.geometry import Alignment, transform_points
from lib.align.header import write_png
from lib.data.faceset import MissingMaskError, cut_face, load_faces
from lib.data.files import read_face
from lib.errors import FaceswapError
from tests.fixtures.framed_face import (
    cut,
    make_landmarks,
    overlap,
    store,
    stored_components,
    write_face,
)

SHARED = Path(__file__).parents[3] / "../shared"


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


def test_the_face_mask_is_dilated_before_it_is_blurred(tmp_path):
    path = write_face(tmp_path / "a.png")
    still, _ = load_faces([path], cut(100), "A")
    for per_cent in (-4, 4):
        moved, _ = load_faces([path], replace(cut(100, blur=5), mask_dilation=per_cent), "A")
        expected = masks.refine(masks.dilate(still.masks[0, ..., 0], per_cent), 5, 0)
        np.testing.assert_array_equal(moved.masks[0, ..., 0], expected)
        np.testing.assert_array_equal(moved.masks[..., 1:], still.masks[..., 1:])


@pytest.mark.parametrize("size", [96, 192])
@pytest.mark.parametrize("centring", ["legacy", "face", "head"])
@pytest.mark.parametrize("stored_in", ["legacy", "face", "head"])
def test_stored_masks_lie_where_the_drawn_ones_do(tmp_path, stored_in, centring, size):
    stored = {"components_x": stored_components(make_landmarks(), stored_in)}
    path = write_face(tmp_path / "a.png", stored=stored)
    laid, bad = load_faces([path], cut(size, centring, "components_x"), "A")
    drawn, _ = load_faces([path], cut(size, centring, "components"), "A")
    assert not bad
    # Both outlines are of whole pixels, the coarser one's of up to 1.7 pixels of the other.
    assert overlap(laid.masks[0, ..., 0], drawn.masks[0, ..., 0]) > 0.94
    np.testing.assert_array_equal(laid.masks[..., 1:], drawn.masks[..., 1:])


@pytest.mark.parametrize("picture", ["legacy", "head"])
@pytest.mark.parametrize("centring", ["legacy", "face", "head"])
def test_stored_masks_show_the_places_that_the_picture_shows(tmp_path, centring, picture):
    matrix = Alignment(make_landmarks()).matrix(128, "head")
    inverse = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))[:2]
    rows, columns = np.mgrid[:128, :128]
    points = transform_points(np.column_stack([columns.ravel(), rows.ravel()]), inverse)
    for axis in range(2):
        level = np.rint(points[:, axis] * 0.6).clip(0, 255).astype(np.uint8).reshape(128, 128)
        stored = {"place": store(level, matrix, "head")}
        path = write_face(tmp_path / "a.png", centring=picture, stored=stored)
        faces, _ = load_faces([path], cut(150, centring, "place"), "A")
        seen, laid = faces.images[0, ..., axis].astype(int), faces.masks[0, ..., 0].astype(int)
        clear = np.zeros((150, 150), bool)  # well inside every crop
        clear[50:95, 50:95] = True
        clear &= (seen > 10) & (seen < 230)
        assert clear.sum() > 1000
        assert np.abs(seen - laid)[clear].max() <= 3
        # Half a pixel, of the cut or of the mask, would be half a level at least.
        assert abs((seen - laid)[clear].mean()) < 0.2


def test_a_stored_mask_is_refined_and_empty_beyond_its_square(tmp_path):
    matrix = Alignment(make_landmarks()).matrix(128, "legacy")
    stored = {"full": store(np.full((128, 128), 255, np.uint8), matrix, "legacy")}
    path = write_face(tmp_path / "a.png", stored=stored)
    faces, _ = load_faces([path], cut(100, "head", "full"), "A")
    mask = faces.masks[0, ..., 0]
    assert not mask[[0, -1]].any()
    assert not mask[:, [0, -1]].any()
    # A legacy crop spans 0.375 / 0.625 of a head crop's edge.
    assert abs((mask / 255.0).sum() - 60**2) < 60
    blurred, _ = load_faces([path], replace(cut(100, "head", "full", 9, 4), mask_dilation=3), "A")
    expected = masks.refine(masks.dilate(mask, 3), 9, 4)
    np.testing.assert_array_equal(blurred.masks[0, ..., 0], expected)


def test_damaged_stored_masks_make_a_face_bad(tmp_path):
    good = stored_components(make_landmarks(), "face")
    flat = [[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]]
    cases = {
        "whose bytes are damaged": replace(good, mask=b"nonsense"),
        "that is not 128 by 128 bytes": replace(good, mask=zlib.compress(bytes(1 << 20))),
        "that is not 64 by 64 bytes": replace(good, stored_size=64),
        "whose matrix is singular": replace(good, affine_matrix=flat),
    }
    paths = [write_face(tmp_path / "good.png", stored={"x": good})]
    for index, mask in enumerate(cases.values()):
        paths.append(write_face(tmp_path / f"{index}.png", stored={"x": mask}))
    faces, bad = load_faces(paths, cut(mask_type="x"), "A")
    assert faces.paths == (paths[0],)
    assert [face.reason for face in bad] == [f"has a stored mask {reason}" for reason in cases]
    faces, bad = load_faces(paths, cut(mask_type="extended"), "A")
    assert (len(faces), bad) == (5, [])


def test_a_mask_that_some_faces_lack_is_an_error(tmp_path):
    one, other = stored_components(make_landmarks(), "face"), make_landmarks()[:1]
    paths = [
        write_face(tmp_path / "a.png", stored={"x": one, "z": one, "y": one, "extended": one}),
        write_face(tmp_path / "b.png", stored={"z": one, "y": one, "extended": one}),
        write_face(tmp_path / "c\n.png", stored={"y": one, "z": one, "extended": one}),
        write_face(tmp_path / "spot.png", landmarks=np.repeat(other, 68, axis=0)),
        str(tmp_path / "plain.png"),
        str(tmp_path / "missing.png"),
    ]
    cv2.imwrite(paths[4], np.full((64, 64, 3), 9, np.uint8))
    with pytest.raises(FaceswapError) as caught:
        load_faces(paths, cut(mask_type="x"), "Side A")
    assert str(caught.value) == (
        "Side A: mask_type = x: 2 of 3 faces have no such mask, such as "
        f"{paths[1]}; in all of them there are: components, extended, y, z"
    )
    with pytest.raises(FaceswapError, match=r"1 of 2 faces .*c\\n\.png; in all"):
        load_faces([paths[0], paths[2]], cut(mask_type="x"), "Side A")
    for mask_type, masked in (("y", 3), ("extended", 3), (None, 0)):
        faces, bad = load_faces(paths, cut(mask_type=mask_type), "Side A")
        assert (len(faces), len(bad)) == (4, 2)
        assert (faces.masks[:3, ..., 0].reshape(3, -1).min(axis=1) == 0).sum() == masked
        assert (faces.masks[3, ..., 0] == 255).all()


def test_a_face_cut_by_itself_names_the_mask_that_it_lacks(tmp_path):
    face = read_face(write_face(tmp_path / "a.png"))
    with pytest.raises(MissingMaskError, match="has no mask of the name bisenet"):
        cut_face(face, cut(mask_type="bisenet"))


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


@pytest.mark.parametrize("stored_in", ["face", "head"])
@pytest.mark.parametrize("clip", ["bbaf2n", "lbbc2a"])
def test_stored_masks_of_real_faces_lie_where_the_drawn_ones_do(grid, tmp_path, clip, stored_in):
    paths = []
    for source in sorted((grid / clip).glob("*.png"))[::25]:
        face = read_face(str(source))
        stored = {"x": stored_components(face.header.landmarks, stored_in)}
        paths.append(str(tmp_path / source.name))
        write_png(paths[-1], face.image, replace(face.header, masks=stored))
    laid, bad = load_faces(paths, cut(mask_type="x"), "A")
    drawn, _ = load_faces(paths, cut(mask_type="components"), "A")
    assert (len(laid), bad) == (3, [])
    for one, other in zip(laid.masks[..., 0], drawn.masks[..., 0], strict=True):
        assert overlap(one, other) > 0.95
