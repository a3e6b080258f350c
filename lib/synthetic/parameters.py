"""What a rendered portrait depends on: who it is, and how that person is shown.

Every value is a plain number, so that a portrait's parameters travel as JSON and a second person
can be rendered with exactly the pose, expression and light of the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

import numpy as np

from lib.errors import FaceswapError

Colour = tuple[float, float, float]
T = TypeVar("T")

HAIR_STYLES = ("shaved", "short", "swept", "bob", "long")

# RGB in 0..1 as seen on a display, not linear light.
_HAIR: tuple[Colour, ...] = (
    (0.10, 0.08, 0.07),
    (0.20, 0.13, 0.09),
    (0.33, 0.21, 0.13),
    (0.50, 0.33, 0.18),
    (0.72, 0.55, 0.33),
    (0.52, 0.24, 0.12),
    (0.58, 0.56, 0.54),
)
_EYES: tuple[Colour, ...] = (
    (0.26, 0.16, 0.09),
    (0.38, 0.26, 0.13),
    (0.42, 0.42, 0.24),
    (0.33, 0.48, 0.36),
    (0.36, 0.52, 0.66),
    (0.46, 0.53, 0.58),
)
_SHAPE_SPREAD = 0.75


@dataclass(frozen=True)
class Identity:
    """One person.

    Shape traits are about -1 to 1, and 0 is average; the default is the average person. Colours are
    display RGB in 0..1; `skin_tone` runs from 0 (darkest) to 1 (lightest); `freckles` and `stubble`
    from 0 to 1. `hair_style` is one of `HAIR_STYLES`; `seed` draws the blotches and strands.
    """

    head_width: float = 0.0
    cranium: float = 0.0
    face_length: float = 0.0
    jaw_width: float = 0.0
    chin_length: float = 0.0
    chin_depth: float = 0.0
    cheekbones: float = 0.0
    cheek_fullness: float = 0.0
    brow_ridge: float = 0.0
    nose_length: float = 0.0
    nose_width: float = 0.0
    nose_depth: float = 0.0
    nose_bridge: float = 0.0
    nose_tip: float = 0.0
    eye_spacing: float = 0.0
    eye_width: float = 0.0
    eye_height: float = 0.0
    eye_tilt: float = 0.0
    eye_depth: float = 0.0
    brow_height: float = 0.0
    brow_arch: float = 0.0
    brow_thickness: float = 0.0
    mouth_width: float = 0.0
    mouth_height: float = 0.0
    upper_lip: float = 0.0
    lower_lip: float = 0.0
    ears: float = 0.0
    skin_tone: float = 0.72
    skin_redness: float = 0.0
    lip_redness: float = 0.0
    freckles: float = 0.0
    stubble: float = 0.0
    eye_colour: Colour = _EYES[1]
    hair_colour: Colour = _HAIR[2]
    brow_colour: Colour = _HAIR[1]
    shirt_colour: Colour = (0.25, 0.32, 0.42)
    hair_style: str = "short"
    hair_volume: float = 0.0
    hairline: float = 0.0
    seed: int = 0

    @classmethod
    def random(cls, rng: np.random.Generator) -> Identity:
        """Draw a plausible person.

        Parameters
        ----------
        rng
            Source of the draw; the same state gives the same person.
        """
        shape = {
            f.name: round(float(np.clip(rng.normal(0, _SHAPE_SPREAD), -1.4, 1.4)), 4)
            for f in fields(cls)
            if f.default == 0.0 and f.name not in ("freckles", "stubble", "seed")
        }
        style = str(rng.choice(HAIR_STYLES, p=(0.1, 0.28, 0.22, 0.18, 0.22)))
        tone = float(rng.choice([rng.uniform(0.05, 0.45), rng.uniform(0.5, 1.0)], p=(0.35, 0.65)))
        hair = _HAIR[int(rng.integers(len(_HAIR)))] if tone > 0.5 else _HAIR[int(rng.integers(2))]
        eyes = _EYES[int(rng.integers(len(_EYES)))] if tone > 0.5 else _EYES[int(rng.integers(2))]
        bearded = style in ("shaved", "short", "swept") and rng.random() < 0.55
        return cls(
            **shape,
            skin_tone=round(tone, 4),
            freckles=round(float(rng.uniform(0, 1) * (rng.random() < 0.35)), 4),
            stubble=round(float(rng.uniform(0.25, 1)), 4) if bearded else 0.0,
            eye_colour=_jitter(rng, eyes, 0.1),
            hair_colour=_jitter(rng, hair, 0.05),
            brow_colour=_jitter(rng, _mix(hair, (0.12, 0.09, 0.07), 0.45), 0.1),
            shirt_colour=_jitter(rng, (0.35, 0.35, 0.35), 0.75),
            hair_style=style,
            seed=int(rng.integers(2**31)),
        )


@dataclass(frozen=True)
class Pose:
    """Where the head is.

    Angles are degrees: `yaw` turns the nose to the right of the picture, `pitch` lifts it, `roll`
    turns the picture clockwise. `x` and `y` shift the head, right and down, in parts of the
    picture's edge; `scale` 1 fills about half the picture's width.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Expression:
    """What the face does.

    `mouth_open` 0..1; `mouth_width` -1 (pursed) to 1 (stretched); `smile` -1..1; `eye_open` 0
    (shut) to 1.2 (wide); `brow_raise` -1..1; `gaze_x` (right) and `gaze_y` (up) in degrees relative
    to the head.
    """

    mouth_open: float = 0.0
    mouth_width: float = 0.0
    smile: float = 0.0
    eye_open: float = 1.0
    brow_raise: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0


