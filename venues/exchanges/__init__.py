"""Venue adapters, one module per venue."""
