"""Colours as the user sets them."""

from dataclasses import dataclass

import numpy as np

from lib.config.options import Options as OptionsBase
from lib.config.options import option
from lib.convert.swap import Floats, Swap
from plugins.convert.color._base import ColorBase


@dataclass(frozen=True, kw_only=True)
class Options(OptionsBase):
    """Options of the colour that is set by hand; they hold for every face of every frame."""

    brightness: float = option(
        0,
        "Lighten the swapped face, or darken it where below 0, by this many per cent of the way "
        "from black to white. -20 to 20 is usual.",
        minimum=-100,
        maximum=100,
    )
    contrast: float = option(
        0,
        "Spread the face's brightness about middle grey by this many per cent, or draw it together "
        "where below 0. -30 to 30 is usual.",
        minimum=-100,
        maximum=100,
    )
    red: float = option(
        100,
        "How much of the red there is stays, in per cent. Lower it for a face that is too ruddy, "
        "raise it for one that is too pale. 80 to 120 is usual.",
        minimum=0,
        maximum=300,
    )
    green: float = option(
        100,
        "How much of the green there is stays, in per cent. Lower it for a face that looks sickly, "
        "raise it for one that is too pink. 80 to 120 is usual.",
        minimum=0,
        maximum=300,
    )
    blue: float = option(
        100,
        "How much of the blue there is stays, in per cent. Lower it for a face that is too cold, "
        "raise it for one that is too yellow. 80 to 120 is usual.",
        minimum=0,
        maximum=300,
    )


class Color(ColorBase):
    """Multiplies each channel, then spreads about middle grey, then shifts.

    Parameters
    ----------
    options
        How much; None for the defaults, which change nothing.
    """

    def __init__(self, options: Options | None = None) -> None:
        chosen = options or Options()
        spread = 1 + chosen.contrast / 100
        gains = np.array([chosen.blue, chosen.green, chosen.red]) / 100
        self._factor = np.float32(gains * spread)
        self._shift = np.float32(chosen.brightness / 100 + 0.5 * (1 - spread))

    def __call__(self, swap: Swap, mask: Floats) -> Floats:
        """See `ColorBase`."""
        balanced = np.clip(swap.face * self._factor + self._shift, 0, 1)
        return np.asarray(balanced, np.float32)
