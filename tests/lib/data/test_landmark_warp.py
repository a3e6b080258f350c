from dataclasses import replace
from math import dist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.interpolate import RegularGridInterpolator
from scipy.spatial import Delaunay

from lib.align.tables import MEAN_FACE_51
from lib.data.augment import Augmentation
from lib.data.faceset import Cut, FaceSet, load_faces
from lib.data.landmark_warp import (
    MIRRORED,
    LandmarkWarp,
    Pulls,
    nearest,
    off_the_face,
    relative_landmarks,
    unfolded,
)
from lib.data.warp import Sampler, inverse_transforms
from lib.errors import FaceswapError

EDGE, WINDOW = 94, 64
FINE = 4 * WINDOW
SQUARE = np.array([[0, 0], [5, 0], [10, 0], [0, 5], [10, 5], [0, 10], [5, 10], [10, 10.0]])


def mean_face():
    """A symmetric face in parts of an edge, its jaw a half ellipse."""
    angle = np.pi * (1 - np.arange(17) / 16)
    jaw = np.stack([0.5 + 0.62 * np.cos(angle), 0.15 + 1.05 * np.sin(angle)], axis=-1)
    return 0.5 + 0.45 * (np.concatenate([jaw, MEAN_FACE_51]) - (0.5, 0.55))


def varied(rng, amount=0.05):
    """The mean face, bent smoothly: a sum of plane waves moves every point a little."""
    face = mean_face()
    bend = sum(
        amount
        / 3
        * rng.normal(size=2)
        * np.sin(4 * face @ rng.normal(size=2) + rng.normal())[:, None]
        for _ in range(4)
    )
    return face + bend


def warp_of(own, others, edge=EDGE, window=WINDOW, size=FINE):
    return LandmarkWarp(own, others, edge, window, Sampler.of_window(size, edge, window))


def pulls_of(partner=0, jitter=0.0):
    return Pulls(np.array([partner]), np.broadcast_to(jitter, (1, 68, 2)))


def random_draws(seed, **changes):
    return replace(Augmentation().draw(np.random.default_rng(seed), 1), **changes)


def map_of(warp, draws, pulls, edge=EDGE, index=0):
    transforms = inverse_transforms(draws, edge)
    (result,) = warp.maps(np.array([index]), draws.flipped, transforms, pulls)
    return result


def moved(points, draws, edge=EDGE):
    """Where a face's points lie after turn, scale and shift, by complex numbers; in pixels."""
    z = (points[:, 0] + 1j * points[:, 1]) - (0.5 + 0.5j)
    z = z * draws.scale[0] * np.exp(1j * draws.rotation[0]) + complex(*draws.shift[0])
    return np.stack([z.real, z.imag], axis=-1) * edge + (edge - 1) / 2


def shown_at(maps, places, edge=EDGE, window=WINDOW):
    """Points of the face that a map shows at places of the moved face, ``(n, 2)``."""
    line = (edge - 1) / 2 + ((np.arange(FINE) + 0.5) / FINE - 0.5) * window
    inside = RegularGridInterpolator((line, line), maps.transpose(1, 2, 0))
    return inside(places[:, ::-1])


def in_window(points, edge=EDGE, window=WINDOW):
    return (np.abs(points - (edge - 1) / 2) < window / 2 - 0.5).all(axis=1)


def faces_with(landmarks, size=EDGE):
    count = len(landmarks)
    pixels = np.zeros((count, size, size, 3), np.uint8)
    paths = tuple(f"/faces/{index}.png" for index in range(count))
    return FaceSet(paths, pixels, pixels, landmarks.astype(np.float32))


def test_a_symmetric_face_is_its_own_mirror_image():
    face = mean_face()
    mirrored = face[MIRRORED] * (-1, 1) + (1, 0)
    np.testing.assert_allclose(mirrored, face, atol=1e-3)
    assert sorted(MIRRORED) == list(range(68))


@pytest.mark.parametrize("size", [94, 256])
def test_landmarks_relate_to_the_outer_edge(size):
    corners = np.tile([[-0.5, -0.5], [size - 0.5, size - 0.5]], (34, 1))
    relative = relative_landmarks("a", faces_with(corners[None], size))
    np.testing.assert_allclose(relative[0], np.tile([[0, 0], [1, 1]], (34, 1)), atol=1e-6)


@pytest.mark.parametrize("side", ["a", "b"])
def test_faces_without_landmarks_are_told_in_one_line(side):
    landmarks = np.tile(mean_face() * EDGE, (60, 1, 1))
    landmarks[[7, 8, 31]] = np.nan
    with pytest.raises(FaceswapError) as error:
        relative_landmarks(side, faces_with(landmarks))
    assert str(error.value) == (
        "--warp-to-landmarks needs landmarks: 3 of 60 faces of side "
        f"{side.upper()} have none, such as /faces/7.png; take those away or leave the option out"
    )


