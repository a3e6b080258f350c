"""Model plugins, one file each."""
