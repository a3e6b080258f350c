"""What is drawn reaches the faces: whole batches against the definition."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import root

from lib.data import landmark_warp
from lib.data.augment import NO_CLAHE, Augmentation, Draws
from lib.data.batches import Batches
from lib.data.colour import ColourJitter, lines
from lib.data.faceset import FaceSet
from lib.data.landmark_warp import relative_landmarks
from lib.data.plan import Planner
from lib.errors import FaceswapError

EDGE = 94
STILL = Augmentation(
    zoom_amount=0, rotation_range=0, shift_range=0, flip=False, colour=False, warp=False
)
NOTHING = Augmentation(
    zoom_amount=0,
    rotation_range=0,
    shift_range=0,
    flip_chance=0,
    color_lightness=0,
    color_ab=0,
    color_clahe_chance=0,
    warp=False,
)
UNMOVED = {"rotation": 0, "scale": 1, "shift": (0, 0), "flipped": False}
MOVES = [
    {},
    {"flipped": True},
    {"rotation": 0.17, "scale": 1.05, "shift": (0.04, -0.03)},
    {"rotation": -0.15, "scale": 0.95, "shift": (-0.05, 0.02), "flipped": True},
]
POINTS = [(70.0, 80.0), (118.3, 76.6), (92.5, 111.2)]


def make_faces(count, edge=EDGE, seed=0):
    shape = (count, edge, edge, 3)
    rng = np.random.default_rng(seed)
    images, masks = (rng.integers(0, 256, shape, np.uint8) for _ in range(2))
    paths = tuple(f"{index}.png" for index in range(count))
    return FaceSet(paths, images, masks, np.zeros((count, 68, 2), np.float32))


def with_landmarks(count, seed, edge=EDGE):
    faces = make_faces(count, edge, seed)
    rng = np.random.default_rng(seed)
    points = edge / 2 + edge / 5 * rng.uniform(-1, 1, (68, 2))
    return replace(faces, landmarks=(points + rng.normal(0, 1, (count, 68, 2))).astype(np.float32))


def make_batches(faces=None, augmentation=None, batch_size=4, **changes):
    settings = {"input_size": 64, "target_sizes": [64], "coverage": 0.6875, "seed": 0, "side": "a"}
    planner = Planner(
        make_faces(10) if faces is None else faces,
        augmentation=augmentation or Augmentation(),
        batch_size=batch_size,
        **settings | changes,
    )
    return Batches(planner)


def assert_same(one, other):
    np.testing.assert_array_equal(one.indices, other.indices)
    np.testing.assert_array_equal(one.feed, other.feed)
    for target, other_target in zip(one.targets, other.targets, strict=True):
        np.testing.assert_array_equal(target, other_target)


def recoloured(face, tiles, rates):
    """A whole face in other colours: `test_colour` tells that those are right."""
    whole = slice(0, EDGE), slice(0, EDGE)
    return ColourJitter(EDGE)(face, tiles, lines(np.array([rates], float))[0], whole)[..., :3]


class Fixed:
    """Stands in for an augmentation: draws the same for every face."""

    warp = True

    def __init__(self, **drawn):
        self.drawn = UNMOVED | {"warp": 0, "clahe_step": NO_CLAHE, "colour": 0} | drawn

    def draw(self, rng, count):
        shapes = {"shift": (2,), "warp": (2, 5, 5), "colour": (3,)}
        return Draws(
            **{
                name: np.broadcast_to(value, (count, *shapes.get(name, ())))
                for name, value in self.drawn.items()
            }
        )


def dotted(points, edge, sigma=1.5):
    """A face of each point ``(n, 2)``: dark, with a soft bright dot there."""
    rows, columns = np.mgrid[:edge, :edge]
    away = [(columns - x) ** 2 + (rows - y) ** 2 for x, y in points]
    dots = np.rint(255 * np.exp(-np.array(away) / (2 * sigma**2))).astype(np.uint8)
    images = np.repeat(dots[..., None], 3, axis=-1)
    landmarks = np.repeat(np.array(points, np.float32)[:, None], 68, axis=1)
    paths = tuple(f"{index}.png" for index in range(len(points)))
    return FaceSet(paths, images, images, landmarks)


def centroid(plane):
    """Middle of a dot; its brightest part counts most."""
    weights = plane.astype(float) ** 3
    rows, columns = np.mgrid[: plane.shape[0], : plane.shape[1]]
    return np.array([np.average(axis, weights=weights) for axis in (columns, rows)])


def moved(point, edge, window, rotation, scale, shift, flipped):
    """Pixel of an output as large as the window that shows a face's point."""
    middle = (edge - 1) / 2 * (1 + 1j)
    z = (complex(*point) - middle) * scale * np.exp(1j * rotation) + complex(*shift) * edge
    if flipped:
        z = -z.conjugate()
    return np.array([z.real, z.imag]) + (window - 1) / 2


