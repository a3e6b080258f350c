"""Options of ``faceswap convert``."""

import argparse

from scripts.options import add_finding, add_plugin_dir, whole


def add_convert(parser: argparse.ArgumentParser) -> None:
    """Add them all."""
    parser.epilog = (
        "Edges of masks, the plugins' own settings and codecs are options in convert.ini (-C); the "
        "first run writes one with all defaults and help, and says where. What is written carries "
        "the mark of synthetic media."
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
        "-o",
        "--output",
        required=True,
        metavar="PATH",
        help="video (.mp4, .mov, .mkv, .webm), animation (.gif), folder of pictures or, of one, "
        "picture (.png, .jpg, .webp) to write",
    )
    group.add_argument(
        "-m", "--model-dir", required=True, metavar="DIR", help="folder of the model"
    )
    group.add_argument(
        "-s",
        "--swap-model",
        action="store_true",
        help="turn faces of B into A instead",
    )
    group.add_argument(
        "-a",
        "--alignments",
        metavar="PATH",
        help="alignments file of faceswap extract, or its folder; faces are those that it "
        "tells of, whatever the options of finding say (default: faces are looked for)",
    )
    group.add_argument(
        "--resume", action="store_true", help="go on with a run that ended before it was done"
    )
    group.add_argument(
        "--preview",
        action="store_true",
        help="write a picture of 12 frames before and after to -o (.png, .jpg, .webp), and leave",
    )
    _add_look(parser.add_argument_group("look"))
    _add_mark(parser.add_argument_group("mark"))
    add_finding(parser.add_argument_group("which faces"))
    add_plugin_dir(parser)


def _add_look(group: "argparse._ArgumentGroup") -> None:
    for flag, name, default, text in (
        ("-M", "mask", "extended", "which part of a face is swapped"),
        ("-c", "color", "average", "how it takes on the frame's colours"),
        ("-S", "scaling", "none", "what is done to a face before it is enlarged"),
        ("-w", "writer", None, "what is written (default: as -o ends)"),
    ):
        told = f"{text} (default: {default})" if default else text
        group.add_argument(flag, f"--{name}", default=default, metavar="NAME", help=told)
    group.add_argument(
        "--person",
        type=whole(1, 10**6),
        metavar="N",
        help="swap this person only, as numbered by faceswap extract (person_N); needs -a",
    )


def _add_mark(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--certificate",
        metavar="FILE",
        help="also sign what is written (C2PA) with this chain of certificates, in PEM",
    )
    group.add_argument("--key", metavar="FILE", help="private key of the certificate, in PEM")
