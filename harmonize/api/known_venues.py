"""Checks of venue names against the venues that the tool knows."""

from collections.abc import Iterable

from harmonize.text.suggest import did_you_mean
from venues import registry


def unknown_venue_error(names: Iterable[str]) -> str:
    """Returns the error line for the unknown venues, each with the one it resembles; or empty."""
    known = [adapter.venue for adapter in registry.VENUES]
    fallback = "see `harmonize venues` for the known ones"
    unknown = dict.fromkeys(name for name in names if name not in known)
    return ", ".join(
        f"unknown venue {name}{did_you_mean(name, known, fallback)}" for name in unknown
    )