def unwarped(place, window, edge, warp):
    """Where the feed shows what the target has at a place: the warp, undone by SciPy."""
    line = np.linspace(-0.5, window - 0.5, 5)

    def displacement(plane, x, y):
        slopes = np.gradient(plane, line, axis=1)
        along_x = CubicHermiteSpline(line, plane, slopes, axis=1)(x)
        return CubicHermiteSpline(line, along_x, np.gradient(along_x, line))(y)

    def missed(at):
        return at + edge * np.array([displacement(plane, *at) for plane in warp]) - place

    return root(missed, place).x


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    half=st.integers(6, 30),
    margin=st.integers(0, 8),
    times=st.sampled_from([1, 2, 3]),
)
def test_ranges_of_nothing_change_nothing(seed, half, margin, times):
    """To half a grey level, and with all of augmentation on but the random warp."""
    window = 2 * half * times
    edge = window + 2 * margin * times
    faces = make_faces(3, edge, seed)
    batch = make_batches(
        faces,
        NOTHING,
        3,
        input_size=window // times,
        target_sizes=[window, window // times],
        coverage=(window + 0.5) / edge if margin else 1,
    ).batch(0)
    both = np.concatenate([faces.images, faces.masks], axis=-1)[batch.indices].astype(float)
    inside = slice(margin * times, margin * times + window)
    whole = both[:, inside, inside]
    small = whole.reshape(3, 2 * half, times, 2 * half, times, 6).mean(axis=(2, 4))
    np.testing.assert_array_equal(batch.targets[0], whole)
    # Beyond the window there is more to average than a crop has; none of it may come in.
    assert np.abs(batch.targets[1] - small).max() <= 0.51
    assert np.abs(batch.feed - small[..., :3]).max() <= 0.51


@pytest.mark.parametrize("move", MOVES)
def test_landmarks_move_with_the_pixels(move):
    edge, window = 188, 128
    faces = dotted(POINTS, edge)
    for seed in range(3):
        warp = np.random.default_rng(seed).normal(0, 5 / 256, (2, 5, 5))
        batch = make_batches(
            faces, Fixed(warp=warp, **move), 3, input_size=window, target_sizes=[window]
        ).batch(0)
        for row, index in enumerate(batch.indices):
            place = moved(faces.landmarks[index, 30], edge, window, **UNMOVED | move)
            target = batch.targets[0][row]
            np.testing.assert_allclose(centroid(target[..., 0]), place, atol=0.05)
            np.testing.assert_allclose(centroid(target[..., 4]), place, atol=0.05)
            # Uneven stretching draws the mean of a warped dot to one side.
            seen = unwarped(place, window, edge, warp)
            np.testing.assert_allclose(centroid(batch.feed[row][..., 0]), seen, atol=0.2)


@pytest.mark.parametrize("move", MOVES)
def test_colours_change_before_the_face_moves(move):
    """Equalisation takes in the whole face as it is stored; what moves is the result."""
    coarse = np.random.default_rng(4).integers(0, 120, (1, 9, 9, 3), np.uint8)
    smooth = cv2.resize(coarse[0], (EDGE, EDGE), interpolation=cv2.INTER_CUBIC)[None]
    faces = FaceSet(("a",), smooth, smooth, np.zeros((1, 68, 2), np.float32))
    coloured = recoloured(smooth[0], 4, (-0.2, 0, 0))[None]
    colours = {"clahe_step": 3, "colour": (-0.2, 0, 0)}
    ours = make_batches(faces, Fixed(**move, **colours), 1).batch(0)
    first = FaceSet(("a",), coloured, smooth, faces.landmarks)
    wanted = make_batches(first, Fixed(**move), 1).batch(0)
    assert_same(ours, wanted)


def test_the_chance_of_equalisation_reaches_the_faces():
    faces = make_faces(1)
    window = np.s_[15:79, 15:79]
    equalised = recoloured(faces.images[0], 1, (0, 0, 0))[window]
    # Of sizes 0 to 1, no refinement and one, the first is drawn half the time.
    for chance, share in ((0, 0), (30, 0.15), (100, 0.5)):
        rarely = replace(NOTHING, color_clahe_chance=chance, color_clahe_max_size=1)
        feeds = make_batches(faces, rarely, 400).batch(0).feed
        count = int((feeds == equalised).all(axis=(1, 2, 3)).sum())
        assert stats.binomtest(count, 400, share).pvalue > 1e-3
        untouched = (feeds == faces.images[0][window]).all(axis=(1, 2, 3)).sum()
        assert stats.binomtest(int(untouched), 400, 1 - chance / 100).pvalue > 1e-3


@pytest.mark.parametrize("chance", [0, 25, 75, 100])
def test_the_chance_of_a_flip_reaches_the_faces(chance):
    faces = make_faces(1)
    batch = make_batches(faces, replace(NOTHING, flip_chance=chance), 400).batch(0)
    flipped = (batch.feed == faces.images[0][15:79, 78:14:-1]).all(axis=(1, 2, 3))
    straight = (batch.feed == faces.images[0][15:79, 15:79]).all(axis=(1, 2, 3))
    assert (flipped ^ straight).all()
    assert stats.binomtest(int(flipped.sum()), 400, chance / 100).pvalue > 1e-3


def test_towards_landmarks_all_but_the_feed_stays_the_same():
    faces, others = with_landmarks(20, 1), relative_landmarks("b", with_landmarks(30, 2, 128))
    for iteration in range(3):
        towards, random = (make_batches(faces, others=o).batch(iteration) for o in (others, None))
        np.testing.assert_array_equal(towards.indices, random.indices)
        np.testing.assert_array_equal(towards.targets[0], random.targets[0])
        assert (towards.feed != random.feed).any(axis=(1, 2, 3)).all()


def test_towards_landmarks_a_resumed_run_goes_on_exactly():
    faces, others = with_landmarks(20, 1), relative_landmarks("b", with_landmarks(30, 2))
    straight = make_batches(faces, others=others)
    run = [straight.batch(iteration) for iteration in range(5)]
    resumed = make_batches(faces, others=others)
    for iteration in (3, 4, 0):
        assert_same(resumed.batch(iteration), run[iteration])


@pytest.mark.parametrize("move", MOVES)
def test_towards_landmarks_a_landmark_lies_where_the_others_is(move, monkeypatch):
    """Landmark 30, the tip of the nose, is its own mirror image."""
    monkeypatch.setattr(landmark_warp, "DEVIATION", 0)
    edge, window = 188, 128
    angle = np.arange(68)
    own = 93.5 + 40 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    other = own + np.random.default_rng(0).normal(0, 0.5, (68, 2))
    own[30], other[30] = start, end = (90.0, 97.0), (93.0, 94.5)
    flipped = move.get("flipped", False)
    if flipped:  # the nearest of one is that one, mirrored
        other = (other * (-1, 1) + (edge - 1, 0))[landmark_warp.MIRRORED]
    faces = replace(dotted([own[30]], edge), landmarks=own[None].astype(np.float32))
    batch = make_batches(
        faces,
        Fixed(**move),
        1,
        input_size=window,
        target_sizes=[window],
        others=(other[None] + 0.5) / edge,
    ).batch(0)
    places = [moved(point, edge, window, **UNMOVED | move) for point in (start, end)]
    target, feed = batch.targets[0][0][..., 0], batch.feed[0][..., 0]
    np.testing.assert_allclose(centroid(target), places[0], atol=0.05)
    # The dot spans triangles that stretch differently.
    np.testing.assert_allclose(centroid(feed), places[1], atol=0.25)


def test_without_a_warp_there_is_none_towards_landmarks():
    faces, others = with_landmarks(5, 1), relative_landmarks("b", with_landmarks(3, 2))
    assert_same(
        make_batches(faces, STILL, others=others).batch(0), make_batches(faces, STILL).batch(0)
    )


def test_a_side_without_landmarks_cannot_be_warped_towards_others():
    faces = with_landmarks(6, 0)
    faces.landmarks[4] = np.nan
    with pytest.raises(FaceswapError, match=r"^--warp-to-landmarks .* 1 of 6 faces of side A .*4"):
        make_batches(faces, others=relative_landmarks("b", with_landmarks(3, 1)))
