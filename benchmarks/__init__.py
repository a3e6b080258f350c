"""Speed, as ratios of two things timed in turn in one process; see README.md."""

import lib  # noqa: F401 - names PyTorch to Keras before it is imported
