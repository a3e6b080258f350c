"""Faces in frames: found, followed over time and cut out."""
