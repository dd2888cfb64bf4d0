"""Addresses of daily thresholds: one page on all underlyings, and one per underlying."""

from reports.site.addresses import underlying_slug

THRESHOLDS_PATH = "thresholds.html"
"""Path of the page on all underlyings."""


def thresholds_path(underlying: str) -> str:
    """Returns the path of the page of one underlying, from the folder of the site."""
    return f"thresholds/{underlying_slug(underlying)}.html"
