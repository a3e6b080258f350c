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
        help=f"folder of your own model plugins (or set {loader.PLUGIN_DIR_VARIABLE})",
    )
