"""Set-up of the program's log."""

import logging
import sys
from contextlib import suppress

from lib.errors import FaceswapError

logger = logging.getLogger(__name__)

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


class LogFile(logging.FileHandler):
    """A log file. One that can't be written to is warned of once; the program goes on."""

    _has_failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if not self._has_failed:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Warn of a disk that fails; another failure is reported as `logging` does."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self._has_failed = True
        with suppress(OSError):
            self.close()
        logger.warning(
            "Log file '%s' is no longer written to: %s", self.baseFilename, error.strerror or error
        )


def _file_handler(logfile: str) -> logging.Handler:
    try:
        handler = LogFile(logfile, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise FaceswapError(
            f"log file '{logfile}' can't be opened ({error.strerror}): name another with -LF"
        ) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler
