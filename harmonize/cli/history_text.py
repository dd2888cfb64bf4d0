"""Margins over time as text: tables for a terminal, and CSV."""

from collections.abc import Iterator, Sequence
from csv import writer
from io import StringIO

from harmonize.api.history import MeasuredMargin, ScheduleHistory
from harmonize.cli.console import one_line
from harmonize.document.history import MarginSeries, Week
from harmonize.history.lead_lag import LeadLag
from harmonize.history.procyclicality import VenueProcyclicality

_NONE = "–"
_LABELS = {"initial": "IM", "maintenance": "MM"}


def schedule_table(history: ScheduleHistory) -> str:
    """Returns the margins of a schedule at each change, and their procyclicality."""
    return "".join(f"{one_line(line)}\n" for line in _schedule_lines(history))


def _schedule_lines(history: ScheduleHistory) -> Iterator[str]:
    count = f"{history.observations} observation{'' if history.observations == 1 else 's'}"
    yield f"{history.venue} {history.symbol} ({history.profile}), {count}"
    heads = [f"{label} of {size:,.0f}" for size in history.notionals for label in _LABELS.values()]
    yield f"{'observed':<20} {' '.join(f'{head:>18}' for head in heads)}  changed"
    for state in history.seen:
        margins = [
            margin for pair in zip(state.initial, state.maintenance, strict=True) for margin in pair
        ]
        cells = " ".join(f"{_usd(margin):>18}" for margin in margins)
        yield f"{state.observed_at[:19]:<20} {cells}  {state.kind}".rstrip()
    if len(history.seen) < history.observations:
        yield f"{history.until[:19]:<20} the newest observation; between the lines nothing changed"
    yield ""
    yield f"{'margin':<22} {'peak to trough':>15} {'in 1 day':>10} {'in 5 days':>10} {'in 30 days':>10} {'large calls':>12}"
    for margin in history.courses:
        yield _measures_line(margin)
    widest = max((margin.measured.widest_days for margin in history.courses), default=0.0)
    yield f"a margin holds until the next observation; the longest time without one is {widest:,.0f} days"
    for observation in history.left_out:
        yield f"left out: {observation}"


def _measures_line(margin: MeasuredMargin) -> str:
    measures = margin.measured
    ratio = measures.peak_to_trough
    increases = {increase.days: f"{increase.share:+.2%}" for increase in measures.rises}
    return (
        f"{f'{_LABELS[margin.figure]} of {margin.notional:,.0f}':<22} "
        f"{_NONE if ratio is None else f'{ratio:.4g}':>15} "
        f"{increases.get(1, _NONE):>10} {increases.get(5, _NONE):>10} "
        f"{increases.get(30, _NONE):>10} {measures.calls:>12}"
    )


def schedule_csv(history: ScheduleHistory) -> str:
    """Returns a row per change and notional."""
    output = StringIO()
    lines = writer(output, lineterminator="\n")
    heads = (
        "observed_at",
        "notional_usd",
        "initial_usd",
        "maintenance_usd",
        "capacity_usd",
        "kind",
        "effective_from",
    )
    lines.writerow(("venue", "symbol", "profile", *heads))
    names = [_text(name) for name in (history.venue, history.symbol, history.profile)]
    for state in history.seen:
        rows = zip(history.notionals, state.initial, state.maintenance, strict=True)
        for notional, initial, maintenance in rows:
            numbers = (notional, initial, maintenance, state.capacity)
            lines.writerow(
                (
                    *names,
                    state.observed_at,
                    *("" if number is None else repr(number) for number in numbers),
                    state.kind,
                    state.effective_from,
                )
            )
    return output.getvalue()


def _text(text: str) -> str:
    """Returns text that a spreadsheet does not evaluate as a formula."""
    plain = one_line(text)
    return f"'{plain}" if plain[:1] in {"=", "+", "-", "@"} else plain


def _usd(amount: float | None) -> str:
    return _NONE if amount is None else f"{amount:,.2f}"


Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Column heads and rows."""


def weeks_table(weeks: Sequence[Week]) -> Table:
    """Returns a row per week with a change."""
    heads = ("week", "tighter", "looser", "mixed", "other", "listed", "delisted")
    rows = [(week.week, *(str(getattr(week, head)) for head in heads[1:])) for week in weeks]
    return heads, rows


def series_table(series: Sequence[MarginSeries]) -> Table:
    """Returns a row per point of a series: venue, start and IM divided by notional."""
    heads = ("venue", "symbol", "profile", "notional_usd", "from", "initial_rate")
    return heads, [
        (
            *(_text(text) for text in (margin.venue, margin.symbol, margin.profile)),
            f"{margin.notional:.0f}",
            point.observed_at,
            "" if point.rate is None else f"{point.rate:.6g}",
        )
        for margin in series
        for point in margin.points
    ]


def procyclicality_table(measured: Sequence[VenueProcyclicality]) -> Table:
    """Returns a row per margin type and notional of a venue."""
    heads = ("margin", "schedules", "moved", "peak to trough", "largest", "of", "large calls")
    horizons = tuple(increase.days for increase in measured[0].rises) if measured else ()
    rows = []
    for margin in measured:
        largest = {rise.days: f"{rise.share:+.2%} {rise.symbol}" for rise in margin.rises}
        rows.append(
            (
                f"{_LABELS[margin.figure]} of {margin.notional:,.0f}",
                f"{margin.schedules}",
                f"{margin.moved}",
                f"{margin.median_peak_to_trough:.4g}",
                f"{margin.largest_peak_to_trough:.4g}",
                margin.symbol,
                f"{margin.calls}",
                *(largest.get(days, "") for days in horizons),
            )
        )
    return (*heads, *(f"in {days} day{'' if days == 1 else 's'}" for days in horizons)), rows


def lead_lag_table(leads: Sequence[LeadLag]) -> Table:
    """Returns a row per pair of venues."""
    heads = ("venue", "and venue", "first led", "second led", "not to be told", "median days")
    return heads, [
        (
            *(_text(venue) for venue in (lead.first, lead.second)),
            *(f"{count}" for count in (lead.first_led, lead.second_led, lead.untold)),
            f"{lead.median_days:+.4g}",
        )
        for lead in leads
    ]


def aligned(table: Table) -> str:
    """Returns a table with aligned columns for a terminal; an empty cell is a dash."""
    heads, rows = table
    lines = [heads, *(tuple(cell or _NONE for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "".join(
        one_line(
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
