import importlib.util
import shutil
import sys
import tempfile
import time
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lib.align import masks
from lib.align.geometry import Alignment, transform_points
from lib.align.header import FaceHeader, StoredMask, write_png
from lib.align.tables import MEAN_FACE_51
from lib.data import faceset
from lib.data.faceset import BadFace, Cut, MissingMaskError, cut_face, load_faces
from lib.data.files import read_face
from lib.data.stored import StoredPictures
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


def store(mask, matrix, centring="face"):
    return StoredMask(zlib.compress(mask.tobytes()), matrix.tolist(), 2, len(mask), centring)


def stored_components(landmarks, centring, size=128):
    """The mask as another program stores it: drawn in a crop of its own."""
    matrix = Alignment(landmarks).matrix(size, centring)
    return store(masks.components(transform_points(landmarks, matrix), size), matrix, centring)


def overlap(one, other):
    one, other = one > 127, other > 127
    return (one & other).sum() / (one | other).sum()


def write_face(path, size=256, centring="head", landmarks=None, stored=None):
    landmarks = make_landmarks() if landmarks is None else landmarks
    matrix = Alignment(make_landmarks()).matrix(size, centring)
    image = cv2.warpAffine(make_frame(), matrix, (size, size), flags=cv2.INTER_CUBIC)
    version = 1.0 if centring == "legacy" else 2.4
    header = FaceHeader(landmarks, (0, 0, 1, 1), stored or {}, alignments_version=version)
    write_png(path, image, header)
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


def test_bad_files_take_no_slot(tmp_path):
    (tmp_path / "b.png").write_bytes(b"nothing")
    (tmp_path / "d.png").write_bytes(b"nothing")
    good = [write_face(tmp_path / "a.png"), write_face(tmp_path / "c.png", 128)]
    spot = np.tile([[5.0, 6.0]], (68, 1))
    far = make_landmarks()
    far[:17] += (30_000, 0)
    one_off = make_landmarks()
    one_off[3] -= (0, 5000)
    bad_faces = [
        write_face(tmp_path / "e.png", landmarks=spot),
        write_face(tmp_path / "f.png", landmarks=far),
        write_face(tmp_path / "g.png", landmarks=one_off),
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
    assert bad[4].reason == "has landmarks far outside the picture"


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
    last = faces.part(slice(1, None))
    assert (last.paths, last.files) == (tuple(paths[1:]), faces.files[1:])
    assert chosen.files == (faces.files[2], faces.files[0])
    for name in ("images", "masks", "landmarks"):
        np.testing.assert_array_equal(getattr(last, name), getattr(faces, name)[1:])
        assert np.shares_memory(getattr(last, name), getattr(faces, name))


def test_large_sets_lie_in_a_file_that_has_no_name(tmp_path, monkeypatch):
    paths = [write_face(tmp_path / f"{size}.png", size) for size in (96, 128)]
    expected, _ = load_faces(paths, cut(), "A")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(faceset, "_LARGEST_IN_MEMORY", 1000)
    faces, _ = load_faces(paths, cut(), "A")
    assert isinstance(faces.images, StoredPictures)
    assert not list(folder.iterdir())
    assert faces.size == 96
    for part, wanted in (
        (faces, [0, 1]),
        (faces.part(slice(1, 2)), [1]),
        (faces.subset([1, 0]), [1, 0]),
    ):
        assert part.paths == tuple(paths[index] for index in wanted)
        for row, index in enumerate(wanted):
            np.testing.assert_array_equal(part.images[row], expected.images[index])
            np.testing.assert_array_equal(part.masks[row], expected.masks[index])


def test_faces_do_not_pile_up_where_they_are_taken_slowly(tmp_path, monkeypatch):
    paths = [write_face(tmp_path / f"{size}.png", size) for size in range(64, 164)]
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    begun = []

    def load(path):
        begun.append(path)
        return path

    with faceset._mapped(load, paths) as results:
        for count, path in enumerate(results):
            time.sleep(0.001)
            assert path == paths[count]
            assert len(begun) - count < 20
    assert len(begun) == 100


def test_of_the_same_pictures_the_first_is_taken(tmp_path):
    paths = [
        write_face(tmp_path / f"{name}.png", size)
        for name, size in zip("ace", (64, 96, 128), strict=True)
    ]
    twins = {"b": paths[0], "d": paths[1], "f": paths[0]}
    for name, path in twins.items():
        shutil.copy(path, tmp_path / f"{name}.png")
    (tmp_path / "g.png").symlink_to(paths[2])
    every = [str(path) for path in sorted(tmp_path.iterdir())]
    faces, bad = load_faces(every, cut(), "A")
    assert faces.paths == tuple(paths)
    assert len(faces.files) == 3
    names = {"b": "a", "d": "c", "f": "a", "g": "e"}
    assert bad == [
        BadFace(str(tmp_path / f"{name}.png"), f"is the same picture as {first}.png")
        for name, first in names.items()
    ]


def test_bad_files_that_are_the_same_are_bad_for_what_they_are(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(b"nothing")
    _, bad = load_faces([str(tmp_path / "a.png"), str(tmp_path / "b.png")], cut(), "A")
    assert [face.reason for face in bad] == ["is no PNG, JPEG or WebP picture"] * 2


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
        return faceset._Result("is late")

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
