"""What the doctor finds."""

Finding = tuple[bool, str]
"""Whether something is in order, and a line about it."""
