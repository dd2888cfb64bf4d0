"""Selects the snapshots of an archive whose payloads retention removes."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import pairwise

from harmonize.archive.catalog import Entry, observations
from harmonize.config.run_settings import RetentionSettings
from harmonize.core.payload import PRICES


def prunable(
    entries: Sequence[Entry], keep: RetentionSettings, changed: AbstractSet[str]
) -> tuple[Entry, ...]:
    """Returns the entries whose payloads are to be removed, by sequence.

    ``changed`` holds the digests of the snapshots in which something changed. Per venue, these stay:

    - the last snapshot of each of the newest ``daily`` days, ``weekly`` weeks and ``monthly`` months,
    - the newest snapshot,
    - every snapshot in ``changed``, and the snapshot before it,
    - the complete snapshot that each of those is based on.

    Candles stay: each snapshot of them holds other times.
    """
    removed: list[Entry] = []
    for venue in sorted({entry.venue for entry in entries} - {PRICES}):
        of_venue = [entry for entry in entries if entry.venue == venue and not entry.pruned]
        observed = [entry for entry in observations(entries, venue) if not entry.pruned]
        removed += _prunable_of_venue(sorted(of_venue, key=_order), observed, keep, changed)
    return tuple(sorted(removed, key=lambda entry: entry.sequence))


def _order(entry: Entry) -> tuple[datetime, int]:
    return entry.observed_at, entry.sequence


def _prunable_of_venue(
    by_clock: Sequence[Entry],
    observed: Sequence[Entry],
    keep: RetentionSettings,
    changed: AbstractSet[str],
) -> list[Entry]:
    """Returns the entries of one venue to remove.

    An audit reads ``by_clock``, the order of the recorded times. History reads ``observed``, the order
    of ``observations``. The remaining entries can be read by both.
    """
    good = [entry for entry in by_clock if not entry.failed]
    retained = {entry.digest for entry in (*good[-1:], *by_clock[-1:], *observed[-1:])}
    retained |= {entry.digest for entry in good if entry.digest in changed}
    retained |= {entry.digest for entry, after in pairwise(observed) if after.digest in changed}
    for count, period in ((keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
        retained |= _last_of_each(good, period, count)
    while more := (_bases(good, retained) | _bases(observed, retained)) - retained:
        retained |= more
    return [entry for entry in by_clock if entry.digest not in retained]


def _last_of_each(
    entries: Iterable[Entry], period: Callable[[Entry], object], count: int
) -> set[str]:
    """Returns the last entry of each of the newest ``count`` periods with an entry."""
    last = {period(entry): entry.digest for entry in entries}
    return set(list(last.values())[-count:]) if count else set()


def _bases(good: Iterable[Entry], retained: AbstractSet[str]) -> set[str]:
    """Returns the entries that the retained partial ones are based on, down to a complete one."""
    bases: set[str] = set()
    stack: list[str] = []
    for entry in good:
        stack = [entry.digest] if entry.complete else [*stack, entry.digest]
        if entry.digest in retained:
            bases |= {*stack}
    return bases


def _day(entry: Entry) -> object:
    return entry.observed_at.date()


def _week(entry: Entry) -> object:
    return entry.observed_at.isocalendar()[:2]


def _month(entry: Entry) -> object:
    return entry.observed_at.year, entry.observed_at.month
