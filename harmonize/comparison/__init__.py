"""Comparison of margin schedules with references and across venues."""
