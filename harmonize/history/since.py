"""The first observation of the margin that applies: how long it has been the same at one notional."""

from collections.abc import Sequence

from harmonize.document.change import ChangeKind
from harmonize.document.history import MarginSince
from harmonize.history.queries import margin_of, of_one_asset
from harmonize.history.table_rows import ScheduleRow
from harmonize.text.messages import iso_utc

_TOLERANCE = 1e-9
"""Relative difference up to which two margins are the same."""

_NOT_SEEN = frozenset({ChangeKind.UNREAD.value, ChangeKind.LEFT_OUT.value})
"""Kinds of rows that tell nothing of the margin: neither another one, nor the end of it."""

_BEGINNINGS = frozenset({ChangeKind.LISTED.value, ChangeKind.ANOTHER_ASSET.value})
"""Kinds of rows before which the contract is known not to have been listed on its asset."""


def own_observation(observed_at: str, observed_from: str, date_kind: str) -> MarginSince:
    """Returns the date of a margin of which no earlier observation is known: its own, as a bound."""
    return MarginSince(observed_at, observed_from, date_kind, is_bound=True)


def margin_since(
    rows: Sequence[ScheduleRow], margin_type: str, notional: float, margin: float
) -> MarginSince | None:
    """Returns since when a schedule has had a margin at a notional; both in USD.

    ``rows`` are the schedule's in chronological order. None if the last of them has another margin:
    a price alone moved it since, which makes no row.
    """
    first: ScheduleRow | None = None
    is_bound = True
    for row in reversed(of_one_asset(rows)):
        if row.kind in _NOT_SEEN:
            continue
        earlier = margin_of(row, margin_type, notional)
        if earlier is None or abs(earlier - margin) > _TOLERANCE * max(earlier, margin):
            is_bound = False
            break
        first = row
    if first is None:
        return None
    return MarginSince(
        iso_utc(first.observed_at),
        first.precision.earliest_text(first.observed_at),
        first.date_kind,
        is_bound and first.kind not in _BEGINNINGS,
    )
