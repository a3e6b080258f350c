"""Loops over the pixels of a face, compiled by Numba; its cache keeps the machine code.

Others get them from `lib.data.compile`: to import them here takes half a second.
"""
