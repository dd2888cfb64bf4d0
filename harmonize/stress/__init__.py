"""Stress: which positions a fall liquidates, what their sales move, and what rules change."""
