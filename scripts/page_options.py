"""Options of the page command."""

import argparse

from scripts.options import whole


def add_page(parser: argparse.ArgumentParser) -> None:
    """Options of the page command."""
    parser.epilog = "It ends with Ctrl-C; the run goes on."
    parser.add_argument(
        "-m", "--model-dir", required=True, metavar="DIR", help="folder of the model"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="HOST",
        help="where it can be reached (default: 127.0.0.1, from this machine alone)",
    )
    parser.add_argument(
        "--port",
        type=whole(1, 65535),
        default=8765,
        metavar="N",
        help="its port; where it is taken, the next free one (default: 8765)",
    )
    parser.add_argument("--read-only", action="store_true", help="it shows, and steers nothing")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
