"""Set-up of the program's log."""

import logging

from lib.errors import FaceswapError

PACKAGES = ("faceswap", "scripts", "plugins", "lib", "faceswap_user_plugins")


def configure(level: str, logfile: str | None, handler: logging.Handler) -> None:
    """Send the program's log to `handler`, and to a file where one is named.

    Parameters
    ----------
    level
        One of `lib.logs.levels.LEVELS`; other packages are heard from WARNING up.
    logfile
        Path of a file to append to.
    handler
        Where messages for the user go.

    Raises
    ------
    FaceswapError
        The log file can't be opened.
    """
    handlers = [handler, *([_file_handler(logfile)] if logfile else [])]
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    for package in PACKAGES:
        logging.getLogger(package).setLevel(level)


def _file_handler(logfile: str) -> logging.Handler:
    try:
        handler = logging.FileHandler(logfile, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise FaceswapError(
            f"log file '{logfile}' can't be opened ({error.strerror}): name another with -LF"
        ) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler
