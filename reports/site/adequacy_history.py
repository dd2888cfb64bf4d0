"""Breaches of the margins in force on each day: charts per year, and a table over all years."""

from collections.abc import Iterator, Sequence

from harmonize.document import DatedBacktestRow, YearRow
from harmonize.text import numbers
from reports.charts.svg import Frame
from reports.charts.year_bars import DayMarks, YearBar, year_bars
from reports.html.page import Chart
from reports.site import marks
from reports.site.addresses import id_slug, symbol_slug
from reports.site.adequacy_addresses import history_path
from reports.site.adequacy_table import venue_link
from reports.site.figures import Figure, figure
from reports.site.markup import NOTHING, Html, link_to, text
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, csv_bytes, number

_MEASURES = {
    "maintenance after a liquidation": "Moves beyond MM after a liquidation",
    "maintenance over one candle": "Moves beyond MM within one window",
    "initial over 1 day": "Moves beyond IM over 1 day",
}
_LEAST = {"maintenance after a liquidation": 30}
_LEAST_MOVES = 100
"""Fewest moves of which a share is stated: fewer give a count. After liquidations, 30 suffice."""

TestKey = tuple[str, str, str, str]
"""Venue, symbol, measure and side."""


def tests(rows: Sequence[DatedBacktestRow]) -> dict[TestKey, list[DatedBacktestRow]]:
    """Returns the backtests per schedule, measure and side, each with its sizes in rising order."""
    groups: dict[TestKey, list[DatedBacktestRow]] = {}
    for row in sorted(rows, key=_order):
        groups.setdefault((row.venue, row.symbol, row.measure, row.side), []).append(row)
    return groups


def _order(row: DatedBacktestRow) -> tuple[str, str, int, str, float]:
    measures = list(_MEASURES)
    place = measures.index(row.measure) if row.measure in measures else len(measures)
    return row.venue, row.symbol, place, row.side, row.notional


def measure_name(row: DatedBacktestRow) -> str:
    """Returns what a backtest counts: ``Moves beyond IM over 1 day``."""
    return _MEASURES.get(row.measure, row.measure)


def year_share(row: DatedBacktestRow, year: YearRow) -> float | None:
    """Returns the share of a year's moves above the margin; None if there are too few for a share."""
    least = _LEAST.get(row.measure, _LEAST_MOVES)
    return None if year.observations < least else year.breaches / year.observations


def history_figures(
    context: ReportContext, rows: Sequence[DatedBacktestRow], folder: str, *, has_files: bool
) -> Iterator[Figure]:
    """Yields a chart per backtest: the share of moves above the margin of the day, per year and size.

    Without files, the script of the page makes them; the numbers of all are in one CSV file.
    """
    for (venue, symbol, measure, side), group in tests(rows).items():
        parts = (id_slug(venue), symbol_slug(symbol), id_slug(measure.replace(" ", "-")))
        name = "-".join((*parts, id_slug(side)))
        chart = _chart(context, group, name)
        yield figure("Breaches", chart, f"{folder}{name}", has_files=has_files)


def _chart(context: ReportContext, group: Sequence[DatedBacktestRow], name: str) -> Chart:
    first = group[0]
    sizes = [numbers.usd(row.notional) for row in group]
    bars = [
        YearBar(year.year, index, share, _bar_note(sizes[index], year))
        for index, row in enumerate(group)
        for year in row.years
        if (share := year_share(row, year)) is not None
    ]
    lanes = (
        DayMarks("worst breaches", tuple(b.end[:10] for row in group for b in row.worst)),
        DayMarks("table changes", _table_changes(context, first)),
    )
    measure = f"{measure_name(first)[:1].lower()}{measure_name(first)[1:]}"
    title = f"{first.venue} {first.symbol}: {measure}, {first.side}"
    series = f" Prices: {first.series}." if first.series else ""
    svg = year_bars(
        Frame(f"years-{name}", title, ""),
        sizes,
        bars,
        context.document.history.stress_windows,
        lanes,
    )
    return Chart(
        title=title,
        unit="share of moves, by calendar year",
        svg=svg,
        legend=(),
        caption=f"{_caption(group)}{series}",
        columns=(
            "Size",
            "Year",
            "Breaches",
            "Moves",
            "Share",
            "Margin of the day",
            "Largest uncovered",
        ),
        rows=tuple(_cells(group)),
        dates="",
    )


def _bar_note(size: str, year: YearRow) -> str:
    counts = f"{numbers.count(year.breaches)} of {numbers.count(year.observations)}"
    return f"{size}, {year.year}: {counts}"


def _table_changes(context: ReportContext, row: DatedBacktestRow) -> tuple[str, ...]:
    """Returns the days on which another margin of the schedule was first observed."""
    days = {
        point.observed_at[:10]
        for series in context.series_by_underlying.get(row.underlying, ())
        if (series.venue, series.symbol) == (row.venue, row.symbol)
        for before, point in zip(series.points, series.points[1:], strict=False)
        if point.rate != before.rate
    }
    return tuple(sorted(days))


def _caption(group: Sequence[DatedBacktestRow]) -> str:
    row = group[-1]
    breaches = sum(year.breaches for year in row.years)
    moves = sum(year.observations for year in row.years)
    worst = ""
    found = [breach for each in group for breach in each.worst]
    if found:
        deepest = max(found, key=lambda breach: breach.uncovered)
        worst = f" Worst: {numbers.rate(deepest.uncovered)} uncovered on {deepest.end[:10]}."
    unknown = (
        f" {numbers.count_text(row.not_observed, 'move')} on days without a known table."
        if row.not_observed
        else ""
    )
    return (
        f"Against the margin in force when each move began: at {numbers.usd(row.notional)},"
        f" {numbers.count(breaches)} of {numbers.count_text(moves, 'move')} were above it.{unknown}"
        f"{worst} Years with too few moves for a share are in the table only."
    )


def _cells(group: Sequence[DatedBacktestRow]) -> Iterator[tuple[str, ...]]:
    for row in group:
        for year in row.years:
            rates = dict.fromkeys((numbers.rate(year.lowest_rate), numbers.rate(year.highest_rate)))
            yield (
                numbers.usd(row.notional),
                str(year.year),
                numbers.count(year.breaches),
                numbers.count(year.observations),
                numbers.rate(year_share(row, year)),
                " to ".join(rates),
                numbers.rate(year.largest_uncovered),
            )
        not_observed = numbers.count(row.not_observed)
        yield (numbers.usd(row.notional), "not observed", "", not_observed, "", "", "")


def history_table(context: ReportContext, rows: Sequence[DatedBacktestRow]) -> Table:
    """Returns a row per schedule, side and size: breaches over all years of each measure."""
    groups: dict[tuple[str, str, str, float], dict[str, DatedBacktestRow]] = {}
    for row in rows:
        key = (row.venue, row.symbol, row.side, row.notional)
        groups.setdefault(key, {})[row.measure] = row
    listed = [groups[key] for key in sorted(groups)]
    return Table(
        "Breaches of dated tables",
        text(
            "Share of moves above the margin in force when each began, with breaches and moves of all"
            " years, the year with the largest share, and the moves without a known table"
        ),
        (
            "Venue",
            "Contract",
            "Side",
            "#Size",
            *(f"#{name}" for name in _MEASURES.values()),
            "Worst day",
        ),
        [_row(context, measures) for measures in listed],
        tools=len(listed) > SHORT,
        numeric=True,
        css="verdicts",
    )


def _row(context: ReportContext, measures: dict[str, DatedBacktestRow]) -> Row:
    first = next(iter(measures.values()))
    deepest = max(
        (breach for row in measures.values() for breach in row.worst),
        key=lambda breach: breach.uncovered,
        default=None,
    )
    day = deepest.end[:10] if deepest else numbers.NOT_OBSERVABLE
    uncovered = text(f"{numbers.rate(deepest.uncovered)} uncovered") if deepest else NOTHING
    return Row(
        (
            Cell(first.venue, venue_link(context, first.venue, "")),
            Cell(first.symbol, link_to(history_path(first.underlying), first.symbol), "t"),
            Cell(first.side, css="t"),
            number(numbers.usd(first.notional), key=first.notional),
            *(_measure_cell(measures.get(measure)) for measure in _MEASURES),
            Cell(day, _with_note(day, uncovered), "dates"),
        )
    )


def _with_note(words: str, note: Html) -> Html:
    return Html(f"{text(words)}<small>{note}</small>") if note else text(words)


def _measure_cell(row: DatedBacktestRow | None) -> Cell:
    """Returns the share of breaches over all years; with too few moves, their number only."""
    if row is None:
        return number(marks.NOT_OBSERVABLE.sign)
    breaches = sum(year.breaches for year in row.years)
    moves = sum(year.observations for year in row.years)
    share = breaches / moves if moves >= _LEAST.get(row.measure, _LEAST_MOVES) else None
    shares = [(own, year) for year in row.years if (own := year_share(row, year)) is not None]
    highest = max(shares, key=lambda pair: (pair[0], pair[1].year), default=None)
    notes = [f"{numbers.count(breaches)} of {numbers.count(moves)}"]
    if highest:
        notes.append(f"{highest[1].year}: {numbers.rate(highest[0])}")
    if row.not_observed:
        notes.append(f"{numbers.count(row.not_observed)} unknown")
    shown = marks.rate_or_sign(share)
    return number(shown, _with_note(shown, text("; ".join(notes))), key=share)


def history_csv(rows: Sequence[DatedBacktestRow]) -> bytes:
    """Returns a row per backtest and year; rates and uncovered amounts are fractions."""
    heads = (
        *("underlying", "venue", "contract", "side", "measure", "size_usd", "year"),
        *("observations", "breaches", "lowest_rate", "highest_rate"),
        *("largest_uncovered", "not_observed"),
    )
    return csv_bytes(heads, (cells for group in tests(rows).values() for cells in _csv(group)))


def _csv(group: Sequence[DatedBacktestRow]) -> Iterator[list[str]]:
    for row in group:
        names = [row.underlying, row.venue, row.symbol, row.side, row.measure]
        names.append(f"{row.notional:.12g}")
        for year in row.years:
            uncovered = year.largest_uncovered
            yield [
                *names,
                *(str(year.year), str(year.observations), str(year.breaches)),
                *(f"{rate:.9g}" for rate in (year.lowest_rate, year.highest_rate)),
                "" if uncovered is None else f"{uncovered:.9g}",
                str(row.not_observed),
            ]
