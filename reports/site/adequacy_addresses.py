"""Addresses of verdicts on margins: a page per underlying, and an anchor per verdict."""

from harmonize.document import AdequacyRow
from reports.site.addresses import (
    id_slug,
    schedule_anchor,
    symbol_slug,
    underlying_path,
    underlying_slug,
)

ADEQUACY_PATH = "adequacy.html"
"""Path of the page on all underlyings."""


def adequacy_path(underlying: str) -> str:
    """Returns the path of the page of verdicts on one underlying, from the folder of the site."""
    return f"adequacy/{underlying_slug(underlying)}.html"


def size_path(underlying: str, size: float) -> str:
    """Returns the path of the verdicts on one underlying at another size than that of its page."""
    return f"adequacy/{underlying_slug(underlying)}-at-{_size_slug(size)}.html"


def history_path(underlying: str) -> str:
    """Returns the path of the breaches over time on one underlying."""
    return f"adequacy/{underlying_slug(underlying)}-history.html"


def verdict_anchor(row: AdequacyRow) -> str:
    """Returns the anchor of a verdict: ``verdict-okx-btc-usdt-usdt-isolated-long-1000000``."""
    parts = (id_slug(row.venue), symbol_slug(row.symbol), id_slug(row.profile), id_slug(row.side))
    return f"verdict-{'-'.join(parts)}-{_size_slug(row.notional)}"


def verdict_address(row: AdequacyRow, shown: float) -> str:
    """Returns the permalink of a verdict with its breaches, from the folder of the site.

    ``shown`` is the size on the page of the underlying itself, where a verdict is stated in full.
    """
    anchor = verdict_anchor(row)
    if row.notional != shown:
        return f"{size_path(row.underlying, row.notional)}#{anchor}"
    return f"{adequacy_path(row.underlying)}#detail-{anchor}"


def tier_address(row: AdequacyRow) -> str:
    """Returns the address of the tiers and evidence of a verdict's schedule, from the folder."""
    return (
        f"{underlying_path(row.underlying)}#{schedule_anchor(row.venue, row.symbol, row.profile)}"
    )


def _size_slug(size: float) -> str:
    return f"{size:.15g}".replace(".", "-").replace("+", "")
