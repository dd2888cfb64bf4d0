"""Margins over time as text: tables for a terminal, and CSV."""

from collections.abc import Iterator, Sequence
from csv import writer
from datetime import datetime
from io import StringIO

from harmonize.api.history import MeasuredMargin, ScheduleHistory
from harmonize.cli.changes_text import spreadsheet_text, terminal_line
from harmonize.document.history import MarginSeries, SeriesPoint, Week
from harmonize.history.lead_lag import LeadLag
from harmonize.history.procyclicality import HORIZONS, VenueProcyclicality
from harmonize.text import numbers
from harmonize.text.messages import counted, observation_day
from harmonize.text.words import AT_LEAST, UNVERIFIED, marked

_LABELS = {"initial": "IM", "maintenance": "MM"}
_LARGE_INCREASES = "increases ≥ 25 %"
_RATIO_DIGITS = 4
_CSV_STATUS = {AT_LEAST: "lower bound", UNVERIFIED: "unverified"}
"""Statuses in CSV, where a number has no sign."""
_WEEK_HEADS = ("week", "tighter", "looser", "mixed", "other", "listed", "delisted")


def schedule_table(history: ScheduleHistory, as_of: datetime) -> str:
    """Returns the margins of a schedule at each change up to ``as_of``, and their procyclicality."""
    return "".join(f"{terminal_line(line)}\n" for line in _schedule_lines(history, as_of))


def _schedule_lines(history: ScheduleHistory, as_of: datetime) -> Iterator[str]:
    count = counted(history.observations, "observation")
    yield f"{history.venue} {history.symbol} ({history.profile}), {count}, as of {as_of:%Y-%m-%d}"
    heads = [
        f"{label} at {numbers.usd(notional)}"
        for notional in history.notionals
        for label in _LABELS.values()
    ]
    yield f"{'observed':<24} {' '.join(f'{head:>14}' for head in heads)}  change"
    for state in history.seen:
        margins = [
            margin for pair in zip(state.initial, state.maintenance, strict=True) for margin in pair
        ]
        statuses = (state.initial_status, state.maintenance_status) * len(history.notionals)
        texts = [
            numbers.amount(margin) if margin is None else marked(numbers.amount(margin), status)
            for margin, status in zip(margins, statuses, strict=True)
        ]
        cells = " ".join(f"{text:>14}" for text in texts)
        observed = _observed(state.observed_at, state.observed_from, state.date_kind)
        yield f"{observed:<24} {cells}  {state.kind}".rstrip()
    if len(history.seen) < history.observations:
        newest = _observed(history.until, history.until_from, history.until_kind)
        yield f"{newest:<24} newest observation; no other changes"
    yield ""
    heads = [f"{days}-day increase" for days in HORIZONS]
    columns = " ".join(f"{head:>16}" for head in ("peak to trough", *heads, _LARGE_INCREASES))
    yield f"{'margin':<14} {columns}"
    for margin in history.margins:
        yield _measures_line(margin)
    widest = max((margin.measured.widest_days for margin in history.margins), default=0.0)
    interval = counted(round(widest), "day")
    yield (
        "each margin is shown until the next observation; changes in between are not known; "
        f"longest interval between observations: {interval}"
    )
    for observation in history.left_out:
        yield f"unreadable: {observation}"


def _observed(observed_at: str, observed_from: str, date_kind: str) -> str:
    """Time of an observation to the second if it is exact, otherwise its possible days."""
    if date_kind == "exact":
        return observed_at[:19]
    return observation_day(observed_at, observed_from, date_kind)


def _measures_line(margin: MeasuredMargin) -> str:
    measures = margin.measured
    increases = {increase.days: increase.share for increase in measures.rises}
    cells = (
        numbers.times(measures.peak_to_trough, _RATIO_DIGITS),
        *(numbers.change(increases.get(days)) for days in HORIZONS),
        numbers.count(measures.calls),
    )
    return f"{_margin_text(margin):<14} {' '.join(f'{cell:>16}' for cell in cells)}"


def _margin_text(margin: MeasuredMargin | VenueProcyclicality) -> str:
    return f"{_LABELS[margin.margin_type]} at {numbers.usd(margin.notional)}"


