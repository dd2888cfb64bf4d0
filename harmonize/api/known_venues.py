"""Checks of venue names against the venues that the tool knows."""

from collections.abc import Iterable

from venues import registry


def unknown_venue_error(names: Iterable[str]) -> str:
    """Returns the error line for the first unknown venue, with all known ones; empty if none is."""
    known = [adapter.venue for adapter in registry.VENUES]
    unknown = next((name for name in names if name not in known), "")
    return f"unknown venue {unknown}; use one of {', '.join(known)}" if unknown else ""
