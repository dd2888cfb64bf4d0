"""Margin thresholds that move with the market: walk-forward models, their scores and their signals."""