def schedule_csv(history: ScheduleHistory) -> str:
    """Returns a row per change and notional."""
    output = StringIO()
    lines = writer(output, lineterminator="\n")
    heads = (
        "observed_at",
        "observed_from",
        "date_kind",
        "notional_usd",
        "initial_usd",
        "maintenance_usd",
        "capacity_usd",
        "kind",
        "effective_from",
        "initial_status",
        "maintenance_status",
    )
    lines.writerow(("venue", "symbol", "profile", *heads))
    names = [spreadsheet_text(name) for name in (history.venue, history.symbol, history.profile)]
    for state in history.seen:
        rows = zip(history.notionals, state.initial, state.maintenance, strict=True)
        for notional, initial, maintenance in rows:
            numbers = (notional, initial, maintenance, state.capacity)
            lines.writerow(
                (
                    *names,
                    state.observed_at,
                    state.observed_from,
                    state.date_kind,
                    *("" if number is None else repr(number) for number in numbers),
                    state.kind,
                    state.effective_from,
                    _CSV_STATUS.get(state.initial_status, ""),
                    _CSV_STATUS.get(state.maintenance_status, ""),
                )
            )
    return output.getvalue()


Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Column heads and rows."""


def weeks_table(weeks: Sequence[Week]) -> Table:
    """Returns a row per week with a change between two exact and close dates, for a terminal."""
    rows = [tuple(map(str, row)) for row in _week_rows(weeks) if any(row[1:])]
    return _WEEK_HEADS, rows


def undated_changes(weeks: Sequence[Week]) -> str:
    """Returns the line on the changes that are in no row of ``weeks_table``; empty without one."""
    undated = sum(week.undated for week in weeks)
    if not undated:
        return ""
    return f"{counted(undated, 'further change')} without exact dates\n"


def weeks_columns(weeks: Sequence[Week]) -> Table:
    """Returns a row per week with a change for CSV; changes without exact dates are the last column."""
    rows = [
        (*map(str, row), str(week.undated))
        for row, week in zip(_week_rows(weeks), weeks, strict=True)
    ]
    return (*_WEEK_HEADS, "undated"), rows


def _week_rows(weeks: Sequence[Week]) -> list[tuple[str | int, ...]]:
    return [tuple(getattr(week, head) for head in _WEEK_HEADS) for week in weeks]


def series_table(series: Sequence[MarginSeries]) -> Table:
    """Returns a row per point of a series for a terminal: venue, start and IM rate."""
    heads = ("venue", "symbol", "profile", "notional", "from", "IM")
    return heads, [
        (
            *(margin.venue, margin.symbol, margin.profile, numbers.usd(margin.notional)),
            *(_start(point), marked(numbers.rate(point.rate), point.status)),
        )
        for margin in series
        for point in margin.points
    ]


def _start(point: SeriesPoint) -> str:
    """First day of a margin, as far as it is known."""
    if point.date_kind == "exact":
        return point.observed_at
    return observation_day(point.observed_at, point.observed_from, point.date_kind)


def series_columns(series: Sequence[MarginSeries]) -> Table:
    """Returns a row per point of a series for CSV: venue, start and IM divided by notional."""
    heads = (
        "venue",
        "symbol",
        "profile",
        "notional_usd",
        "from",
        "earliest",
        "initial_rate",
        "status",
    )
    return heads, [
        (
            *(spreadsheet_text(text) for text in (margin.venue, margin.symbol, margin.profile)),
            f"{margin.notional:.0f}",
            point.observed_at,
            point.observed_from,
            "" if point.rate is None else f"{point.rate:.6g}",
            _CSV_STATUS.get(point.status, ""),
        )
        for margin in series
        for point in margin.points
    ]


def procyclicality_table(measured: Sequence[VenueProcyclicality]) -> Table:
    """Returns a row per margin type and notional of a venue."""
    horizons = tuple(increase.days for increase in measured[0].rises) if measured else ()
    heads = (
        *("margin", "schedules", "changed", "median peak to trough", "largest", "symbol"),
        _LARGE_INCREASES,
        *(f"{days}-day increase" for days in horizons),
    )
    rows = []
    for margin in measured:
        largest = {
            increase.days: f"{numbers.change(increase.share)} {increase.symbol}"
            for increase in margin.rises
        }
        rows.append(
            (
                _margin_text(margin),
                numbers.count(margin.schedules),
                numbers.count(margin.moved),
                numbers.times(margin.median_peak_to_trough, _RATIO_DIGITS),
                numbers.times(margin.largest_peak_to_trough, _RATIO_DIGITS),
                margin.symbol,
                numbers.count(margin.calls),
                *(largest.get(days, "") for days in horizons),
            )
        )
    return heads, rows


def lead_lag_table(leads: Sequence[LeadLag]) -> Table:
    """Returns a row per pair of venues."""
    heads = ("first", "second", "first led", "second led", "order unknown", "median days")
    return heads, [
        (
            *(lead.first, lead.second),
            *(numbers.count(number) for number in (lead.first_led, lead.second_led, lead.untold)),
            f"{lead.median_days:+.4g}",
        )
        for lead in leads
    ]


def aligned(table: Table) -> str:
    """Returns a table with aligned columns for a terminal; an empty cell is a dash."""
    heads, rows = table
    lines = [heads, *(tuple(cell or numbers.NOT_OBSERVABLE for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "".join(
        terminal_line(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        ).rstrip()
        + "\n"
        for line in lines
    )


def as_csv(table: Table) -> str:
    """Returns a table as CSV."""
    output = StringIO()
    lines = writer(output, lineterminator="\n")
    lines.writerow(table[0])
    lines.writerows(table[1])
    return output.getvalue()
