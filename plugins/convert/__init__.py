"""Plugins of the way back: colour, mask, scaling and writer."""
