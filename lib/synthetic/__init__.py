"""Rendered portraits of known identity, pose, expression and light."""
