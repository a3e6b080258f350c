"""Outputs of different pictures never have one name."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.media.names import twins

NAMES = st.lists(st.sampled_from(["a", "b"]), min_size=1).map(".".join)
FILES = st.builds("{}.{}".format, NAMES, st.sampled_from(["png", "jpg"]))


def alike(names: list[str]) -> frozenset[str]:
    source = SimpleNamespace(is_video=False, count=len(names), name=names.__getitem__)
    return twins(source)


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["a.png", "b.png"], set()),
        (["a.png", "a.jpg", "b.png"], {"a.png", "a.jpg"}),
        (["a.png", "a.jpg", "a.png.jpg"], {"a.png", "a.jpg", "a.png.jpg"}),
    ],
)
def test_names_that_would_be_alike_keep_their_suffix(names: list[str], kept: set[str]) -> None:
    assert alike(names) == kept


@given(st.lists(st.one_of(FILES, st.builds("{}.png".format, FILES)), unique=True))
def test_no_two_outputs_are_named_alike(names: list[str]) -> None:
    kept = alike(names)
    stems = [name if name in kept else Path(name).stem for name in names]
    assert len(set(stems)) == len(names)
