"""The ``faceswap`` command: from options to the command in ``scripts``, and to an exit code."""

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from faceswap import __version__
from lib.errors import FaceswapError, ToldElsewhereError
from lib.gpus import exclude, take_own
from lib.logs.terminal import is_terminal, size, wrapped
from lib.printable import printable
from scripts.arguments import make_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments; None for those of the process.

    Returns
    -------
    int
        Exit code: 0 done, 1 a mistake that is named in one line, 2 wrong usage, 3 training
        diverged, 4 the last save failed, 130 interrupted.
    """
    arguments: argparse.Namespace | None = None
    _fill_streams()
    try:
        arguments = make_parser(__version__).parse_args(argv)
        exclude(arguments.exclude_gpus)
        take_own()
        script = importlib.import_module(f"scripts.{arguments.command}")
        getattr(script, arguments.command.title())(arguments).process()
    except ToldElsewhereError as error:
        return error.exit_code
    except FaceswapError as error:
        _complain(str(error), arguments)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has gone; keep Python from complaining once more as it leaves.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        _complain("interrupted", arguments)
        return 130
    except MemoryError:
        _complain("out of memory: end other programs, or use smaller models and batches", arguments)
        return 1
    except OSError as error:
        what = f" ('{error.filename}')" if error.filename else ""
        _complain(f"the system says: {error.strerror or error}{what}", arguments)
        return 1
    except Exception as error:
        hint = "please report it with the traceback that -L DEBUG shows"
        _complain(f"unexpected {type(error).__name__}: {error} ({hint})", arguments)
        return 1
    return 0


def _fill_streams() -> None:
    """Open what was closed of standard input, output and error, to nowhere.

    Else the next file that is opened would take the place, and what is printed would go into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _complain(message: str, arguments: argparse.Namespace | None) -> None:
    if getattr(arguments, "loglevel", "INFO") == "DEBUG":
        traceback.print_exc()
    line = f"faceswap: error: {printable(' '.join(message.splitlines()))}"
    print(wrapped(line, size()[0]) if is_terminal(sys.stderr) else line, file=sys.stderr)
