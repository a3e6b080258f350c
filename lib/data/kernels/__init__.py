"""Loops over the pixels of a face, compiled by Numba; its cache keeps the machine code."""
