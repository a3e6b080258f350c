"""Options of every command. Nothing heavy is imported here, so that ``--help`` answers at once."""

import argparse
from collections.abc import Callable
from typing import NoReturn

from lib.errors import FaceswapError
from lib.logs.levels import LEVELS
from plugins import loader


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where help is, and leave with exit code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


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


def fraction(text: str) -> float:
    """Type of an option that takes a part of the faces."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0.01 to 0.5")
    return value


def _add_everywhere(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("everywhere")
    group.add_argument("-C", "--configfile", metavar="FILE", help="options file, a train.ini")
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


def _add_faces(group: "argparse._ArgumentGroup") -> None:
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
    _add_plugin_dir(group)


def _add_plugin_dir(group: "argparse._ActionsContainer") -> None:
    group.add_argument(
        "--plugin-dir",
        metavar="DIR",
        help=f"folder of your own model plugins (or set {loader.PLUGIN_DIR_VARIABLE})",
    )


def _model_names() -> list[str]:
    try:
        return loader.model_names()
    except FaceswapError:
        return []  # a wrong plugin folder is told once a model is chosen, not in the help


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Losses, masks, optimizer, precision and how far faces are changed are options in "
        "train.ini (-C); the first run writes one with all defaults and help, and says where."
    )
    group = parser.add_argument_group("faces and model")
    _add_faces(group)
    group.add_argument(
        "-t",
        "--trainer",
        default="original",
        metavar="NAME",
        help=f"model: {', '.join(_model_names())} (default: original; "
        "compact is the one for machines without a GPU)",
    )
    group.add_argument(
        "-l",
        "--load-weights",
        metavar="MODEL",
        help="new models: begin with the encoder of this one, a model's folder or .keras file",
    )
    group.add_argument(
        "-f", "--freeze-weights", action="store_true", help="leave the encoder's weights alone"
    )
    group.add_argument(
        "-u", "-su", "--summary", action="store_true", help="print the model's summary and leave"
    )
    group.add_argument(
        "--find-learning-rate",
        action="store_true",
        help="try rising learning rates, draw the losses, name a good one and leave",
    )
    group.add_argument(
        "--allow-few", action="store_true", help="train on fewer than 25 faces a side"
    )
    _add_run(parser.add_argument_group("run"))
    _add_held_out(parser.add_argument_group("faces held out"))
    _add_sight(parser.add_argument_group("preview and time-lapse"))
    _add_augmentation(parser.add_argument_group("augmentation"))


def _add_run(group: "argparse._ArgumentGroup") -> None:
    number = "N"
    group.add_argument(
        "-b",
        "-bs",
        "--batch-size",
        type=whole(1, 256),
        default=16,
        metavar=number,
        help="faces of each side in a batch (default: 16)",
    )
    group.add_argument(
        "-i",
        "-it",
        "--iterations",
        type=whole(1, 10**9),
        default=1_000_000,
        metavar=number,
        help="iterations of this run (default: 1,000,000)",
    )
    group.add_argument(
        "-s",
        "--save-interval",
        type=whole(1, 10**9),
        default=250,
        metavar=number,
        help="save every N iterations (default: 250)",
    )
    group.add_argument(
        "--keep-saves",
        type=whole(1, 1000),
        default=3,
        metavar=number,
        help="keep the newest N saves, and the backup (default: 3)",
    )
    group.add_argument(
        "-I",
        "-ss",
        "--snapshot-interval",
        type=whole(0, 10**9),
        default=25_000,
        metavar=number,
        help="copy the model's folder every N iterations, 0: never (default: 25,000)",
    )
    group.add_argument(
        "-d",
        "--distributed",
        action="store_true",
        help="train on all GPUs of this machine, each with batches of its own of the size of -b; "
        "the learning rate is used as set",
    )
    group.add_argument(
        "--seed",
        type=whole(0, 2**31 - 1),
        metavar=number,
        help="seed of a new model and of its run (default: 0)",
    )
    group.add_argument(
        "-n", "-nl", "--no-logs", action="store_true", help="keep no TensorBoard log"
    )


def _add_held_out(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--holdout",
        type=fraction,
        metavar="FRACTION",
        help="keep the last files by name out of training, and score the model on them; 0.01 to "
        "0.5, such as 0.1",
    )
    group.add_argument(
        "--evaluate-interval",
        type=whole(1, 10**9),
        default=500,
        metavar="N",
        help="score it every N iterations (default: 500)",
    )
    group.add_argument(
        "--plateau",
        type=whole(1, 10**9),
        default=5000,
        metavar="N",
        help="say so when the score is no better for N iterations (default: 5,000)",
    )
    group.add_argument(
        "--stop-on-plateau", action="store_true", help="stop when it is no better for so long"
    )


def _add_sight(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "-p", "--preview", action="store_true", help="keep a preview sheet and print its path"
    )
    group.add_argument(
        "-w", "--write-image", action="store_true", help="keep a preview sheet in the model folder"
    )
    group.add_argument(
        "-ps",
        "--preview-scale",
        type=whole(10, 400),
        default=100,
        metavar="PERCENT",
        help="size of the sheet (default: 100)",
    )
    for letter, side in ("x", "A"), ("y", "B"):
        group.add_argument(
            f"-{letter}",
            f"-ti{side.lower()}",
            f"--timelapse-input-{side}",
            dest=f"timelapse_input_{side.lower()}",
            metavar="DIR",
            help=f"faces of side {side} for the time-lapse",
        )
    group.add_argument(
        "-z", "-to", "--timelapse-output", metavar="DIR", help="folder for the time-lapse"
    )


def _add_augmentation(group: "argparse._ArgumentGroup") -> None:
    for flags, text in (
        (("-P", "-nf", "--no-flip"), "never mirror faces"),
        (("-c", "-nac", "--no-augment-color"), "never change colours"),
        (("-W", "-nw", "--no-warp"), "never warp the faces that are fed"),
        (("-M", "-wl", "--warp-to-landmarks"), "warp them towards faces of the other side"),
    ):
        group.add_argument(*flags, action="store_true", help=text)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("faces and model")
    _add_faces(group)
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
    _add_plugin_dir(parser)


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
    _add_plugin_dir(parser)


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
    _add_plugin_dir(parser)


COMMANDS = {
    "train": ("train a model on the faces of two people who agreed to it", _add_train),
    "evaluate": ("score a model on faces that it was not trained on", _add_evaluate),
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
