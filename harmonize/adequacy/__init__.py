"""Measures of risk and tests of margin against price moves: pure functions on arrays of losses."""
