"""Key messages: sentences for readers who do not know the tool, each from the numbers of one page.

A message compares observations with exact dates that are close together, or it is not made.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

from harmonize.document import CoverageStatus, Index, LiquidationRow, Spread, SpreadPoint, Verdict
from harmonize.document.history import MarginSeries
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.charts.dates import day_number
from reports.finding_order import EVALUATED
from reports.html.summary import widest_point
from reports.lookup import earliest_date
from reports.site.addresses import underlying_path
from reports.site.report_context import ReportContext

LARGEST_NUMBER = 7
"""Largest number of key messages."""

_LEAST_COMPARED = 5
_ENOUGH_VENUES = 3


@dataclass(frozen=True, slots=True)
class KeyMessage:
    """One message: its name, figure, sentence, dates, and the page with its numbers."""

    name: str
    figure: str
    sentence: str
    dates: str
    address: str
    page: str


def key_messages(context: ReportContext) -> tuple[KeyMessage, ...]:
    """Returns at most seven messages, in a fixed order; those without data are absent."""
    made = (make(context) for make in _MESSAGES)
    return tuple(message for message in made if message is not None)[:LARGEST_NUMBER]


def comparison_note(context: ReportContext) -> str:
    """States which observations the messages on differences between venues compare."""
    days = numbers.count_text(context.document.headlines.span_days, "day")
    return (
        "Where a message compares venues, it compares only observations with exact dates within"
        f" {days} of each other; lower bounds and contracts that no longer trade are not compared."
    )


def no_message_text(context: ReportContext) -> str:
    """States why there are no messages on differences between venues."""
    days = numbers.count_text(context.document.headlines.span_days, "day")
    return (
        "No difference between venues can be stated here: no underlying has two venues whose"
        f" observations have exact dates within {days} of each other."
    )


def _widest(context: ReportContext) -> KeyMessage | None:
    widest = widest_point(context.lookup, "initial")
    if widest is None or widest[1].highest <= widest[1].lowest:
        return None
    spread, point = widest
    ratio = numbers.times(point.highest / point.lowest)
    size = numbers.usd(point.notional)
    lowest = context.lookup.named(spread.underlying, point.lowest_venues)
    highest = context.lookup.named(spread.underlying, point.highest_venues)
    return KeyMessage(
        "widest",
        _figure(point.highest / point.lowest),
        f"{_when(spread.oldest, spread.newest)} the strictest of {numbers.count_text(point.venues, 'venue')}"
        f" compared ({join_words(highest, 2)}) required {ratio} the initial margin of the most lenient"
        f" ({join_words(lowest, 2)}) for a {size} {spread.underlying} position:"
        f" {numbers.usd(point.highest)} against {numbers.usd(point.lowest)}.",
        numbers.date_range(spread.oldest, spread.newest),
        f"{underlying_path(spread.underlying)}#ranking",
        f"{spread.underlying} by venue",
    )


def _typical(context: ReportContext) -> KeyMessage | None:
    compared = [*_headline_points(context)]
    if len(compared) < _LEAST_COMPARED:
        return None
    middle = median_low([point.highest / point.lowest for _, point in compared])
    size = numbers.usd(context.document.heat_map_notional)
    oldest, newest = _span([spread for spread, _ in compared])
    return KeyMessage(
        "typical",
        _figure(middle),
        f"For at least half of {numbers.count(len(compared))} underlyings, the strictest venue"
        f" compared required at least {numbers.times(middle)} the initial margin of the most lenient"
        f" for a {size} position.",
        numbers.date_range(oldest, newest),
        "underlyings.html",
        "All underlyings",
    )


def _headline_points(context: ReportContext) -> Iterator[tuple[Spread, SpreadPoint]]:
    notional = context.document.heat_map_notional
    for spread in context.document.headlines.spreads:
        if spread.margin_type == "initial":
            for point in spread.points:
                if point.notional == notional and point.lowest > 0:
                    yield spread, point


def _retail_rules(context: ReportContext) -> KeyMessage | None:
    """States how many contracts require less than some statutory minimum for retail clients.

    A contract that no longer trades, or that a rule does not cover, is not among them.
    """
    caps = {row.id for row in context.document.rule_sets if row.kind == "cap" and row.statutory}
    rows = [
        row
        for row in context.document.divergences
        if row.rule_set in caps and row.margin_type == "initial" and row.verdict in EVALUATED
    ]
    contracts = {(row.venue, row.symbol) for row in rows}
    below = {(row.venue, row.symbol) for row in rows if row.verdict is Verdict.BREACH}
    if not contracts:
        return None
    dates = numbers.date_range(min(map(earliest_date, rows)), max(row.observed_at for row in rows))
    rules = numbers.count_text(len({row.rule_set for row in rows}), "statutory rule")
    return KeyMessage(
        "retail",
        numbers.share(len(below), len(contracts)),
        f"If they were offered to the clients that {rules} protect,"
        f" {numbers.count(len(below))} of {numbers.count_text(len(contracts), 'contract')} that could"
        " be evaluated would require less initial margin, for at least one type of account, than at"
        " least one of these rules permits. Whether they are offered to them was not observed.",
        dates,
        "rules.html",
        "Rule sets",
    )


def _increase(context: ReportContext) -> KeyMessage | None:
    """States the largest increase of initial margin between exact dates that are close together."""
    rises = [
        (after.rate / before.rate, series, before, after)
        for series in context.document.history.series
        if series.margin_type == "initial" and series.notional == context.document.heat_map_notional
        for before, after in pairwise(series.points)
        if before.rate and after.rate and after.rate > before.rate and after.is_dated
    ]
    if not rises:
        return None
    ratio, series, before, after = max(rises, key=lambda rise: (rise[0], _series_key(rise[1])))
    return KeyMessage(
        "increase",
        f"+{numbers.share(round((ratio - 1) * 100), 100)}" if ratio < 2 else _figure(ratio),  # noqa: PLR2004 - below double, a percentage is plainer
        f"{series.venue} raised the initial margin of a {numbers.usd(series.notional)}"
        f" {series.underlying} position from {numbers.axis_rate(before.rate or 0.0)} to"
        f" {numbers.axis_rate(after.rate or 0.0)}, first observed on {numbers.date(after.observed_at)}: the"
        " largest increase on the underlyings followed over time between exact dates of observation"
        " at most a month apart.",
        numbers.date(after.observed_at),
        f"{underlying_path(series.underlying)}#history",
        f"{series.underlying} over time",
    )


def _series_key(series: MarginSeries) -> tuple[str, str, str]:
    return series.underlying, series.venue, series.symbol


def _liquidation(context: ReportContext) -> KeyMessage | None:
    """States the range of adverse moves to liquidation, on the underlying with most venues."""
    groups = [
        _close_together(
            [row for row in rows if _is_comparable(row)], context.document.headlines.span_days
        )
        for rows in context.liquidations.values()
    ]
    group = max(groups, key=len, default=[])
    if len(group) < _ENOUGH_VENUES:
        return None
    near = min(group, key=lambda row: (row.adverse_move_long or 0.0, row.venue))
    far = max(group, key=lambda row: (row.adverse_move_long or 0.0, row.venue))
    if near.adverse_move_long == far.adverse_move_long:
        return None
    dates = sorted(row.observed_at for row in group)
    falls = [numbers.axis_rate(row.adverse_move_long or 0.0) for row in (near, far)]
    return KeyMessage(
        "liquidation",
        f"{falls[0]} or {falls[1]}",
        f"{_when(dates[0], dates[-1])} a fall of {falls[0]} in the price of {near.underlying} would"
        f" have liquidated a {numbers.usd(near.notional)} position with"
        f" {numbers.leverage(near.leverage)} leverage at {near.venue}; at {far.venue} it would have"
        f" taken {falls[1]}.",
        numbers.date_range(dates[0], dates[-1]),
        f"{underlying_path(near.underlying)}#gap",
        f"{near.underlying}: distance to liquidation",
    )


def _is_comparable(row: LiquidationRow) -> bool:
    return (
        row.leverage_basis == "equal"
        and row.included
        and row.date_kind == "exact"
        and row.adverse_move_long is not None
    )


def _close_together(rows: Sequence[LiquidationRow], span_days: int) -> list[LiquidationRow]:
    """Returns the largest set of rows observed within a span, the newest of equal ones."""
    ordered = sorted(rows, key=lambda row: (row.observed_at, row.venue))
    best: list[LiquidationRow] = []
    for first in ordered:
        start = day_number(first.observed_at)
        within = [row for row in ordered if 0.0 <= day_number(row.observed_at) - start <= span_days]
        best = within if len(within) >= len(best) else best
    return best


def _agreement(context: ReportContext) -> KeyMessage | None:
    """States by what factor venues differ from the middle of the venues, over underlyings."""
    indices: list[Index] = [
        row
        for row in context.document.headlines.indices
        if row.margin_type == "initial" and "median" in row.reference and row.value > 0
    ]
    if len(indices) < _LEAST_COMPARED:
        return None
    factor = 100.0 / median_low([row.value for row in indices])
    oldest, newest = min(row.oldest for row in indices), max(row.newest for row in indices)
    return KeyMessage(
        "agreement",
        f"{numbers.times(factor)}".replace(f"{numbers.NBSP}times", "×"),
        f"For a typical one of {numbers.count(len(indices))} underlyings (the median), a venue's initial margin"
        f" differed from the median of the venues compared by an average factor of"
        f" {numbers.times(factor).replace(f'{numbers.NBSP}times', '')}; with equal margins it would"
        " be 1.",
        numbers.date_range(oldest, newest),
        "harmonization.html",
        "Harmonization index",
    )


def _freshness(context: ReportContext) -> KeyMessage | None:
    """States how much of what is shown was observed recently: what the numbers cannot tell."""
    rows = context.document.coverage
    if not rows:
        return None
    recent = sum(row.status is CoverageStatus.OBSERVED for row in rows)
    limit = numbers.age(context.document.stale_after_days)
    return KeyMessage(
        "freshness",
        numbers.share(recent, len(rows)),
        f"{numbers.count(recent)} of {numbers.count(len(rows))} recorded pairs of a venue and an"
        f" underlying were observed in the {limit} before the report; the others are or may be older, rest on"
        " documentation, or are not observable. The report states what was required on the dates it"
        " names, not what is required now.",
        numbers.date(context.document.as_of),
        "coverage.html",
        "Coverage",
    )


def _figure(ratio: float) -> str:
    return numbers.times(ratio).replace(f"{numbers.NBSP}times", "×")


def _when(oldest: str, newest: str) -> str:
    dates = numbers.date_range(oldest, newest)
    is_one_day = numbers.date(oldest) == numbers.date(newest)
    return f"On {dates}" if is_one_day else f"In observations of {dates},"


def _span(spreads: Sequence[Spread]) -> tuple[str, str]:
    return min(spread.oldest for spread in spreads), max(spread.newest for spread in spreads)


_MESSAGES: Sequence[Callable[[ReportContext], KeyMessage | None]] = (
    _widest,
    _typical,
    _retail_rules,
    _increase,
    _liquidation,
    _agreement,
    _freshness,
)
"""Messages in their order; a new one is a function that returns None without its data."""

COMPARING = frozenset({"widest", "typical", "liquidation", "agreement"})
"""Names of the messages that compare venues."""
