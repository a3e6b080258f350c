"""How the documentation is built: ``sphinx-build -W --keep-going -b html docs build/docs``."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
os.environ.setdefault("KERAS_BACKEND", "torch")

from faceswap import __version__  # noqa: E402

project = "faceswap-train"
author = "the authors of faceswap-train"
copyright = "Apache-2.0"
release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinxarg.ext",
    "ini_options",
    "outward_links",
]
# conformance.md is a table for those who work on the program, read in the source tree.
exclude_patterns = ["_ext", "conformance.md"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"faceswap-train {release}"
html_copy_source = False


def setup(app):
    """Read the page of the commands anew at every build: its own text seldom changes."""
    app.connect("env-get-outdated", lambda *_: ["reference/commands"])
