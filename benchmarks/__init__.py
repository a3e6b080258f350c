"""What training costs, where one can as ratios of two things timed in turn; see README.md."""

import lib  # noqa: F401 - names PyTorch to Keras before it is imported
