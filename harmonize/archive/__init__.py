"""The append-only archive of what venues sent."""
