"""Options of ``faceswap train``."""

import argparse

from lib.errors import FaceswapError
from lib.live.status import OPEN_ENDED
from plugins import loader
from scripts.options import add_faces, whole


def add_train(parser: argparse.ArgumentParser) -> None:
    """Add them all."""
    parser.epilog = (
        "Losses, masks, optimizer, precision and how far faces are changed are options in "
        "train.ini (-C); the first run writes one with all defaults and help, and says where."
    )
    parser.set_defaults(chose_trainer=False)
    group = parser.add_argument_group("faces and model")
    add_faces(group)
    group.add_argument(
        "-t",
        "--trainer",
        default="original",
        action=_Chosen,
        metavar="NAME",
        help=f"model: {', '.join(_model_names())} (default: the one that the model's folder holds, "
        "for a new one original; compact is the one for machines without a GPU)",
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


class _Chosen(argparse.Action):
    """Keeps, too, that the user chose a model: else a run goes on with the one that is there."""

    def __call__(
        self, parser: object, namespace: argparse.Namespace, values: object, *_: object
    ) -> None:
        namespace.trainer, namespace.chose_trainer = values, True


def _model_names() -> list[str]:
    try:
        return loader.model_names()
    except FaceswapError:
        return []  # a wrong plugin folder is told once a model is chosen, not in the help


def fraction(text: str) -> float:
    """Type of an option that takes a part of the faces."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0.01 to 0.5")
    return value


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
        default=OPEN_ENDED,
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
        "-p",
        "--preview",
        action="store_true",
        help="show the run on a web page, print its address, and keep a preview sheet as -w does",
    )
    group.add_argument(
        "-w", "--write-image", action="store_true", help="keep a preview sheet in the model folder"
    )
    group.add_argument(
        "--page-host",
        default="127.0.0.1",
        metavar="HOST",
        help="where the page of -p can be reached (default: 127.0.0.1, from this machine alone)",
    )
    group.add_argument(
        "--page-port",
        type=whole(1, 65535),
        default=8765,
        metavar="N",
        help="port of the page; where it is taken, the next free one (default: 8765)",
    )
    group.add_argument(
        "--page-read-only", action="store_true", help="the page shows, and steers nothing"
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
