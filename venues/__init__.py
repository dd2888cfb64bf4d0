"""Reads published venue data into margin schedules; one adapter module per venue."""
