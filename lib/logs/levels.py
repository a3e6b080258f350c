"""Levels of the program's log."""

import logging

VERBOSE = 15
"""Between INFO and DEBUG: what a curious user wants to see."""
logging.addLevelName(VERBOSE, "VERBOSE")

LEVELS = ("WARNING", "INFO", "VERBOSE", "DEBUG")
"""Levels that the command line offers."""
