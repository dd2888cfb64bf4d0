"""Counts venues that share an order book and a margin table once: they are one market."""

from collections.abc import Sequence
from dataclasses import replace

from harmonize.comparison.peers import exclusion_reason
from harmonize.core.schedule import MarginFunction, MarginSchedule, value_of

_Key = tuple[str, str, str, MarginFunction | None, MarginFunction | None]


def with_shared_books(schedules: Sequence[MarginSchedule]) -> tuple[MarginSchedule, ...]:
    """Returns schedules in their order; those that another venue counts for name that venue.

    Schedules of one order book with equal margins count once, at the venue that was observed last,
    of several the first by name. Where the margins differ, each venue counts. Schedules that are
    excluded for another reason count for none: their doubts and ends must be judged before.
    """
    sharing = {
        row: (schedule, _key(schedule))
        for row, schedule in enumerate(schedules)
        if schedule.instrument.order_book and not exclusion_reason(schedule)
    }
    counted: dict[_Key, MarginSchedule] = {}
    for schedule, key in sharing.values():
        counted[key] = min((counted.get(key, schedule), schedule), key=_precedence)
    result = list(schedules)
    for row, (schedule, key) in sharing.items():
        venue = counted[key].instrument.venue
        if venue != schedule.instrument.venue:
            result[row] = replace(schedule, counted_with=venue)
    return tuple(result)


def _key(schedule: MarginSchedule) -> _Key:
    instrument = schedule.instrument
    return (
        instrument.order_book,
        instrument.symbol,
        str(schedule.profile),
        value_of(schedule.initial),
        value_of(schedule.maintenance),
    )


def _precedence(schedule: MarginSchedule) -> tuple[float, str]:
    return -schedule.observed_at.timestamp(), schedule.instrument.venue
