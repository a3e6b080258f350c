"""Speed, as ratios of two things timed in turn in one process; see README.md."""
