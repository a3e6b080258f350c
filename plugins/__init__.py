"""What a user can swap: drop one file in and it appears on the command line."""

import lib  # noqa: F401 - names PyTorch to Keras before a module here imports it
