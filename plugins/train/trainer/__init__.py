"""Trainer plugins, one file each."""