@dataclass(frozen=True)
class Light:
    """The lamp and the room.

    `azimuth` (from the right) and `elevation` (from above) in degrees; `strength` of the lamp and
    `ambient` of the room about 0..1; `warmth` -1 (blue) to 1 (orange); `backdrop` is the hue of the
    background, 0..1.
    """

    azimuth: float = 30.0
    elevation: float = 35.0
    strength: float = 0.75
    ambient: float = 0.42
    warmth: float = 0.1
    backdrop: float = 0.58


@dataclass(frozen=True)
class Shot:
    """Everything in a portrait but the person."""

    pose: Pose = field(default_factory=Pose)
    expression: Expression = field(default_factory=Expression)
    light: Light = field(default_factory=Light)

    @classmethod
    def random(cls, rng: np.random.Generator) -> Shot:
        """Draw one shot; yaw, pitch and roll stay within 35, 20 and 20 degrees.

        Parameters
        ----------
        rng
            Source of the draw; the same state gives the same shot.
        """

        def draw(low: float, high: float) -> float:
            return round(float(rng.uniform(low, high)), 4)

        pose = Pose(
            draw(-35, 35),
            draw(-20, 20),
            draw(-20, 20),
            draw(-0.05, 0.05),
            draw(-0.05, 0.05),
            draw(0.9, 1.1),
        )
        expression = Expression(
            mouth_open=draw(0, 1) * (rng.random() < 0.6),
            mouth_width=draw(-0.8, 0.8),
            smile=draw(-0.5, 1),
            eye_open=draw(0.75, 1.15) if rng.random() < 0.9 else draw(0, 0.6),
            brow_raise=draw(-0.7, 0.9),
            gaze_x=draw(-20, 20),
            gaze_y=draw(-12, 12),
        )
        light = Light(
            draw(-65, 65), draw(0, 60), draw(0.5, 0.9), draw(0.25, 0.5), draw(-0.7, 0.7), draw(0, 1)
        )
        return cls(pose, expression, light)


def to_json(identity: Identity, shot: Shot) -> dict[str, Any]:
    """Lay identity and shot out as nested dictionaries of plain values, for `from_json`."""
    return {"identity": asdict(identity), "shot": asdict(shot)}


def from_json(data: object) -> tuple[Identity, Shot]:
    """Rebuild what `to_json` wrote.

    Raises
    ------
    FaceswapError
        A field is missing, unknown, or of the wrong kind.
    """
    try:
        top = _mapping(data, {"identity", "shot"})
        shot = _mapping(top["shot"], {"pose", "expression", "light"})
        return _build(Identity, top["identity"]), Shot(
            _build(Pose, shot["pose"]),
            _build(Expression, shot["expression"]),
            _build(Light, shot["light"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as err:
        raise FaceswapError(
            f"The parameters of a synthetic portrait are malformed ({err}): "
            "write the picture again."
        ) from err


def _mapping(data: object, names: set[str]) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise TypeError(f"expected a dictionary, not {type(data).__name__}")
    if set(data) != names:
        raise KeyError(f"expected the fields {sorted(names)}")
    return data


def _build(kind: type[T], data: object) -> T:
    blank = kind()
    values = _mapping(data, set(vars(blank)))
    return kind(**{name: _value(name, vars(blank)[name], value) for name, value in values.items()})


def _value(name: str, default: object, value: object) -> object:
    if (
        isinstance(default, tuple)
        and isinstance(value, list | tuple)
        and len(value) == len(default)
    ):
        return tuple(_value(name, part, item) for part, item in zip(default, value, strict=True))
    if isinstance(default, str) and value in HAIR_STYLES:
        return value
    if isinstance(default, int) and type(value) is int and value >= 0:
        return value
    if (
        isinstance(default, float)
        and type(value) in (int, float)
        and np.isfinite(float(str(value)))
    ):
        return float(str(value))
    raise ValueError(f"{name} is {value!r}")


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    r, g, b_ = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return r, g, b_


def _jitter(rng: np.random.Generator, colour: Colour, amount: float) -> Colour:
    low, high = 0.02, 0.98
    r, g, b = (
        round(float(np.clip(x * (1 + rng.uniform(-amount, amount)), low, high)), 4) for x in colour
    )
    return r, g, b
