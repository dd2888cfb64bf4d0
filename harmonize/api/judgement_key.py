"""Keys of the rows on one underlying that are equal only if all judgements about them are.

Judgements on identity compare times and prices with one another: an observation with another one or
with the end of its date span, a price with another one or with a multiple of it. Which of two is larger
decides, not by how much. Rows of two nights with the same order are therefore judged alike.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import combinations

from harmonize.comparison.listing import DATE_SPAN, PRICE_RATIO, PRICE_WINDOW
from harmonize.core.date_precision import DateKind
from harmonize.history.compared_rows import ComparedRow

_ROUNDING = 1e-9
"""Relative distance of a ratio of prices from the limit within which rounding may decide."""

Key = tuple[object, ...]

_Ends = tuple[datetime | None, datetime]
"""Earliest possible time, None without a bound, and the latest one."""


def judgement_key(rows: Sequence[ComparedRow], groups: Sequence[str]) -> Key:
    """Returns a key of the times and prices of rows.

    ``groups`` are the rows whose order in time matters even if all are on one asset: those of a
    venue, or of venues with a shared order book.
    """
    prices = _price_key([row for row in rows if row.price])
    if _is_plain(rows) and prices == _AGREE:
        return ("one asset", _ranks([row.observed_at for row in rows], groups))
    return (_order_of_times(rows), tuple(row.price != "" for row in rows), prices)


def exact_key(rows: Iterable[ComparedRow]) -> Key:
    """Returns a key of rows that is equal only for equal times and prices."""
    return tuple(
        (
            row.observed_at,
            row.date_kind,
            row.observed_from,
            row.price,
            row.priced_at,
            row.price_kind,
            row.priced_from,
        )
        for row in rows
    )


def _is_plain(rows: Iterable[ComparedRow]) -> bool:
    """Whether all dates are exact and close."""
    times = [row.observed_at for row in rows if row.date_kind == DateKind.EXACT.value]
    return len(times) == len(list(rows)) and (not times or max(times) - min(times) <= DATE_SPAN)


def _ranks(times: Sequence[datetime], groups: Sequence[str]) -> tuple[int, ...]:
    """Returns the rank of each time in its group; empty if the times of each group are equal."""
    by_group: dict[str, set[datetime]] = {}
    for time, group in zip(times, groups, strict=True):
        by_group.setdefault(group, set()).add(time)
    if all(len(own) == 1 for own in by_group.values()):
        return ()
    ranks = {
        (group, time): rank
        for group, own in by_group.items()
        for rank, time in enumerate(sorted(own))
    }
    return tuple(ranks[group, time] for time, group in zip(times, groups, strict=True))


def _order_of_times(rows: Sequence[ComparedRow]) -> Key:
    """Returns the order of the ends of all dates, and of the ends of the date spans behind them."""
    ends = [_ends(row.observed_at, row.date_kind, row.observed_from) for row in rows]
    spans = [
        (earliest, latest, None if earliest is None else earliest + DATE_SPAN)
        for earliest, latest in ends
    ]
    times = sorted({time for span in spans for time in span if time is not None})
    ranks = {time: rank for rank, time in enumerate(times)}
    return tuple(None if time is None else ranks[time] for span in spans for time in span)


def _ends(latest: datetime, kind: str, earliest: datetime | None) -> _Ends:
    """Returns the earliest possible time, None without a bound, and the latest one."""
    return (latest if kind == DateKind.EXACT.value else earliest), latest


_AGREE: Key = ("agree",)
"""Key of prices that are all close in time and agree."""


def _price_key(rows: Sequence[ComparedRow]) -> Key:
    """Returns which prices are close in time, and which of them agree, per pair of rows."""
    prices = [float(row.price) for row in rows]
    times = [_ends(row.priced_at, row.price_kind, row.priced_from) for row in rows if row.priced_at]
    is_one_price = not prices or 0.0 < max(prices) < min(prices) * PRICE_RATIO * (1.0 - _ROUNDING)
    if is_one_price and _all_close(times):
        return _AGREE
    pairs = list(combinations(range(len(rows)), 2))
    agree = []
    for first, second in pairs:
        lower, upper = sorted((prices[first], prices[second]))
        if not lower > 0.0 or abs(upper / lower / PRICE_RATIO - 1.0) <= _ROUNDING:
            return exact_key(rows)
        agree.append(upper / lower <= PRICE_RATIO)
    close = [_are_close(times[first], times[second]) for first, second in pairs]
    return (tuple(agree), tuple(close))


def _all_close(times: Sequence[_Ends]) -> bool:
    """Whether any two prices are close; the span of all of them mostly tells."""
    earliest = [own for own, _ in times if own is not None]
    is_bounded = len(earliest) == len(times) > 0
    if is_bounded and max(latest for _, latest in times) - min(earliest) <= PRICE_WINDOW:
        return True
    return all(_are_close(first, second) for first, second in combinations(times, 2))


def _are_close(first: _Ends, second: _Ends) -> bool:
    """Whether two prices are surely within the window of comparable prices.

    How far the time of one price is open does not matter by itself: the largest time between both does.
    """
    (first_earliest, first_latest), (second_earliest, second_latest) = first, second
    if first_earliest is None or second_earliest is None:
        return False
    apart = max(first_latest - second_earliest, second_latest - first_earliest)
    return apart <= PRICE_WINDOW
