"""Schedules against references and against one another."""
