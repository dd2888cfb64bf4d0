"""Which snapshots of an archive may lose their payloads: all but some of each day, week and month."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import pairwise

from harmonize.archive.catalog import Entry, observations
from harmonize.config.run_settings import Keep


def dropped(entries: Sequence[Entry], keep: Keep, changed: AbstractSet[str]) -> tuple[Entry, ...]:
    """The entries whose payloads go, in their order.

    Of every venue the last snapshot of each of the newest ``daily`` days, ``weekly`` weeks and
    ``monthly`` months that have one stays. So do the newest, those in which something changed
    (``changed`` holds their digests) and those before them, and the complete one that each rests on.
    """
    gone: list[Entry] = []
    for venue in sorted({one.venue for one in entries}):
        own = [one for one in entries if one.venue == venue and not one.pruned]
        in_time = [one for one in observations(entries, venue) if not one.pruned]
        gone += _dropped(sorted(own, key=_order), in_time, keep, changed)
    return tuple(sorted(gone, key=lambda one: one.sequence))


def _order(entry: Entry) -> tuple[datetime, int]:
    return entry.observed_at, entry.sequence


def _dropped(
    own: Sequence[Entry], in_time: Sequence[Entry], keep: Keep, changed: AbstractSet[str]
) -> list[Entry]:
    """Those of one venue, which are in order of what the clock said; ``in_time`` as ``due`` has them.

    An audit goes by the clock and history by ``due``: what is kept can be read by both.
    """
    good = [one for one in own if not one.failed]
    kept = {one.digest for one in (*good[-1:], *own[-1:], *in_time[-1:])}
    kept |= {one.digest for one in good if one.digest in changed}
    kept |= {one.digest for one, after in pairwise(in_time) if after.digest in changed}
    for count, period in ((keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
        kept |= _last_of_each(good, period, count)
    while more := (_rested_on(good, kept) | _rested_on(in_time, kept)) - kept:
        kept |= more
    return [one for one in own if one.digest not in kept]


def _last_of_each(
    entries: Iterable[Entry], period: Callable[[Entry], object], count: int
) -> set[str]:
    """The last entry of each of the newest ``count`` periods that have one."""
    last = {period(one): one.digest for one in entries}
    return set(list(last.values())[-count:]) if count else set()


def _rested_on(good: Iterable[Entry], kept: AbstractSet[str]) -> set[str]:
    """For every kept entry that is not complete, what it rests on: all down to a complete one."""
    found: set[str] = set()
    below: list[str] = []
    for one in good:
        below = [one.digest] if one.complete else [*below, one.digest]
        if one.digest in kept:
            found |= {*below}
    return found


def _day(entry: Entry) -> object:
    return entry.observed_at.date()


def _week(entry: Entry) -> object:
    return entry.observed_at.isocalendar()[:2]


def _month(entry: Entry) -> object:
    return entry.observed_at.year, entry.observed_at.month
