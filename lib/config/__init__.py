"""Typed options, and the train.ini file they are kept in."""
