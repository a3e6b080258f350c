"""What all commands have in common: their options, and where their messages go."""

from argparse import Namespace

from lib.logs.console import ConsoleLine, LineAwareHandler
from lib.logs.setup import configure


class Command:
    """A command of the program.

    Parameters
    ----------
    arguments : argparse.Namespace
        The command's options.
    """

    def __init__(self, arguments: Namespace) -> None:
        self._args = arguments

    def log(self, console: ConsoleLine | None = None, level: str | None = None) -> None:
        """Send messages to the user, and to the log file if there is one.

        Parameters
        ----------
        console
            Where the user reads them; None for a line of its own.
        level
            From which on; None for the one that the user wants.
        """
        handler = LineAwareHandler(console or ConsoleLine())
        configure(level or self._args.loglevel, self._args.logfile, handler)
