"""Converts published rows, rates and formulas into margin schedules in USD."""
