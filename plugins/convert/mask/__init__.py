"""Which part of a face is swapped."""
