"""Saving, loading, backups and snapshots."""
