"""Liquidation prices of isolated positions."""
