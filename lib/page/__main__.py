"""The page as a child of a run: ``python -m lib.page``, with its settings as JSON on a line.

It prints its address, as JSON on a line, when it serves, and ends when its standard input does:
with the run, in whatever way that ends.
"""

import json
import logging
import os
import sys
import threading

from lib.errors import FaceswapError
from lib.page.server import PageServer
from lib.page.settings import Settings

NICENESS = 10


def main() -> None:
    """Serve until the parent is gone."""
    logging.basicConfig(level=logging.WARNING)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        server = PageServer(Settings(**json.loads(sys.stdin.readline())))
    except FaceswapError as error:
        _tell({"error": str(error)})
        raise SystemExit(1) from None
    threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    server.run(lambda: _tell({"url": server.url}))


def _tell(what: dict[str, str]) -> None:
    print(json.dumps(what), flush=True)


def _end_with_parent(server: PageServer) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    server.end()


if __name__ == "__main__":
    main()
