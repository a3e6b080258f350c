"""Any header that is accepted gives a face or a reason, whatever numbers it holds."""

import warnings
import zlib
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lib.align.header import FaceHeader
from lib.align.literal import parse_literal
from lib.align.tables import MEAN_FACE_51
from lib.data.faceset import Cut, cut_face
from lib.data.files import RawFace
from lib.errors import FaceswapError

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
EXTREME = [0, -0.0, 1, 1e6, -1e6, 10**6, 999_999.5, 5e-324, -5e-324, 1e-308, 1e-160, 1e-9, 0.5]
NUMBERS = (
    st.sampled_from(EXTREME)
    | st.floats(-1e6, 1e6, allow_subnormal=True)
    | st.integers(-(10**6), 10**6)
    | st.floats(0, 100)
)
CUTS = st.builds(
    Cut,
    st.sampled_from([16, 24, 33, 64]),
    st.sampled_from(["legacy", "face", "head"]),
    st.sampled_from([None, "components", "extended", "m"]),
    st.integers(0, 9),
    st.integers(0, 50),
    st.floats(-5, 5),
)


def mean_face() -> np.ndarray[Any, Any]:
    angle = np.linspace(np.pi, 0, 17)
    jaw = np.column_stack([0.5 + 0.6 * np.cos(angle), 0.2 + np.sin(angle)])
    return np.vstack([jaw, MEAN_FACE_51])


@st.composite
def landmarks(draw: st.DrawFn) -> list[list[float]]:
    """A face at some place and size, some or all of whose points are anywhere."""
    kind = draw(st.sampled_from(["free", "few", "face"]))
    if kind == "free":
        return draw(st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=68, max_size=68))
    if kind == "few":
        pool = draw(st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1, max_size=3))
        rng = draw(st.randoms(use_true_random=False))
        return [rng.choice(pool) for _ in range(68)]
    scale, x, y = draw(NUMBERS), draw(NUMBERS), draw(NUMBERS)
    points = np.clip(mean_face() * scale + (x, y), -1e6, 1e6).tolist()
    for at in draw(st.lists(st.integers(0, 67), max_size=5)):
        points[at] = [draw(NUMBERS), draw(NUMBERS)]
    return points


@st.composite
def headers(draw: st.DrawFn) -> dict[str, Any]:
    edge = draw(st.integers(1, 64))
    matrix = st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=2, max_size=2)
    mask = {
        "mask": draw(st.sampled_from([zlib.compress(bytes(edge * edge)), b"", b"x"])),
        "affine_matrix": draw(matrix),
        "interpolator": draw(st.integers()),
        "stored_size": edge,
        "stored_centering": draw(st.sampled_from(["legacy", "face", "head"])),
    }
    boxes = {key: draw(st.integers()) for key in "xywh"}
    return {
        "alignments": {**boxes, "landmarks_xy": draw(landmarks()), "mask": {"m": mask}},
        "source": {"alignments_version": draw(st.sampled_from([1.0, 2.4, -1e6, 0]))},
    }


@settings(max_examples=250, deadline=None)
@given(headers(), CUTS)
@example(
    {
        "alignments": {
            **dict.fromkeys("xywh", 0),
            "landmarks_xy": [[(-1) ** i * 1e6, (i % 3 - 1) * 1e6] for i in range(68)],
        },
        "source": {"alignments_version": 2.4},
    },
    Cut(24, "face", "extended", 9, 50, -5),
)
def test_any_accepted_header_gives_a_face_or_a_reason(raw: dict[str, Any], cut: Cut) -> None:
    header = FaceHeader.from_dict(raw)
    assert FaceHeader.from_dict(parse_literal(repr(header.to_dict()))).to_dict() == header.to_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            image, planes, points = cut_face(RawFace(IMAGE, header), cut)
        except FaceswapError:
            return
    assert image.shape == planes.shape == (cut.size, cut.size, 3)
    assert np.isfinite(points).all()
    assert np.isfinite(np.asarray(points, np.float32)).all()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["alignments", "source", "landmarks_xy", "mask", "x", "y", "w", "h"])
            | st.text(max_size=3),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(VALUES, st.sampled_from(["alignments", "source", "landmarks_xy", "mask", "identity", None]))
def test_any_other_value_in_a_header_is_refused_or_checked(value: Any, key: str | None) -> None:
    good: dict[str, Any] = {
        "alignments": {**dict.fromkeys("xywh", 1), "landmarks_xy": mean_face().tolist()},
        "source": {"alignments_version": 2.4},
    }
    if key in good:
        raw: Any = {**good, key: value}
    elif key is not None:
        raw = {**good, "alignments": {**good["alignments"], key: value}}
    else:
        raw = value
    try:
        header = FaceHeader.from_dict(raw)
    except FaceswapError:
        return
    assert header.landmarks.shape == (68, 2)
    assert np.isfinite(header.landmarks).all()
