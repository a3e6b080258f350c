"""Aligners: the 68 landmarks of a face that was found."""
