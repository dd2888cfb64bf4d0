"""Prices as values: series of candles, their cards, returns, and reading them from files and archives."""
