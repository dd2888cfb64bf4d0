"""Shapes that several venues share."""
