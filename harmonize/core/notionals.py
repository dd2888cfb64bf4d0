"""Notionals at which every report evaluates margins."""

NOTIONAL_GRID = (1e4, 1e5, 1e6, 1e7, 1e8)
"""Notionals, in USD, at which the audit document evaluates margins."""


HEAT_NOTIONAL = 1e6
"""Notional, in USD, of tables with one number per venue."""
