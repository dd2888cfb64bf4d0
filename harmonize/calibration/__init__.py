"""Calibration of rule sets from prices: measured inputs, classes, tiers, and the review of the last version."""
