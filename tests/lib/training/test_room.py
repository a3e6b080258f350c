"""How many faces at a time the device changes."""

import pytest

from lib.errors import FaceswapError
from lib.training.room import Room


def test_each_smaller_size_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    room = Room(9)
    sizes = []
    for faces in (9, 9, 5, 9, 3, 2):
        room.shrink(faces)
        sizes.append(room.faces)
    assert sizes == [5, 5, 3, 3, 2, 1]
    assert [record.args for record in caplog.records] == [(5,), (3,), (2,), (1,)]


def test_less_than_one_face_is_the_users_concern() -> None:
    with pytest.raises(FaceswapError, match=r"^out of memory in .* one face at a time: lower -b"):
        Room(1).shrink(1)
