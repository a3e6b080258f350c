"""Geometry of an aligned face, its landmark masks and the PNG header that carries them."""
