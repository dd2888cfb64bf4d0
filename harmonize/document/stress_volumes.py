"""Whether the volumes behind the impact on underlyings are on equal terms, in a sentence."""

from collections.abc import Sequence

from harmonize.document.stress import StressRow
from harmonize.text.messages import counted
from harmonize.text.words import join_words

_GIVEN_IMPACT = "impact"
"""Assumption of a stress whose impact was given, which needs no volume."""


def volume_sentence(rows: Sequence[StressRow]) -> str:
    """Returns that the volumes of underlyings count different venues; empty if they count the same."""
    by_venues: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if row.market.daily_volume is not None and not _has_given_impact(row):
            by_venues.setdefault(row.market.volume_venues, []).append(row.underlying)
    if len(by_venues) < 2:  # noqa: PLR2004 - two to differ
        return ""
    ordered = sorted(by_venues.items(), key=lambda item: (len(item[0]), item[1]))
    parts = [
        f"that of {join_words(names)} is of {counted(len(venues), 'venue')} ({join_words(venues)})"
        for venues, names in ordered
    ]
    fewest, most = len(ordered[0][0]), len(ordered[-1][0])
    overstated = (
        " Impact is overstated where fewer venues are counted, against the other underlyings."
        if fewest < most
        else ""
    )
    return f"Volume is not on equal terms: {join_words(parts)}.{overstated}"


def _has_given_impact(row: StressRow) -> bool:
    return any(own.name == _GIVEN_IMPACT for own in row.defaults)
