"""From folders of faces to batches."""
