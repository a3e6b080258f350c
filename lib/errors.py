"""The one exception that a user is meant to read."""


class FaceswapError(Exception):
    """A mistake that the user can mend.

    The message is one line: what is wrong, where, and what to do about it. Commands print it
    without a traceback and leave with exit code 1.
    """
