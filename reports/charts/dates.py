"""Moments on an axis of time: days since 1970, and round dates on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

_MOST_TICKS = 7
_DAYS, _MONTHS = (1, 2, 7, 14), (1, 2, 3, 6, 12, 24, 60, 120, 240)
_MONDAY = 4.0  # 1970-01-05
_YEAR = 12
_DAY = 86_400.0
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Tick:
    """A round date: where it stands, what it is called, and its year where that is news."""

    at: float
    label: str
    year: str


def moment(written: str) -> float:
    """Read ISO 8601 as days since 1970 in UTC, without an offset too. Raises ValueError."""
    read = datetime.fromisoformat(written)
    aware = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    return aware.timestamp() / _DAY


def day_of(at: float) -> date:
    """Give the day in UTC."""
    return datetime.fromtimestamp(at * _DAY, UTC).date()


def dates(first: float, last: float) -> tuple[Tick, ...]:
    """Give round dates from `first` to `last`, at most seven, in the finest step that allows it."""
    for step in _DAYS:
        if (last - first) / step < _MOST_TICKS:
            return _named([(at, _day(at)) for at in _days(first, last, step)])
    for step in _MONTHS:
        found = list(_months(first, last, step))
        if len(found) <= _MOST_TICKS:
            break
    if step >= _YEAR:
        return tuple(Tick(at, f"{day_of(at).year}", "") for at in found)
    return _named([(at, _NAMES[day_of(at).month - 1]) for at in found])


def _days(first: float, last: float, step: int) -> Iterator[float]:
    start = _MONDAY if step % 7 == 0 else 0.0
    at = start + -((start - first) // step) * step  # the least multiple that is not before
    while at <= last:
        yield at
        at += step


def _months(first: float, last: float, step: int) -> Iterator[float]:
    begun = day_of(first)
    month = begun.year * _YEAR + begun.month - 1
    month -= month % step
    while (at := float(date(month // _YEAR, month % _YEAR + 1, 1).toordinal() - _ORIGIN)) <= last:
        if at >= first:
            yield at
        month += step


_ORIGIN = date(1970, 1, 1).toordinal()


def _day(at: float) -> str:
    day = day_of(at)
    return f"{day.day}\N{NO-BREAK SPACE}{_NAMES[day.month - 1]}"


def _named(found: list[tuple[float, str]]) -> tuple[Tick, ...]:
    """Say the year at the first, and where it changes."""
    years = [str(day_of(at).year) for at, _ in found]
    return tuple(
        Tick(at, label, "" if place and years[place - 1] == year else year)
        for place, ((at, label), year) in enumerate(zip(found, years, strict=True))
    )
