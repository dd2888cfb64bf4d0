"""Key messages: sentences for readers who do not know the tool, each from the table to which it leads.

A message compares observations with exact dates that are close together, or it is not made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

from harmonize.document import CoverageStatus, Spread
from harmonize.document.history import MarginSeries, SeriesPoint
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.charts.dates import day_number
from reports.html.summary import widest_point
from reports.lookup import earliest_date
from reports.site import stress_blocks
from reports.site.addresses import underlying_path
from reports.site.close_dates import (
    ANCHOR,
    RETAIL_ANCHOR,
    average_factor,
    close_indices,
    close_liquidations,
    close_points,
    margins_table,
    meeting_all,
    middle_index,
    prohibitions,
    retail_laws,
    short_name,
)
from reports.site.report_context import ReportContext
from reports.site.stress_words import (
    IF_LEVERAGE,
    at_shock,
    interest_dates,
    interest_mark,
    leverage_range,
    span,
    validation_words,
)

LARGEST_NUMBER = 8
"""Largest number of key messages; one of them only if a stress was requested."""

_LEAST_COMPARED = 5
_ENOUGH_VENUES = 3
_NAMED = 8


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
    """Returns at most eight messages, in a fixed order; those without data are absent."""
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
    size, underlying = numbers.usd(point.notional), spread.underlying
    lowest = context.lookup.named(underlying, point.lowest_venues)
    highest = context.lookup.named(underlying, point.highest_venues)
    listed = margins_table(context, underlying)
    names = join_words([row.cells[0].words for row in listed.rows] if listed else [], _NAMED)
    return KeyMessage(
        "widest",
        _figure(point.highest / point.lowest),
        f"{_when(spread.oldest, spread.newest)} a {size} position in {underlying} required"
        f" {numbers.usd(point.highest)} of initial margin at {join_words(highest, 2)}, but"
        f" {numbers.usd(point.lowest)} at {join_words(lowest, 2)}: the strictest of"
        f" {numbers.count_text(point.venues, 'venue')} compared required {ratio} as much as the most"
        f" lenient. Compared: {names}.",
        numbers.date_range(spread.oldest, spread.newest),
        f"{underlying_path(underlying)}#{ANCHOR}",
        f"{underlying} at these venues",
    )


def _typical(context: ReportContext) -> KeyMessage | None:
    compared = close_points(context)
    if len(compared) < _LEAST_COMPARED:
        return None
    ratios = [point.highest / point.lowest for _, point in compared]
    middle = median_low(ratios)
    wide = sum(ratio >= middle for ratio in ratios)
    size = numbers.usd(context.document.heat_map_notional)
    oldest, newest = _span([spread for spread, _ in compared])
    names = join_words(sorted(spread.underlying for spread, _ in compared), _NAMED)
    total = numbers.count(len(context.schedules_by_underlying))
    return KeyMessage(
        "typical",
        _figure(middle),
        f"On {numbers.count(wide)} of {numbers.count_text(len(compared), 'underlying')} the strictest"
        f" venue required at least {numbers.times(middle)} the initial margin of the most lenient, for"
        f" a {size} position. Compared: {names}, the only ones of {total} that two venues or more list"
        " with exact dates of observation so close together.",
        numbers.date_range(oldest, newest),
        f"underlyings.html#{ANCHOR}",
        "These underlyings",
    )


def _retail_rules(context: ReportContext) -> KeyMessage | None:
    """States how many margin terms meet the statutory minimums for retail clients, and where.

    A contract that no longer trades, or that a law does not cover, is not among them.
    """
    laws = retail_laws(context)
    if not laws:
        return None
    met, compared = meeting_all(laws)
    rows = [row for law in laws for row in law.rows]
    names = [f"{law.name}, {numbers.axis_rate(law.minimum)}" for law in laws]
    venues = sorted({venue for venue, _, _ in met})
    where = f" They are at {join_words(venues, _NAMED)}." if venues else ""
    banned = [short_name(rule_set) for rule_set, _ in prohibitions(context)]
    ban = f" Prohibited for them at any margin: {join_words(banned)}." if banned else ""
    return KeyMessage(
        "retail",
        f"{numbers.count(len(met))} of {numbers.count(len(compared))}",
        f"Of {numbers.count(len(compared))} margin terms (a contract and a type of account) that could be"
        f" evaluated, {numbers.count(len(met))} met the minimum initial margin for retail clients under"
        f" every law with which they were compared: {'; '.join(names)} of the position.{where} The"
        f" others required less than one or more of these laws.{ban} Whether the contracts are offered"
        " to these clients was not observed.",
        numbers.date_range(min(map(earliest_date, rows)), max(row.observed_at for row in rows)),
        f"rules.html#{RETAIL_ANCHOR}",
        "Each of these laws",
    )


@dataclass(frozen=True, slots=True)
class Increase:
    """Increase of a margin from one point of a series to the next."""

    series: MarginSeries
    before: SeriesPoint
    after: SeriesPoint

    @property
    def ratio(self) -> float:
        """Margin after, divided by the margin before."""
        return (self.after.rate or 0.0) / (self.before.rate or 1.0)


def largest_increase(context: ReportContext) -> Increase | None:
    """Returns the largest increase of IM between exact dates that are close together."""
    increases = [
        Increase(series, before, after)
        for series in context.document.history.series
        if series.margin_type == "initial" and series.notional == context.document.heat_map_notional
        for before, after in pairwise(series.points)
        if before.rate
        and after.rate
        and after.rate > before.rate
        and after.is_dated
        and not before.status
        and not after.status
    ]
    return max(increases, key=lambda x: (x.ratio, _series_key(x.series)), default=None)


def _increase(context: ReportContext) -> KeyMessage | None:
    largest = largest_increase(context)
    if largest is None:
        return None
    series, ratio = largest.series, largest.ratio
    before, after = largest.before.rate or 0.0, largest.after.rate or 0.0
    return KeyMessage(
        "increase",
        f"+{numbers.share(round((ratio - 1) * 100), 100)}" if ratio < 2 else _figure(ratio),  # noqa: PLR2004 - below double, a percentage is plainer
        f"{series.venue} raised the initial margin of a {numbers.usd(series.notional)}"
        f" {series.underlying} position from {numbers.axis_rate(before)} to"
        f" {numbers.axis_rate(after)} of its size, first observed on"
        f" {numbers.date(largest.after.observed_at)}: the largest increase on the underlyings followed"
        " over time between exact dates of observation at most a month apart.",
        numbers.date(largest.after.observed_at),
        f"{underlying_path(series.underlying)}#history",
        f"{series.underlying} over time",
    )


def _series_key(series: MarginSeries) -> tuple[str, str, str]:
    return series.underlying, series.venue, series.symbol


def _liquidation(context: ReportContext) -> KeyMessage | None:
    """States the range of adverse moves to liquidation, on the underlying with most venues."""
    groups = [close_liquidations(context, underlying) for underlying in context.liquidations]
    group = max(groups, key=len, default=[])
    if len(group) < _ENOUGH_VENUES:
        return None
    near, far = group[0], group[-1]
    if near.adverse_move_long == far.adverse_move_long:
        return None
    dates = sorted(row.observed_at for row in group)
    falls = [numbers.axis_rate(row.adverse_move_long or 0.0) for row in (near, far)]
    names = join_words([row.venue for row in group], _NAMED)
    return KeyMessage(
        "liquidation",
        f"{falls[0]} to {falls[1]}",
        f"{_when(dates[0], dates[-1])} two holders of the same {numbers.usd(near.notional)}"
        f" {near.underlying} position, each with {numbers.leverage(near.leverage)} leverage, would have"
        f" been closed out (liquidated) after different falls of the price: {falls[0]} at {near.venue},"
        f" {falls[1]} at {far.venue}. Fees, which are not included, make it earlier. Compared: {names}.",
        numbers.date_range(dates[0], dates[-1]),
        f"{underlying_path(near.underlying)}#{ANCHOR}",
        f"{near.underlying} at these venues",
    )


def _agreement(context: ReportContext) -> KeyMessage | None:
    """States by what factor venues differ on average, on the underlying in the middle of all."""
    indices, middle = close_indices(context), middle_index(context)
    if middle is None or len(indices) < _LEAST_COMPARED:
        return None
    factor = average_factor(middle)
    names = join_words(sorted(row.underlying for row in indices), _NAMED)
    oldest, newest = min(row.oldest for row in indices), max(row.newest for row in indices)
    return KeyMessage(
        "agreement",
        _figure(factor),
        f"On {middle.underlying}, a venue's initial margin was on average {numbers.times(factor)} that"
        " of the venue in the middle, or as many times smaller; if all required the same, it would be"
        f" 1. Of {numbers.count_text(len(indices), 'underlying')} compared ({names}),"
        f" {middle.underlying} is in the middle.",
        numbers.date_range(oldest, newest),
        f"harmonization.html#{ANCHOR}",
        "These underlyings",
    )


def _freshness(context: ReportContext) -> KeyMessage | None:
    """States first how old the observations are: what no other number tells."""
    document = context.document
    rows = [row for row in document.snapshots if row.observed_at]
    if not rows:
        return None
    newest = max(rows, key=lambda row: row.observed_at)
    day = f"{'on' if newest.date_kind == 'exact' else 'on or before'} {numbers.date(newest.observed_at)}"
    age_days = day_number(document.as_of[:10]) - day_number(newest.observed_at[:10])
    limit = numbers.age(document.stale_after_days)
    warning = (
        "This report states what venues required on the dates it names, not what they require now."
    )
    if age_days > document.stale_after_days:
        figure = numbers.age(age_days)
        sentence = (
            f"Every margin in this report is more than {limit} old: the newest was observed {day},"
            f" {figure} before the report. {warning}"
        )
    else:
        recent = sum(row.status is CoverageStatus.OBSERVED for row in document.coverage)
        total = len(document.coverage)
        figure = numbers.share(recent, total)
        sentence = (
            f"Of {numbers.count(total)} cases of a venue that lists an underlying,"
            f" {numbers.count(recent)} were observed in the {limit} before the report. The others are"
            f" or may be older, or their margins are not known. {warning}"
        )
    return KeyMessage(
        "freshness",
        figure.replace(numbers.NBSP, " "),  # a figure may break, so that it fits its column
        sentence,
        f"{numbers.date(document.as_of)}",
        "venues.html#list",
        "Newest observation of each venue",
    )


def _stress(context: ReportContext) -> KeyMessage | None:
    """States what a sudden fall of the underlying with most open interest would liquidate."""
    row = stress_blocks.largest(context)
    points = at_shock(row) if row else []
    if row is None or not points:
        return None
    ends = [numbers.usd(own.liquidated, 2) for own in (points[0], points[-1])]
    leverage = span(leverage_range(row, 2))
    dates = [f"Margins {numbers.date_range(row.oldest, row.newest)}"]
    if interest := interest_dates(row):
        dates.append(f"open interest {interest} ({interest_mark([row])})")
    return KeyMessage(
        "stress",
        span(ends),
        f"A sudden {numbers.axis_rate(row.shock)} fall of {row.underlying} would liquidate {span(ends)} of"
        f" longs (modelled){f'; {IF_LEVERAGE}, {leverage}' if leverage else ''}.",
        "; ".join([*dates, validation_words(row)]),
        stress_blocks.result_address(context, row),
        "What it rests on",
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
    _freshness,
    _widest,
    _typical,
    _agreement,
    _liquidation,
    _retail_rules,
    _increase,
    _stress,
)
"""Messages in their order; a new one is a function that returns None without its data."""

COMPARING = frozenset({"widest", "typical", "liquidation", "agreement"})
"""Names of the messages that compare venues."""
