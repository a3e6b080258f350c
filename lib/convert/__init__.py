"""A predicted face laid back into its frame."""
