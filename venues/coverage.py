"""The venues as a table: what is asked of each, and by which calls."""

from venues.adapter import Purpose, VenueAdapter
from venues.registry import VENUES

_HEADINGS = ("venue", "name", "margin from", "access", "calls")


def rows() -> list[tuple[str, ...]]:
    """One row a margin endpoint, by venue."""
    return [row for adapter in VENUES for row in _rows(adapter)]


def text() -> str:
    """Write the table with aligned columns."""
    table = [_HEADINGS, *rows()]
    widths = [max(len(row[place]) for row in table) for place in range(len(_HEADINGS))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in table
    )


def _rows(adapter: VenueAdapter) -> list[tuple[str, ...]]:
    return [
        (adapter.venue, adapter.title, one.request, one.access.value, one.calls.value)
        for one in adapter.endpoints
        if one.purpose is Purpose.MARGIN
    ]
