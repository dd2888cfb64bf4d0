"""Cheapest split of a position over venues, and the arbitrage gap to a reference."""
