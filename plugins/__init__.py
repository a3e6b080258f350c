"""What a user can swap: drop one file in and it appears on the command line."""
