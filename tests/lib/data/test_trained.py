"""The faces that a model was trained on last: known again, and missed."""

import json
from hashlib import blake2b

import numpy as np
import pytest

from lib.data.faceset import FaceSet
from lib.data.files import FileNote
from lib.data.trained import KEPT, are_new, describe, described, plain_counts, tell_if_others


def faces(*contents: str, plain: int = 0, folder: str = "x") -> FaceSet:
    """Faces of files that hold such text; the first are plain pictures."""
    count = len(contents)
    pixels = np.zeros((count, 2, 2, 3), np.uint8)
    landmarks = np.zeros((count, 68, 2), np.float32)
    landmarks[:plain] = np.nan
    digests = [blake2b(text.encode(), digest_size=16).digest() for text in contents]
    files = tuple(FileNote(1, 1, digest) for digest in digests)
    paths = tuple(f"{folder}/{number}.png" for number in range(count))
    return FaceSet(paths, pixels, pixels, landmarks, files)


def person(name: str, count: int, start: int = 0, **more: str) -> FaceSet:
    return faces(*(f"{name} {number}" for number in range(start, start + count)), **more)


LAST = json.loads(
    json.dumps({"a": describe(person("one", 500)), "b": describe(person("other", 30))})
)
"""As a state file gives it back."""


def told(caplog: pytest.LogCaptureFixture, a: list[FaceSet], b: list[FaceSet]) -> list[str]:
    caplog.clear()
    tell_if_others(LAST, {"a": a, "b": b})
    return caplog.messages


def test_little_is_kept_and_of_the_same_faces_the_same() -> None:
    kept = describe(person("one", 500))
    assert (kept["count"], len(kept["digests"])) == (500, KEPT)
    turned = faces(*(f"one {number}" for number in reversed(range(500))), folder="elsewhere")
    assert describe(turned) == kept


def test_faces_that_are_known_make_no_words(caplog: pytest.LogCaptureFixture) -> None:
    other = [person("other", 30)]
    assert told(caplog, [person("one", 500, folder="moved")], other) == []
    assert told(caplog, [person("one", 5000)], other) == [], "added"
    assert told(caplog, [person("one", 50, start=200)], other) == [], "nine in ten deleted"
    assert told(caplog, [person("new", 50), person("one", 500)], other) == [], "now held out"


def test_other_people_are_told_of_by_side(caplog: pytest.LogCaptureFixture) -> None:
    (warning,) = told(caplog, [person("one", 500)], [person("new", 40)])
    assert warning.startswith("Side B: none of the pictures that this model was trained on last")
    assert warning.endswith("check -m, -A and -B")


def test_sides_that_are_swapped_are_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog, [person("other", 30)], [person("one", 500)]) == [
        "Side A: these are pictures that this model was trained on last as side B: are -A and -B "
        "swapped?",
        "Side B: these are pictures that this model was trained on last as side A: are -A and -B "
        "swapped?",
    ]


def test_of_earlier_versions_nothing_is_known(caplog: pytest.LogCaptureFixture) -> None:
    tell_if_others({}, {"a": [person("new", 3)], "b": [person("newer", 3)]})
    assert caplog.messages == []
    assert plain_counts({}) == {}


@pytest.mark.parametrize("damaged", [3, [], {"a": 3}, {"a": {"count": "x", "plain": 0}}])
def test_of_a_damaged_state_nothing_is_known(damaged: object) -> None:
    assert described({"faces": damaged}) == {}
    assert described({"faces": LAST}) == LAST


def test_faces_that_are_new_to_a_model_are_known_to_be() -> None:
    assert are_new(LAST["b"], person("new", 5))
    assert are_new(LAST["a"], person("one", 50, start=500)), "held out of the same folder"
    assert not are_new(LAST["a"], person("new", 20)), "of 500 these may be any"
    assert are_new(LAST["b"], person("new", 1)), "all of 30 are known"
    assert not are_new(LAST["b"], person("other", 5)), "trained on"
    assert not are_new(LAST["a"], person("one", 1000, start=400)), "some of them trained on"
    assert not are_new({}, person("new", 50)), "of an earlier version nothing is known"


def test_pictures_without_landmarks_are_counted() -> None:
    sides = {"a": describe(faces("x", "y", "z", plain=2)), "b": describe(person("other", 30))}
    assert plain_counts({"faces": sides}) == {"a": 2}
