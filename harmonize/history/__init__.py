"""Margins over time: changes, derived tables, queries and procyclicality measures."""
