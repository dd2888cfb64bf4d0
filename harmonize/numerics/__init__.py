"""Exact evaluation of margin functions: panels, segments, crossings, deviations."""
