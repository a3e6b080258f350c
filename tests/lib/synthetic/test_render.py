from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt
from scipy.spatial.transform import Rotation

from lib.align.geometry import umeyama
from lib.align.tables import CAMERA, CORE_68, MEAN_FACE_51, MEAN_HEAD_26
from lib.synthetic import render as module
from lib.synthetic.camera import project, rotation
from lib.synthetic.grid import cubic, mean_grid
from lib.synthetic.landmarks import inner_places, sample
from lib.synthetic.motion import posed_head
from lib.synthetic.parameters import HAIR_STYLES, Expression, Identity, Light, Pose, Shot
from lib.synthetic.render import Portrait, locate, render
from lib.synthetic.scene import posed_skin
from lib.synthetic.texture import Atlas, atlas


def _people(count: int) -> list[Identity]:
    rng = np.random.default_rng(11)
    return [Identity.random(rng) for _ in range(count)]


def _changed(a: Portrait, b: Portrait, threshold: int = 25) -> NDArray[np.bool_]:
    difference = np.abs(a.image.astype(int) - b.image.astype(int)).max(axis=2)
    return np.asarray(difference > threshold)


def test_same_arguments_give_the_same_picture() -> None:
    who, shot = _people(1)[0], Shot.random(np.random.default_rng(2))
    one, two = render(who, shot, 96), render(replace(who), shot, 96)
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.landmarks, two.landmarks)
    np.testing.assert_array_equal(locate(who, shot, 96), one.landmarks)
    assert one.image.shape == (96, 96, 3)
    assert one.image.dtype == np.uint8
    assert one.landmarks.shape == (68, 2)


def test_people_look_different_before_the_same_background() -> None:
    shot = Shot()
    faces = [render(who, shot, 96).image.astype(int) for who in _people(6)]
    for i, a in enumerate(faces):
        for b in faces[:i]:
            assert np.abs(a - b)[30:70, 30:66].mean() > 4
            np.testing.assert_array_equal(a[:30, :12], b[:30, :12])


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_hair_leaves_the_brows_free(style: str) -> None:
    who = replace(Identity(), hair_style=style)
    other = replace(who, hair_colour=(0.1, 0.9, 0.1))
    a, b = render(who, Shot(), 192), render(other, Shot(), 192)
    hair = _changed(a, b, 12)
    assert hair.sum() > 400
    x, y = np.rint(a.landmarks[17:]).astype(int).T
    assert not binary_dilation(hair)[y, x].any()


def test_inner_landmarks_are_points_of_the_posed_surface() -> None:
    """Pose and project the surface points with SciPy's rotations and a pinhole camera."""
    who = _people(2)[1]
    for shot in (Shot.random(np.random.default_rng(k)) for k in range(5)):
        head = sample(posed_head(who, shot.expression), inner_places())
        pose = shot.pose
        turn = Rotation.from_euler("yxz", [pose.yaw, -pose.pitch, -pose.roll], degrees=True)
        pivot = np.array([0.0, -2.0, -4.0])
        world = turn.apply(head - pivot) + pivot
        zoom = 75 / (75 - (world[:, 2] + 4)) * pose.scale * 256 / 44
        x = (0.5 + pose.x) * 256 - 0.5 + zoom * world[:, 0]
        y = (0.5 + pose.y) * 256 - 0.5 - zoom * (world[:, 1] + 1.6)
        np.testing.assert_allclose(
            render(who, shot, 256).landmarks[17:], np.stack([x, y], 1), atol=0.01
        )
        np.testing.assert_allclose(rotation(pose), turn.as_matrix(), atol=1e-6)


def test_yaw_pitch_and_roll_turn_the_way_they_say() -> None:
    def nose(pose: Pose) -> NDArray[np.float64]:
        points = locate(Identity(), Shot(pose), 256)
        eyes = (points[36:42].mean(0) + points[42:48].mean(0)) / 2
        return np.asarray(points[30] - eyes)

    assert nose(Pose(yaw=20))[0] > 10 > 1 > abs(nose(Pose())[0])
    assert nose(Pose(pitch=15))[1] < nose(Pose())[1] - 4
    points = locate(Identity(), Shot(Pose(roll=15)), 256)
    across = points[45] - points[36]
    assert np.rad2deg(np.arctan2(across[1], across[0])) == pytest.approx(15, abs=1)


