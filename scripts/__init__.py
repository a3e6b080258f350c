"""Commands, one file each: they wire plugins to the engine and own signals and exit codes."""

import lib  # noqa: F401 - names PyTorch to Keras before a module here imports it
