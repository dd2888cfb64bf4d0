"""Which venues a chart names, and the style of each venue: one rule for all pages."""

from collections import Counter
from collections.abc import Iterable, Mapping

from reports.lookup import Lookup


def venue_styles(lookup: Lookup, venues: Iterable[str]) -> Mapping[str, int]:
    """Returns the style number of each venue, the same in all charts of a report.

    Venues with many underlyings come first: they share charts, and the first seven styles differ in
    colour.
    """
    counts = Counter(venue for venue, _ in lookup.coverage)
    ordered = sorted(venues, key=lambda venue: (-counts[venue], venue))
    return {venue: number for number, venue in enumerate(ordered)}


def venues_to_name(
    compared: Iterable[tuple[float, str]], venues: Iterable[str], limit: int
) -> frozenset[str]:
    """Returns the venues that a chart of margins names: the lowest and the highest that figures include.

    ``compared`` are the margins of the included venues with their names. If they are fewer than
    ``limit``, other ``venues`` fill the place.
    """
    limit = max(limit, 0)  # references alone may take every place
    ordered = [venue for _, venue in sorted(compared)]
    if len(ordered) < limit:
        others = [venue for venue in venues if venue not in ordered]
        return frozenset([*ordered, *others][:limit])
    lowest = limit // 2
    return frozenset([*ordered[:lowest], *ordered[len(ordered) - (limit - lowest) :]])
