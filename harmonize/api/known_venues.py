"""Checks of venue names against the venues that the tool knows."""

from collections.abc import Iterable

from harmonize.text.suggest import did_you_mean, similar_name
from venues import registry


def known_venues() -> tuple[str, ...]:
    """Returns the names of the venues that the tool knows."""
    return tuple(adapter.venue for adapter in registry.VENUES)


def unknown_venue_error(names: Iterable[str]) -> str:
    """Returns the error line for the unknown venues, each with the one it resembles; or empty."""
    known = known_venues()
    unknown = list(dict.fromkeys(name for name in names if name not in known))
    if len(unknown) == 1:
        fix = did_you_mean(unknown[0], known, "see `harmonize venues` for the known ones")
        return f"unknown venue {unknown[0]}{fix}"
    if not unknown:
        return ""
    similar = ((name, similar_name(name, known)) for name in unknown)
    texts = (f"{name} (did you mean {own}?)" if own else name for name, own in similar)
    return f"unknown venues {', '.join(texts)}; see `harmonize venues` for the known ones"
