"""Errors that a user is meant to read."""


class FaceswapError(Exception):
    """A mistake that the user can mend.

    The message is one line: what is wrong, where, and what to do about it. Commands print it
    without a traceback and leave with its exit code.
    """

    exit_code = 1
    """What the command leaves with."""


class ToldElsewhereError(FaceswapError):
    """Another process of this run has told the user what is wrong; this one leaves in silence."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("see what the first process of this run says")
        self.exit_code = exit_code


class DivergedError(FaceswapError):
    """Training broke down, and going back and learning more slowly did not help."""

    exit_code = 3


class LastSaveError(FaceswapError):
    """The save at the end of a run failed, so what was trained since the one before is lost."""

    exit_code = 4
