"""Commands, one file each: they wire plugins to the engine and own signals and exit codes."""
