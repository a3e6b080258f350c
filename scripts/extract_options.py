"""Options of ``faceswap extract``."""

import argparse

from scripts.options import add_finding, add_plugin_dir, whole


def add_extract(parser: argparse.ArgumentParser) -> None:
    """Add them all."""
    parser.epilog = (
        "Beside the faces it writes alignments.jsonl, which faceswap convert reads; see "
        "docs/alignments.md."
    )
    group = parser.add_argument_group("in and out")
    group.add_argument(
        "-i",
        "--input",
        required=True,
        metavar="PATH",
        help="video, folder of pictures or single picture",
    )
    group.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder to write the faces to"
    )
    group.add_argument(
        "--resume", action="store_true", help="go on with a run that ended before it was done"
    )
    group.add_argument(
        "--size",
        type=whole(64, 4096),
        default=512,
        metavar="PIXELS",
        help="edge of the pictures of faces (default: 512)",
    )
    _add_finding(parser.add_argument_group("which faces"))


def _add_finding(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--every",
        type=whole(1, 10**6),
        default=1,
        metavar="N",
        help="look at every Nth frame (default: 1, all)",
    )
    group.add_argument(
        "--skip-blurred",
        type=whole(1, 100),
        nargs="?",
        const=30,
        metavar="SHARPNESS",
        help="write no picture of faces less sharp than this, 1 to 100 (default: 30; faces in "
        "focus have about 40)",
    )
    group.add_argument(
        "--debug",
        action="store_true",
        help="also write each frame with boxes and landmarks drawn, to the folder debug",
    )
    add_finding(group)
    add_plugin_dir(group)
