"""The options of convert that belong to no single plugin, and the file that keeps them all."""

from dataclasses import dataclass
from typing import Final

from lib.config.ini import IniFile
from lib.config.options import Options, option

CONVERT: Final = IniFile(
    name="convert.ini",
    introduction="""\
The options of convert. Each is one line, name = value; lines that begin with # or ; are comments.
An option that is left out has its default. The sections color, scaling and writer hold those of
the plugins that the command line chooses; the others do not count.""",
    plugin_sections=("color.", "mask.", "scaling.", "writer."),
)


@dataclass(frozen=True, kw_only=True)
class MaskOptions(Options):
    """How the edge of a swapped face is laid over the frame, whichever mask says where it lies.

    Lengths are per cent of the face's size: the root of the area that the mask covers.
    """

    erosion: float = option(
        5,
        "How far the edge moves inwards. Raise it where some of the background or of the other "
        "face's outline is carried along; below 0 the edge moves outwards, to swap more of the "
        "forehead and jaw. 0 to 10 is usual.",
        minimum=-25,
        maximum=25,
    )
    blur: float = option(
        20,
        "Over what width the swapped face passes into the frame. Raise it where a seam shows, as "
        "it does where colours differ; lower it where both faces are seen at once. 10 to 30 is "
        "usual; 0 is a hard edge.",
        minimum=0,
        maximum=50,
    )
