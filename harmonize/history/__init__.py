"""Margins over time: changes, tables, measures."""
