"""Plugins for training."""
