"""``python -m faceswap``."""

import sys

from faceswap.cli import main

if __name__ == "__main__":
    sys.exit(main())
