"""Pictures and videos: read frame by frame, written with their sound, times and marks."""
