"""Which graphics cards the program may use."""

import os
from collections.abc import Sequence

from lib.errors import FaceswapError

_VARIABLE = "CUDA_VISIBLE_DEVICES"
_DONE = "FACESWAP_GPUS_EXCLUDED"
"""Set for the processes that this one starts with the same words: they must not exclude again."""


def exclude(excluded: Sequence[int]) -> None:
    """Hide graphics cards from everything that is started after this.

    CUDA reads which cards it may see once, so this comes before the first use of a card.

    Parameters
    ----------
    excluded
        Numbers of the cards, counted from 0 among those that the environment variable
        ``CUDA_VISIBLE_DEVICES`` leaves visible. With none left, the CPU computes.

    Raises
    ------
    FaceswapError
        There is no card of such a number.
    """
    if not excluded or _DONE in os.environ:
        return
    import torch  # only here: nothing else needs it before a command does

    there = range(torch.cuda.device_count())
    for number in excluded:
        if number not in there:
            found = f"they are numbered 0 to {there[-1]}" if there else "no GPU is to be seen"
            raise FaceswapError(f"--exclude-gpus {number}: there is no such GPU, {found}")
    named = [name for name in os.environ.get(_VARIABLE, "").split(",") if name]
    names = named or [str(number) for number in there]
    left = [names[number] for number in there if number not in excluded]
    os.environ[_VARIABLE] = ",".join(left) or "-1"
    os.environ[_DONE] = "1"


def take_own() -> None:
    """Take one card for this process, where ``torchrun`` started one for each.

    Keras reads the name of its device when it is imported, so this comes before that. A thread
    begins with the first card whatever others compute on, so each that touches tensors calls this
    before.
    """
    own = os.environ.get("LOCAL_RANK")
    if own is None:
        return
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(int(own))
        os.environ["KERAS_TORCH_DEVICE"] = f"cuda:{own}"
