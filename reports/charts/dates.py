"""Time axis: times as days since 1970-01-01 UTC, and round dates as ticks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from harmonize.text.numbers import MONTHS, parse_utc

_MOST_TICKS = 7
_DAYS, _MONTHS = (1, 2, 7, 14), (1, 2, 3, 6, 12, 24, 60, 120, 240)
_MONDAY = 4.0  # 1970-01-05
_YEAR = 12
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class DateTick:
    """Round date on an axis: its day number, label, and the year at the first tick of a year."""

    at: float
    label: str
    year: str


def day_number(iso_time: str) -> float:
    """Converts ISO 8601 to days since 1970-01-01 UTC; no offset means UTC. Raises ValueError."""
    return parse_utc(iso_time).timestamp() / _DAY


def date_of(at: float) -> date:
    """Returns the UTC date of a day number."""
    return datetime.fromtimestamp(at * _DAY, UTC).date()


def date_ticks(first: float, last: float) -> tuple[DateTick, ...]:
    """Returns at most seven round dates from `first` to `last`, in the finest possible step."""
    for step in _DAYS:
        if (last - first) / step < _MOST_TICKS:
            return _ticks_with_years([(at, _day_label(at)) for at in _day_steps(first, last, step)])
    for step in _MONTHS:
        month_starts = list(_month_steps(first, last, step))
        if len(month_starts) <= _MOST_TICKS:
            break
    if step >= _YEAR:
        return tuple(DateTick(at, f"{date_of(at).year}", "") for at in month_starts)
    return _ticks_with_years([(at, MONTHS[date_of(at).month - 1]) for at in month_starts])


def _day_steps(first: float, last: float, step: int) -> Iterator[float]:
    start = _MONDAY if step % 7 == 0 else 0.0
    at = start + -((start - first) // step) * step  # first multiple not before the start
    while at <= last:
        yield at
        at += step


def _month_steps(first: float, last: float, step: int) -> Iterator[float]:
    start_date = date_of(first)
    month = start_date.year * _YEAR + start_date.month - 1
    month -= month % step
    while (at := float(date(month // _YEAR, month % _YEAR + 1, 1).toordinal() - _ORIGIN)) <= last:
        if at >= first:
            yield at
        month += step


_ORIGIN = date(1970, 1, 1).toordinal()


def _day_label(at: float) -> str:
    day = date_of(at)
    return f"{day.day}\N{NO-BREAK SPACE}{MONTHS[day.month - 1]}"


def _ticks_with_years(labels: list[tuple[float, str]]) -> tuple[DateTick, ...]:
    """Labels ticks, with the year at the first tick and at each change of year."""
    years = [str(date_of(at).year) for at, _ in labels]
    return tuple(
        DateTick(at, label, "" if index and years[index - 1] == year else year)
        for index, ((at, label), year) in enumerate(zip(labels, years, strict=True))
    )
