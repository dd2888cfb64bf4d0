"""Selects and sorts changes: by kind, by size, by time, by venue."""

from collections.abc import Iterable
from enum import StrEnum
from math import inf, log1p

from harmonize.document.change import Change, ChangeKind


class ChangeOrder(StrEnum):
    """Order of changes: by venue and symbol, the largest first, or the earliest first."""

    VENUE = "venue"
    LARGEST = "largest"
    TIME = "time"


def relative_size(change: Change) -> float:
    """Returns the size of a change: the largest ``|ln(after / before)|`` of its margins.

    A doubled and a halved margin are equally large. A change without two known margins has size 0,
    one to or from a margin of zero is infinite.
    """
    sizes = [
        abs(log1p(share)) if -1.0 < share < inf else inf
        for margin in change.moved
        for share in (margin.largest_rise, margin.largest_fall)
        if share is not None
    ]
    return max(sizes, default=0.0)


def of_kinds(changes: Iterable[Change], kinds: Iterable[ChangeKind]) -> tuple[Change, ...]:
    """Returns the changes of the given kinds; without kinds, all."""
    selected = frozenset(kinds)
    return tuple(change for change in changes if not selected or change.kind in selected)


def in_order(changes: Iterable[Change], order: ChangeOrder) -> tuple[Change, ...]:
    """Returns the changes in an order; equal ones by venue, symbol, profile and time."""
    by_name = sorted(changes, key=_name)
    if order is ChangeOrder.LARGEST:
        return tuple(sorted(by_name, key=lambda change: -relative_size(change)))
    if order is ChangeOrder.TIME:
        return tuple(sorted(by_name, key=_time))
    return tuple(by_name)


def _time(change: Change) -> str:
    """Returns when a change was observed; a removed schedule has only its last observation."""
    return change.after or change.before


def _name(change: Change) -> tuple[str, str, str, str]:
    return change.venue, change.symbol, change.profile, _time(change)
