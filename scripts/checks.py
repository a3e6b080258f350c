"""What ``faceswap train`` refuses before anything is made: options that make no sense, no faces."""

import logging
import os
from argparse import Namespace
from pathlib import Path

from lib.data.files import find_images
from lib.data.sides import check_count
from lib.errors import FaceswapError
from lib.extract.output import MARKER
from lib.training import distributed

logger = logging.getLogger(__name__)


def check(options: Namespace) -> None:
    """Refuse options that contradict each other.

    Parameters
    ----------
    options
        Of ``faceswap train``.

    Raises
    ------
    FaceswapError
    """
    if options.warp_to_landmarks and options.no_warp:
        raise FaceswapError("--warp-to-landmarks and --no-warp contradict: leave one out")
    is_one_of_several = options.distributed or distributed.is_launched()
    if options.find_learning_rate and is_one_of_several:
        raise FaceswapError("--find-learning-rate searches in one process: leave out -d")
    if options.stop_on_plateau and not options.holdout:
        raise FaceswapError(
            "--stop-on-plateau needs faces held out: add --holdout 0.1, or leave it out"
        )


def timelapse_folders(options: Namespace) -> dict[str, str] | None:
    """What the trainer takes a time-lapse from, and where to: input_a, input_b and output.

    None where no time-lapse is asked for.

    Parameters
    ----------
    options
        Of ``faceswap train``.

    Raises
    ------
    FaceswapError
        Some are given, not all, or they can't be used.
    """
    folders = {
        "input_a": options.timelapse_input_a,
        "input_b": options.timelapse_input_b,
        "output": options.timelapse_output,
    }
    if not any(folders.values()):
        return None
    if not all(folders.values()):
        raise FaceswapError(
            "a time-lapse needs all three of --timelapse-input-A, --timelapse-input-B and "
            "--timelapse-output"
        )
    for side in "ab":
        find_images(folders[f"input_{side}"])
    if Path(folders["output"]).exists() and not Path(folders["output"]).is_dir():
        raise FaceswapError(f"--timelapse-output '{folders['output']}' is a file: name a folder")
    return folders


def find_faces(options: Namespace) -> dict[str, list[str]]:
    """Full paths of the faces of each side.

    Parameters
    ----------
    options
        Of ``faceswap train``.

    Raises
    ------
    FaceswapError
        There are none, or too few.
    """
    folders = {"a": options.input_a, "b": options.input_b}
    if os.path.realpath(options.input_a) == os.path.realpath(options.input_b):
        logger.warning("-A and -B are the same folder: there is nobody to swap with")
    paths = {side: find_images(folder) for side, folder in folders.items()}
    for side, found in paths.items():
        check_count(side, len(found), "pictures", allow_few=options.allow_few)
        if Path(folders[side], MARKER).exists():
            logger.warning(
                "Side %s: faceswap extract has not ended in '%s': its --resume finds the others",
                *(side.upper(), folders[side]),
            )
    return paths