@pytest.mark.parametrize(("count", "found"), [(30, 10), (10, 10), (4, 4), (1, 1)])
def test_the_nearest_have_the_smallest_mean_distance(count, found):
    rng = np.random.default_rng(count)
    one, others = varied(rng), np.stack([varied(rng) for _ in range(count)])
    means = [np.mean([dist(p, q) for p, q in zip(one, other, strict=True)]) for other in others]
    assert nearest(one, others).tolist() == np.argsort(means)[:found].tolist()


@pytest.mark.parametrize("count", [4, 10, 25])
def test_partners_are_drawn_evenly_from_the_nearest(count):
    warp = warp_of(mean_face()[None], np.tile(mean_face(), (count, 1, 1)))
    partner = warp.draw(np.random.default_rng(1), 10_000).partner
    counts = np.bincount(partner)
    assert len(counts) == min(count, 10)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_jitter_is_normal_and_independent():
    warp = warp_of(mean_face()[None], mean_face()[None])
    jitter = warp.draw(np.random.default_rng(2), 10_000).jitter
    for landmark, axis in ((0, 0), (30, 1), (67, 0)):
        values = jitter[:, landmark, axis]
        assert stats.kstest(values, stats.norm(0, 2 / 256).cdf).pvalue > 1e-3
    correlation = np.corrcoef(jitter.reshape(10_000, -1).T)
    assert np.abs(correlation - np.eye(136)).max() < 5 / 100


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), flipped=st.booleans(), partner=st.integers(0, 2))
def test_landmarks_come_to_lie_where_the_partners_are(seed, flipped, partner):
    """From the definition: flip, find the nearest, move as the face is moved."""
    rng = np.random.default_rng(seed)
    own, others = varied(rng, 0.02), np.stack([varied(rng, 0.02) for _ in range(3)])
    draws = random_draws(seed, flipped=np.array([flipped]))
    names = MIRRORED if flipped else np.arange(68)
    mirror = np.array([[-1, 1], [1, 0]]) if flipped else np.array([[1, 1], [0, 0]])
    face = own[names] * mirror[0] + mirror[1]
    means = np.linalg.norm(others - face, axis=-1).mean(axis=-1)
    other = others[np.argsort(means)[partner]]
    # In a mirror, a turn and a shift go the other way.
    seen = replace(
        draws,
        rotation=draws.rotation * mirror[0, 0],
        shift=draws.shift * mirror[0],
    )
    ends, starts = moved(other, seen), moved(face, seen)
    maps = map_of(warp_of(own[None], others), draws, pulls_of(partner))
    used = in_window(ends) & in_window(starts) & off_the_face(starts, ends)
    shown = shown_at(maps, ends[used])
    error = np.linalg.norm(shown - (own[names][used] * EDGE - 0.5), axis=-1)
    # Where landmarks would pass each other, one of them gives way.
    assert np.median(error) < 0.05
    assert np.mean(error < 0.2) > 0.9


@pytest.mark.parametrize("scale", [1, 2])
def test_jitter_scales_with_the_face(scale):
    own, jitter = mean_face(), np.zeros((68, 2))
    jitter[30] = 0.02, -0.01
    still = random_draws(0, rotation=np.zeros(1), scale=np.ones(1), shift=np.zeros((1, 2)))
    still = replace(still, flipped=np.array([False]))
    edge, window = EDGE * scale, WINDOW * scale
    warp = warp_of(own[None], own[None], edge, window)
    maps = map_of(warp, still, pulls_of(jitter=jitter), edge)
    places = (own + jitter) * edge - 0.5
    shown = shown_at(maps, places[17:], edge, window)
    np.testing.assert_allclose(shown, own[17:] * edge - 0.5, atol=0.1 * scale)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), wild=st.floats(0, 0.1))
def test_the_border_stays_and_nothing_is_missing(seed, wild):
    """Whatever the landmarks are, those beyond the window among them."""
    rng = np.random.default_rng(seed)
    own, other = (mean_face() + rng.normal(0, wild, (68, 2)) for _ in range(2))
    draws = random_draws(seed)
    jitter = rng.normal(0, 2 / 256, (68, 2))
    # The outermost pixels lie a hair within the border, not half a pixel.
    line = (EDGE - 1) / 2 + np.linspace(-0.5, 0.5, WINDOW) * WINDOW * (1 - 1e-9)
    step = line[1] - line[0]
    matrix = np.array([[step, 0, line[0]], [0, step, line[0]], [0, 0, 1]])
    sampler = replace(Sampler.of_window(WINDOW, EDGE, WINDOW), matrix=matrix)
    warp = LandmarkWarp(own[None], other[None], EDGE, WINDOW, sampler)
    maps = map_of(warp, draws, pulls_of(jitter=jitter))
    assert np.isfinite(maps).all()
    (transform,) = inverse_transforms(draws, EDGE)
    grid = np.stack([*np.meshgrid(line, line), np.ones((WINDOW, WINDOW))])
    away = np.abs(maps - np.einsum("ij,jrc->irc", transform, grid))
    for border in (away[:, 0], away[:, -1], away[:, :, 0], away[:, :, -1]):
        assert border.max() < 1e-3


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 40), amount=st.floats(0, 4))
def test_no_triangle_turns_over(seed, count, amount):
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0.1, 9.9, (count, 2))
    ends = np.clip(starts + rng.normal(0, amount, (count, 2)), 0.05, 9.95)
    triangles, sources = unfolded(starts, ends, SQUARE)
    for points in (triangles.points, sources):
        corners = points[triangles.simplices]
        sides = corners[:, 1:] - corners[:, :1]
        areas = np.linalg.det(sides) / 2
        assert areas.min() > -1e-6
        # None turns over, and they fill the square: so they fill it once.
        assert areas.sum() == pytest.approx(100)
    pairs = {(*start, *end) for start, end in zip(starts, ends, strict=True)}
    left = np.concatenate([sources, triangles.points], axis=1)[len(SQUARE) :]
    assert {tuple(pair) for pair in left} <= pairs
    np.testing.assert_array_equal(sources[: len(SQUARE)], SQUARE)


