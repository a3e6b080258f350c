from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.synthetic.parameters import Identity, Shot, from_json, to_json


def test_json_brings_identity_and_shot_back_exactly() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        identity, shot = Identity.random(rng), Shot.random(rng)
        assert from_json(json.loads(json.dumps(to_json(identity, shot)))) == (identity, shot)


def test_random_is_repeatable_and_varied() -> None:
    one, two = (Identity.random(np.random.default_rng(4)) for _ in range(2))
    assert one == two
    rng = np.random.default_rng(5)
    people = {Identity.random(rng) for _ in range(30)}
    assert len(people) == 30
    assert len({p.hair_style for p in people}) >= 4


def test_random_shots_stay_within_the_stated_ranges() -> None:
    rng = np.random.default_rng(6)
    poses = np.array([list(asdict(Shot.random(rng).pose).values())[:3] for _ in range(200)])
    assert (np.abs(poses).max(axis=0) <= (35, 20, 20)).all()
    assert (np.abs(poses).max(axis=0) >= (30, 17, 17)).all()


def _wrong() -> list[object]:
    good = to_json(Identity(), Shot())
    wrong: list[object] = [None, [], {}, {"identity": {}, "shot": {}}]
    for field, value in (
        ("jaw_width", "wide"),
        ("jaw_width", float("nan")),
        ("jaw_width", True),
        ("seed", -1),
        ("seed", 1.5),
        ("hair_style", "mullet"),
        ("eye_colour", [0.1, 0.2]),
        ("eye_colour", [0.1, 0.2, "x"]),
        ("skin_tone", 10**400),
        ("tail", 1.0),
    ):
        wrong.append({**good, "identity": {**good["identity"], field: value}})
    wrong.append({**good, "shot": {**good["shot"], "pose": 3}})
    return wrong


@pytest.mark.parametrize("data", _wrong())
def test_malformed_parameters_are_refused(data: object) -> None:
    with pytest.raises(FaceswapError, match="malformed"):
        from_json(data)
