"""The notionals at which every report gives figures."""

NOTIONAL_GRID = (1e4, 1e5, 1e6, 1e7, 1e8)
"""Notionals, in USD, at which the document gives points."""


HEAT_NOTIONAL = 1e6
"""The notional of single-figure tables, in USD."""
