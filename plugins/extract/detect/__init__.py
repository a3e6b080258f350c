"""Detectors: where in a frame faces are."""
