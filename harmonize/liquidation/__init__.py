"""Liquidation price of isolated positions, and its distance from entry per venue."""
