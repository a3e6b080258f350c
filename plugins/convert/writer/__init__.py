"""What the swapped frames are written to."""
