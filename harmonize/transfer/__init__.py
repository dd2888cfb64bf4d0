"""Snapshots into and out of an archive."""