def test_no_landmark_is_left_out_without_need():
    rng = np.random.default_rng(0)
    starts = varied(rng) * 10
    ends = starts * (0.9, 1.05) + (0.5, -0.3) + 0.01 * np.sin(starts)
    _, sources = unfolded(starts, ends, SQUARE)
    np.testing.assert_array_equal(sources[len(SQUARE) :], starts)


def test_one_landmark_of_two_that_pass_each_other_gives_way():
    starts = np.array([[4, 5], [6, 5], [2, 2], [8, 8.0]])
    ends = np.array([[6, 5], [4, 5], [2, 2], [8, 8.0]])
    _, sources = unfolded(starts, ends, SQUARE)
    assert len(sources) == len(SQUARE) + 3


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), amount=st.floats(0, 0.2))
def test_jaw_points_on_either_face_are_left_out(seed, amount):
    rng = np.random.default_rng(seed)
    starts, ends = (varied(rng) for _ in range(2))
    for face in (starts, ends):
        face[:17] += rng.normal(0, amount, (17, 2))
    hulls = [Delaunay(face[17:]) for face in (starts, ends)]
    on_a_face = np.any(
        [hull.find_simplex(face[:17]) >= 0 for hull in hulls for face in (starts, ends)], axis=0
    )
    useful = off_the_face(starts, ends)
    np.testing.assert_array_equal(useful[:17], ~on_a_face)
    assert useful[17:].all()


@pytest.mark.parametrize("turned", ["start", "end"])
def test_the_far_jaw_of_a_turned_head_is_left_out(turned):
    straight, away = mean_face(), mean_face()
    away[:5] = away[27:32]  # lies on the nose
    starts, ends = (away, straight) if turned == "start" else (straight, away)
    assert np.flatnonzero(~off_the_face(starts, ends)).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("turned", ["own", "other"])
def test_the_far_jaw_pulls_at_nothing(turned):
    maps = []
    for somewhere in (27, 31):
        faces = {"own": mean_face(), "other": mean_face() + 0.01}
        faces[turned][:4] = faces[turned][somewhere : somewhere + 4]  # lies on the nose
        warp = warp_of(faces["own"][None], faces["other"][None])
        maps.append(map_of(warp, random_draws(0), pulls_of()))
    np.testing.assert_array_equal(*maps)


def test_real_faces_take_the_others_shape_without_folds(grid):
    cut = Cut(EDGE, "face", "extended", 3, 4)
    sides = {}
    for side, clip in (("a", "brbk7n"), ("b", "lbbc2a")):
        files = [str(file) for file in sorted((grid / clip).glob("*.png"))[::5]]
        faces, bad = load_faces(files, cut, side)
        assert not bad
        sides[side] = relative_landmarks(side, faces)
    warp = warp_of(sides["a"], sides["b"])
    for seed in range(8):
        draws = random_draws(seed, flipped=np.array([False]))
        pulls = warp.draw(np.random.default_rng(seed), 1)
        maps = map_of(warp, draws, pulls, index=seed).astype(float)
        dx, dy = np.diff(maps, axis=2)[:, :-1], np.diff(maps, axis=1)[..., :-1]
        # Between two triangles the differences mix.
        assert (dx[0] * dy[1] - dx[1] * dy[0] <= 0).mean() < 2e-3
        own = sides["a"][seed]
        means = np.linalg.norm(sides["b"] - own, axis=-1).mean(axis=-1)
        other = sides["b"][np.argsort(means)[pulls.partner[0]]]
        ends = moved(other + undone(pulls.jitter[0], draws), draws)
        used = in_window(ends) & in_window(moved(own, draws))
        shown = shown_at(maps, ends[used])
        left = np.linalg.norm(shown - (own[used] * EDGE - 0.5), axis=-1)
        before = np.linalg.norm(ends - moved(own, draws), axis=-1)[used]
        assert left.mean() < before.mean() / 4


def undone(jitter, draws):
    """What becomes `jitter` when a face is turned and scaled."""
    z = (jitter[:, 0] + 1j * jitter[:, 1]) / (draws.scale[0] * np.exp(1j * draws.rotation[0]))
    return np.stack([z.real, z.imag], axis=-1)
