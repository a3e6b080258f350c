"""Options of every command. Nothing heavy is imported here, so that ``--help`` answers at once."""

import argparse
from typing import NoReturn

from lib.logs.levels import LEVELS
from scripts.convert_options import add_convert
from scripts.extract_options import add_extract
from scripts.options import add_faces, add_plugin_dir, whole
from scripts.page_options import add_page
from scripts.steering_options import add_control, add_runs, add_status
from scripts.train_options import add_train, fraction


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where help is, and leave with exit code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _add_everywhere(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("everywhere")
    group.add_argument(
        "-C", "--configfile", metavar="FILE", help="options file, a train.ini or convert.ini"
    )
    group.add_argument(
        "-L",
        "--loglevel",
        type=str.upper,
        choices=LEVELS,
        default="INFO",
        help=f"how much is said: {', '.join(LEVELS)} (default: INFO)",
        metavar="LEVEL",
    )
    group.add_argument("-LF", "-F", "--logfile", metavar="FILE", help="also log to this file")
    group.add_argument(
        "-X",
        "--exclude-gpus",
        nargs="+",
        type=whole(0, 255),
        default=[],
        metavar="N",
        help="leave these GPUs out, counted from 0",
    )


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("faces and model")
    add_faces(group)
    group.add_argument(
        "--holdout",
        type=fraction,
        metavar="FRACTION",
        help="score the last files by name alone: those that train holds out with this fraction",
    )
    group.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="also draw faces, their swaps and, for rendered faces, the truth (.png, .jpg, .webp)",
    )


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exit code 0: all is well; 1: there is a FAULT among the lines."
    parser.add_argument("-m", "--model-dir", metavar="DIR", help="also look at this model's folder")
    parser.add_argument(
        "--faces",
        nargs="+",
        default=[],
        metavar="DIR",
        help="also read every face in these folders",
    )
    add_plugin_dir(parser)


def _add_restore(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Without --save and --from it lists what there is to go back to."
    parser.add_argument(
        "-m", "--model-dir", required=True, metavar="DIR", help="folder of the model"
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--save", type=whole(1, 10**12), metavar="N", help="go back to the save of this number"
    )
    choice.add_argument(
        "--from",
        dest="source",
        metavar="DIR",
        help="go back to the model in a snapshot's folder, or in another one",
    )
    add_plugin_dir(parser)


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", default="demo", metavar="DIR", help="where to (default: demo)"
    )
    parser.add_argument(
        "-i",
        "--iterations",
        type=whole(1, 10**6),
        default=800,
        metavar="N",
        help="iterations of training (default: 800)",
    )


def _add_render(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder to write the faces to"
    )
    parser.add_argument(
        "--identity",
        type=whole(0, 2**31 - 1),
        default=0,
        metavar="N",
        help="whose face (default: 0)",
    )
    parser.add_argument(
        "--performance",
        type=whole(0, 2**31 - 1),
        default=0,
        metavar="N",
        help="which sequence of poses and expressions (default: 0)",
    )
    parser.add_argument(
        "--light",
        type=whole(0, 2**31 - 1),
        default=0,
        metavar="N",
        help="which light (default: 0, even and from the front)",
    )
    parser.add_argument(
        "--count",
        type=whole(1, 10**6),
        default=250,
        metavar="N",
        help="how many faces (default: 250)",
    )


def _add_plugins(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "check", nargs="?", choices=["check"], metavar="check FILE", help="try your plugin's file"
    )
    parser.add_argument("file", nargs="?", metavar="", help=argparse.SUPPRESS)
    add_plugin_dir(parser)


COMMANDS = {
    "extract": ("find the faces of a video or of pictures", add_extract),
    "train": ("train a model on the faces of two people who agreed to it", add_train),
    "convert": ("swap the faces of a video or of pictures", add_convert),
    "evaluate": ("score a model, best on faces that it was not trained on", _add_evaluate),
    "status": ("tell how a run fares, or how it ended", add_status),
    "control": ("ask a run to save, to stop, or to change an option", add_control),
    "page": ("show a run on a web page, and steer it from there", add_page),
    "runs": ("compare runs in a table and in curves", add_runs),
    "restore": ("list a model's saves and snapshots, or go back to one of them", _add_restore),
    "doctor": ("look for what is wrong with the installation, a model or faces", _add_doctor),
    "render": ("render faces of a person who does not exist", _add_render),
    "plugins": ("list the models, or try one of your own: plugins check FILE", _add_plugins),
    "demo": ("render two people, train, swap and score: a first look", _add_demo),
}


def make_parser(version: str = "") -> argparse.ArgumentParser:
    """The parser of the whole command line.

    Parameters
    ----------
    version
        What ``--version`` prints behind the program's name.
    """
    parser = Parser(
        prog="faceswap",
        description="Train face-swap models. For faces of people who agreed to it.",
    )
    parser.add_argument("-v", "--version", action="version", version=f"faceswap {version}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, add) in COMMANDS.items():
        command = commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
        )
        add(command)
        _add_everywhere(command)
    return parser
