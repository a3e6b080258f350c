"""Plugins that find faces and their landmarks."""