def test_head_parallax_moves_the_nose_more_than_the_eyes() -> None:
    still, turned = (locate(Identity(), Shot(Pose(yaw=y)), 256) for y in (0, 20))
    moved = (turned - still)[:, 0]
    assert moved[30] > moved[27] > moved[36] > 0


def _repainted(name: str, rows: slice) -> Callable[[Identity], Atlas]:
    """An atlas in which rows (of vertices) of one patch are pure green."""

    def paint(who: Identity) -> Atlas:
        image, places = atlas(who)
        image = image.copy()
        image[places[name] + rows.start : places[name] + rows.stop] = (0, 255, 0)
        return Atlas(image, places)

    return paint


def _assert_fills(changed: NDArray[np.bool_], outline: NDArray[np.float64], slack: float) -> None:
    """What changed near a polygon lies within it, and fills it, to `slack` pixels."""
    low, high = outline.min(axis=0) - 12, outline.max(axis=0) + 12
    polygon = outline.astype(np.float32)
    rows, columns = np.indices(changed.shape)
    near = (columns > low[0]) & (columns < high[0]) & (rows > low[1]) & (rows < high[1])
    hits = 0
    for y, x in zip(rows[near], columns[near], strict=True):
        signed = cv2.pointPolygonTest(polygon, (float(x), float(y)), True)
        hits += signed > slack
        assert not (changed[y, x] and signed < -slack), (x, y, signed)
        assert changed[y, x] or signed < slack, (x, y, signed)
    assert hits > 10


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 8), (-25, -8)])
def test_eyeballs_show_exactly_between_the_lid_landmarks(
    yaw: float, pitch: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = Shot(Pose(yaw, pitch))
    plain = render(Identity(), shot, 256)
    monkeypatch.setattr(module, "atlas", _repainted("eye", slice(0, 126)))
    changed = _changed(plain, render(Identity(), shot, 256))
    for eye in (slice(36, 42), slice(42, 48)):
        _assert_fills(changed, plain.landmarks[eye], 1.2)


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (-20, 5), (15, -5)])
def test_the_mouth_opens_exactly_between_the_inner_lip_landmarks(
    yaw: float, pitch: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = Shot(Pose(yaw, pitch), Expression(mouth_open=0.9))
    plain = render(Identity(), shot, 256)
    first = mean_grid().mouth_row
    inside = _repainted("head", slice(5 * first + 4, 5 * (first + 5) - 3))
    teeth = _repainted("teeth", slice(0, 37))
    monkeypatch.setattr(module, "atlas", inside)
    changed = _changed(plain, render(Identity(), shot, 256), 6)
    monkeypatch.setattr(module, "atlas", teeth)
    changed |= _changed(plain, render(Identity(), shot, 256), 6)
    edge = distance_transform_edt(changed) + distance_transform_edt(~changed)
    x, y = np.rint(plain.landmarks[60:].T).astype(int)
    assert edge[y, x].max() < 2.5
    assert edge[y, x].mean() < 1.7
    filled = np.zeros(changed.shape, np.uint8)
    outline = np.rint(plain.landmarks[[48, 60, 61, 62, 63, 64, 54, 64, 65, 66, 67, 60]])
    cv2.fillPoly(filled, [outline.astype(np.int32)], 1)
    assert changed[filled > 0].mean() > 0.93
    assert filled[changed].mean() > 0.78


def test_irises_follow_the_gaze() -> None:
    def pupil(gaze: float) -> float:
        pair = (
            render(Identity(eye_colour=c), Shot(expression=Expression(gaze_x=gaze)), 256)
            for c in ((0.1, 0.1, 0.1), (0.9, 0.2, 0.9))
        )
        _, columns = np.nonzero(_changed(*pair))
        return float(columns.mean())

    assert pupil(15) - pupil(-15) > 3
    points = locate(Identity(), Shot(), 256)
    assert pupil(0) == pytest.approx(points[36:48, 0].mean(), abs=0.5)


def test_shut_mouth_and_eyes_have_meeting_landmarks() -> None:
    points = locate(Identity(), Shot(expression=Expression(eye_open=0)), 256)
    np.testing.assert_allclose(points[61:64], points[[67, 66, 65]], atol=0.05)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        assert abs(points[upper] - points[lower])[1] < 0.6


@pytest.mark.parametrize("yaw", [0, 12, -12])
def test_outline_landmarks_lie_on_the_edge_of_the_face(yaw: float) -> None:
    """The skin above the neck, filled quad by quad by OpenCV, has them on its border."""
    who, shot = Identity(), Shot(Pose(yaw))
    flat = project(posed_skin(who, shot), shot.pose, 1024)
    mask = np.zeros((1024, 1024), np.uint8)
    last = mean_grid().jaw_row + 3
    quads = flat[:last, :, :2]
    for row in range(quads.shape[0] - 1):
        for column in range(quads.shape[1] - 1):
            quad = quads[row : row + 2, column : column + 2].reshape(4, 2)[[0, 1, 3, 2]]
            cv2.fillConvexPoly(mask, np.rint(quad).astype(np.int32), 1)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = locate(who, shot, 1024)[:17]
    for k, point in enumerate(points):
        away = abs(cv2.pointPolygonTest(contours[0], point.tolist(), True)) / 4
        assert away < 1.0, (k, away)


def test_average_face_matches_the_mean_face() -> None:
    points = locate(Identity(), Shot(), 256)[17:]
    matrix = umeyama(points, MEAN_FACE_51)[:2]
    residual = points @ matrix[:, :2].T + matrix[:, 2] - MEAN_FACE_51
    assert np.sqrt((residual**2).sum(axis=1).mean()) < 0.025


@pytest.mark.parametrize("yaw", [-30, -15, 15, 30])
def test_the_pose_solved_on_the_mean_head_follows_the_yaw(yaw: float) -> None:
    points = locate(Identity(), Shot(Pose(yaw)), 256)
    matrix = umeyama(points[17:], MEAN_FACE_51)[:2]
    unit = points @ matrix[:, :2].T + matrix[:, 2]
    camera, seen = np.array(CAMERA, float), unit[np.array(CORE_68)]
    _, turn, _ = cv2.solvePnP(np.array(MEAN_HEAD_26), seen, camera, np.zeros((4, 1)))
    solved = -Rotation.from_rotvec(turn[:, 0]).as_euler("yxz", degrees=True)
    assert solved[0] == pytest.approx(yaw * 1.25, abs=6)
    assert np.abs(solved[1:]).max() < 6


def test_the_lamp_lights_its_own_side() -> None:
    def halves(azimuth: float) -> tuple[float, float]:
        picture = render(Identity(), Shot(light=Light(azimuth=azimuth, ambient=0.2)), 96)
        x, y = np.rint(picture.landmarks[[2, 14]].T).astype(int)
        cheeks = [
            picture.image[y[k] - 3 : y[k] + 3, x[k] + s : x[k] + s + 8].mean()
            for k, s in ((0, 3), (1, -11))
        ]
        return cheeks[0], cheeks[1]

    left, right = halves(-60)
    assert left > right * 1.2
    left, right = halves(60)
    assert right > left * 1.2


def test_warm_light_is_redder() -> None:
    cold, warm = (
        render(Identity(), Shot(light=Light(warmth=w)), 64).image.mean((0, 1)) for w in (-1, 1)
    )
    assert warm[2] / warm[0] > cold[2] / cold[0] * 1.1


def test_cubic_passes_through_its_points_without_overshoot() -> None:
    keys, values = np.array([0.0, 1, 2, 4]), np.array([[0.0], [1], [1], [5]])
    dense = cubic(np.linspace(0, 4, 101), keys, values)
    np.testing.assert_allclose(cubic(keys, keys, values), values)
    assert (np.diff(dense, axis=0) >= -1e-12).all()
