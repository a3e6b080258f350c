"""Options of the commands that watch and steer runs: status, control and runs."""

import argparse

from lib.live.asks import ACTIONS


def _add_model_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model_dir", metavar="MODEL_DIR", help="folder of the model")


def add_status(parser: argparse.ArgumentParser) -> None:
    """Add those of status."""
    _add_model_dir(parser)
    parser.add_argument("--json", action="store_true", help="print it as JSON, for other programs")


def add_control(parser: argparse.ArgumentParser) -> None:
    """Add those of control."""
    parser.epilog = "set OPTION VALUE gives an option of train.ini that may change another value."
    _add_model_dir(parser)
    parser.add_argument(
        "action",
        choices=ACTIONS,
        metavar="ACTION",
        help="save; snapshot: copy the model's folder; refresh: renew the preview; stop: after "
        "this iteration, with a save; or set",
    )
    parser.add_argument("option", nargs="?", metavar="OPTION", help="with set: its name")
    parser.add_argument("value", nargs="?", metavar="VALUE", help="with set: as in train.ini")


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Add those of runs."""
    parser.add_argument(
        "folders",
        nargs="+",
        metavar="DIR",
        help="a model's folder, or a folder of such folders",
    )
    parser.add_argument(
        "-o",
        "--output",
        default="runs.png",
        metavar="FILE",
        help="where the curves are drawn, a PNG (default: runs.png)",
    )
