"""Addresses of what a fall liquidates: one page on all underlyings, and one per further underlying."""

from reports.site.addresses import underlying_slug

STRESS_PATH = "stress.html"
"""Path of the page on all underlyings."""


def stress_path(underlying: str) -> str:
    """Returns the path of the page of one underlying, from the folder of the site."""
    return f"stress/{underlying_slug(underlying)}.html"
