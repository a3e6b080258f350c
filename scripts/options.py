"""What options of several commands are made of."""

import argparse
from collections.abc import Callable

from plugins import loader


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Type of an option that takes a whole number in a range."""

    def convert(text: str) -> int:
        try:
            value = int(text.replace(",", ""))
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a whole number from {lowest:,} to {highest:,}"
            )
        return value

    return convert


def add_faces(group: "argparse._ArgumentGroup") -> None:
    """Options that name both folders of faces and the model's."""
    for side in "AB":
        group.add_argument(
            f"-{side}",
            f"--input-{side}",
            dest=f"input_{side.lower()}",
            required=True,
            metavar="DIR",
            help=f"folder of faces of side {side}",
        )
    group.add_argument(
        "-m", "--model-dir", required=True, metavar="DIR", help="folder of the model"
    )
    add_plugin_dir(group)


def add_plugin_dir(group: "argparse._ActionsContainer") -> None:
    """Option that names a folder of plugins."""
    group.add_argument(
        "--plugin-dir",
        metavar="DIR",
        help="folder of your own plugins: models directly in it, others in a folder of their kind "
        f"(or set {loader.PLUGIN_DIR_VARIABLE})",
    )


def add_finding(group: "argparse._ArgumentGroup") -> None:
    """Options that decide which faces are found."""
    group.add_argument(
        "--min-size",
        type=whole(8, 10**4),
        default=40,
        metavar="PIXELS",
        help="leave out faces that are narrower in the frame (default: 40); smaller ones, down to "
        "about 16, take longer to look for",
    )
    group.add_argument(
        "--max-faces",
        type=whole(1, 1000),
        metavar="N",
        help="the most faces of a frame, the largest first (default: all)",
    )
    group.add_argument(
        "--rotate",
        action="store_true",
        help="where a frame shows no upright face, look for one that lies or is upside down",
    )
    group.add_argument(
        "--only",
        metavar="PATH",
        help="take the people of this picture, or folder of pictures, of one face each, and no one "
        "else",
    )
    group.add_argument(
        "-D",
        "--detector",
        default="blazeface",
        metavar="NAME",
        help="what finds faces (default: blazeface)",
    )
    group.add_argument(
        "--aligner",
        default="facemesh",
        metavar="NAME",
        help="what finds their landmarks (default: facemesh)",
    )
