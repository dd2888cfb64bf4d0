"""Page of one underlying: ranks, curves, gap, liquidation, history, findings, schedules."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harmonize.document import ArbitrageRow, Finding, PieceRow, ScheduleRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.charts.curve_lines import CurveLine, Point, curve_lines
from reports.charts.svg import EMPHASISED, Frame, Svg
from reports.html.emphasis import venues_to_name
from reports.html.gap import gap_charts
from reports.html.history import underlying_charts
from reports.html.page import Chart
from reports.lookup import MARGIN_TYPES
from reports.piece_values import margin_at, pieces_of
from reports.site import close_dates, marks, positions, stress_blocks
from reports.site.addresses import underlying_path
from reports.site.adequacy_blocks import underlying_block
from reports.site.figures import Figure, figure, files_of, side_by_side
from reports.site.finding_tables import finding_list
from reports.site.layout import Page, in_page_links
from reports.site.markup import NOTHING, Html, element, join, link, section, text, words
from reports.site.rankings import (
    Contender,
    contenders,
    exclusion_table,
    ranking_table,
    single_table,
)
from reports.site.report_context import ReportContext
from reports.site.schedule_blocks import schedule_block
from reports.site.tables import table
from reports.site.thresholds_underlying_page import threshold_block

_STEPS = 6
_NAMED = 3  # venues named in a note; more are counted
_SCHEDULES_NOTE = "Tiers: upper bound of notional, initial · maintenance margin."


@dataclass(frozen=True, slots=True)
class _Part:
    """Section of the page with the files of its tables and charts."""

    anchor: str
    name: str
    markup: Html
    files: tuple[tuple[str, bytes], ...] = ()


def underlying_pages(context: ReportContext) -> Iterator[Page]:
    """Yields a page per underlying of the document."""
    for underlying in context.underlyings:
        yield _page(context, underlying)


def _page(context: ReportContext, underlying: str) -> Page:
    path = underlying_path(underlying)
    stem = path.removesuffix(".html")
    entries = contenders(context, underlying)
    parts = [part for part in _parts(context, underlying, entries, stem) if part.markup]
    return Page(
        path,
        "underlyings.html",
        f"{underlying}: margins by venue",
        _standfirst(context, underlying, entries),
        join(
            [
                in_page_links([(part.anchor, part.name) for part in parts]),
                *(part.markup for part in parts),
                marks.legend_line([entry.row for entry in entries], "../"),
            ]
        ),
        files=tuple(file for part in parts for file in part.files),
        kicker="Underlying",
    )


def _standfirst(context: ReportContext, underlying: str, entries: Sequence[Contender]) -> Html:
    """Returns the range of IM over the compared venues, with its dates."""
    comparison = context.lookup.comparisons.get(underlying)
    heat = context.document.heat_map_notional
    count = numbers.count_text(len(entries), "venue")
    point = context.lookup.spread_point(underlying, "initial", heat)
    if point is None or comparison is None:
        return text(f"{count} with a margin schedule, none compared.")
    spread = context.lookup.spreads[underlying, "initial"]
    dates = numbers.date_range(spread.oldest, spread.newest)
    if point.lowest == point.highest:
        return text(
            f"{count}. A {numbers.usd(heat)} position required {numbers.rate(point.lowest / heat)}"
            f" at each of the {numbers.count_text(point.venues, 'venue')} compared. Dates compared: {dates}."
        )
    return text(
        f"{count}. A {numbers.usd(heat)} position required from {numbers.rate(point.lowest / heat)}"
        f" ({join_words(context.lookup.named(underlying, point.lowest_venues), 2)}) to {numbers.rate(point.highest / heat)}"
        f" ({join_words(context.lookup.named(underlying, point.highest_venues), 2)}) of notional as"
        f" initial margin, at {numbers.count_text(point.venues, 'venue')} compared."
        f" Dates compared: {dates}."
    )


def _parts(
    context: ReportContext, underlying: str, entries: Sequence[Contender], stem: str
) -> Iterator[_Part]:
    yield _ranking_part(context, underlying, entries, stem)
    close = [table(content) for content in close_dates.of_underlying(context, underlying)]
    markup = section(close_dates.ANCHOR, close_dates.HEADING, close_dates.note(context), *close)
    yield _Part(close_dates.ANCHOR, "Close dates", markup if close else NOTHING)
    yield _figures_part(
        "curves", "Margin by position size", _curves(context, underlying, entries, stem)
    )
    yield _figures_part("gap", "Gap, split and liquidation", _gap(context, underlying, stem))
    yield _figures_part("history", "Changes", _history(context, underlying, stem))
    tested = section("adequacy", "Adequacy", underlying_block(context, underlying))
    yield _Part("adequacy", "Adequacy", tested)
    margin = section("thresholds", "Thresholds", threshold_block(context, underlying))
    yield _Part("thresholds", "Thresholds", margin)
    fallen = section("stress", "Stress", stress_blocks.underlying_block(context, underlying))
    yield _Part("stress", "Stress", fallen)
    findings = context.findings_by_underlying.get(underlying, ())
    yield _Part("findings", "Findings", _findings(context, findings))
    blocks = join(
        schedule_block(context, row) for row in context.schedules_by_underlying.get(underlying, ())
    )
    listed = NOTHING
    if blocks:
        listed = Html(
            f"{words('p', _SCHEDULES_NOTE, css='note')}{element('div', blocks, css='columns')}"
        )
    yield _Part("schedules", "Schedules", section("schedules", "Schedules and evidence", listed))


def _findings(context: ReportContext, findings: Sequence[Finding]) -> Html:
    """Returns the findings; the first mention of a rule set leads to its text and sources."""
    return section("findings", "Findings", finding_list(findings, context.rule_set_links("../")))


def _ranking_part(
    context: ReportContext, underlying: str, entries: Sequence[Contender], stem: str
) -> _Part:
    if not entries:
        return _Part("ranking", "Venues by margin", NOTHING)
    files: tuple[tuple[str, bytes], ...] = ()
    by_size = positions.size_rankings(context, underlying, entries)
    lowest = table(positions.lowest_table(context, by_size))
    if len(entries) == 1:
        single = table(single_table(context, underlying, entries[0]))
        shown = [single, lowest]
    else:
        csv_name = f"{stem.rpartition('/')[2]}.csv"
        shown = [
            positions.answer(context, by_size),
            lowest,
            positions.size_blocks(by_size),
            *(
                table(ranking_table(context, underlying, entries, margin_type), csv_name)
                for margin_type, _ in MARGIN_TYPES
            ),
        ]
        files = ((f"{stem}.csv", positions.by_size_csv(by_size)),)
    shown += [table(exclusion_table(entries)), _absent(context, underlying)]
    return _Part(
        "ranking", "Venues by margin", section("ranking", "Venues by margin", *shown), files
    )


def _absent(context: ReportContext, underlying: str) -> Html:
    """Names or counts the venues of which it is not known whether they list an underlying."""
    absent = sorted(
        venue
        for venue in context.incomplete_venues
        if (venue, underlying) not in context.lookup.coverage
    )
    if not absent:
        return NOTHING
    venues = (
        text(join_words(absent))
        if len(absent) <= _NAMED
        else link("../coverage.html#incomplete", text(numbers.count_text(len(absent), "venue")))
    )
    sign = text(marks.NOT_RECORDED.sign)
    return Html(f'<p class="note">{sign} Not known whether listed at {venues}.</p>')


def _figures_part(anchor: str, name: str, figures: Iterable[Figure]) -> _Part:
    drawn = list(figures)
    if not drawn:
        return _Part(anchor, name, NOTHING)
    return _Part(anchor, name, section(anchor, name, side_by_side(drawn)), files_of(drawn))


def _curves(
    context: ReportContext, underlying: str, entries: Sequence[Contender], stem: str
) -> Iterator[Figure]:
    """Yields the curves of IM and MM of an underlying, where at least two venues are compared."""
    comparison = context.lookup.comparisons.get(underlying)
    if comparison is None or not comparison.is_compared:
        return
    for margin_type, name in MARGIN_TYPES:
        drawn = _curve_lines(context, underlying, entries, margin_type)
        if sum(bool(line.all_points) for line in drawn) > 1:
            yield _curve_figure(context, underlying, name, drawn, f"{stem}-{margin_type}")


def _curve_figure(
    context: ReportContext, underlying: str, name: str, drawn: Sequence[CurveLine], stem: str
) -> Figure:
    ends = _ends(context)
    shown = [line.name for line in drawn if line.is_emphasised and line.all_points]
    others = sum(not line.is_emphasised for line in drawn if line.all_points)
    comparison = context.lookup.comparisons.get(underlying)
    dates = numbers.date_range(comparison.oldest, comparison.newest) if comparison else ""
    grey = ""
    if others:
        count = numbers.count(others)
        grey = f" Named: {join_words(shown)}. {count} more in grey, named on hover and focus."
    missing = [line.name for line in drawn if not line.all_points and line.style is not None]
    missing_text = f" Not observable: {join_words(missing, 4)}." if missing else ""
    caption = (
        f"{name} as a share of notional from {numbers.usd(ends[0])} to {numbers.usd(ends[1])};"
        f" a line ends at the largest position of the venue.{_bound_text(drawn)}{grey}{missing_text}"
    )
    key = f"curve-{stem.rpartition('-')[2]}"
    frame = Frame(key, f"{name} on {underlying}", "")
    svg: Svg = curve_lines(frame, drawn, ends)
    chart = Chart(name, "share of notional, by notional", svg, (), caption, (), (), dates)
    has_file = underlying in context.lookup.curves
    return figure(underlying, chart, stem, has_files=has_file)


def _bound_text(drawn: Sequence[CurveLine]) -> str:
    """Explains the marks of lower bounds and of margins that were not observed, where they occur."""
    parts = []
    if any(line.bound for line in drawn):
        parts.append(
            " A faint dotted line and ≥ mark a lower bound: the venue requires at least that margin."
        )
    if any(line.is_open and line.all_points for line in drawn):
        parts.append(" A pale square marks the size above which margins were not observed.")
    if any(line.is_aside and line.is_emphasised and line.all_points for line in drawn):
        parts.append(" Thin, with its name in italics: excluded from comparisons.")
    return "".join(parts)


def _ends(context: ReportContext) -> Point:
    grid = context.document.notional_grid or (1e4, 1e8)
    first, last = grid[0], grid[-1]
    return (first, last) if first < last else (first / 10.0, first * 10.0)


def _curve_lines(
    context: ReportContext, underlying: str, entries: Sequence[Contender], margin_type: str
) -> list[CurveLine]:
    references = [
        CurveLine(
            curve.name,
            _within(zip(curve.notional, curve.rate, strict=True), _ends(context)),
            None,
            is_emphasised=True,
        )
        for curve in context.lookup.curves.get(underlying, ())
        if curve.is_reference and curve.margin_type == margin_type
    ]
    emphasised = _emphasised(context, entries, margin_type, EMPHASISED - len(references))
    lines = [
        _venue_line(context, entry, margin_type, is_emphasised=entry.row.venue in emphasised)
        for entry in entries
    ]
    return [*references, *lines]


def _venue_line(
    context: ReportContext, entry: Contender, margin_type: str, *, is_emphasised: bool
) -> CurveLine:
    row = entry.row
    ends = _ends(context)
    pieces = pieces_of(row, margin_type)
    top = max((piece.upper or ends[1] for piece in pieces), default=0.0)
    return CurveLine(
        row.venue,
        _points(row, [piece for piece in pieces if not piece.bound], ends),
        context.styles[row.venue],
        is_emphasised,
        _points(row, [piece for piece in pieces if piece.bound], ends),
        is_open=row.capacity is None or top < min(row.capacity, ends[1]),
        is_aside=entry.is_excluded,
        mark=marks.margin_marks(row, margin_type),
    )


def _within(points: Iterable[Point], ends: Point) -> tuple[Point, ...]:
    return tuple(point for point in points if ends[0] <= point[0] <= ends[1])


def _emphasised(
    context: ReportContext, entries: Sequence[Contender], margin_type: str, limit: int
) -> frozenset[str]:
    heat = context.document.heat_map_notional
    compared = [
        (margin.amount, entry.row.venue)
        for entry in entries
        if not entry.is_excluded
        and (margin := margin_at(entry.row, margin_type, heat)).amount is not None
    ]
    return venues_to_name(compared, [entry.row.venue for entry in entries], limit)


def _points(row: ScheduleRow, pieces: Sequence[PieceRow], ends: Point) -> tuple[Point, ...]:
    """Returns the margin rate on some pieces of a schedule, up to the largest position."""
    first, last = ends[0], min(ends[1], row.capacity if row.capacity is not None else ends[1])
    points: list[Point] = []
    for piece in pieces:
        lower, upper = max(piece.lower, first), min(piece.upper or last, last)
        if lower >= upper:
            continue
        steps = _STEPS if piece.fixed or piece.coefficient else 1
        for step in range(steps + 1):
            notional = lower * (upper / lower) ** (step / steps)
            rate = piece.rate + piece.fixed / notional
            if piece.coefficient:
                rate += piece.coefficient * notional ** (piece.power - 1.0)
            points.append((notional, rate))
    return _thinned(points)


def _thinned(points: Sequence[Point]) -> tuple[Point, ...]:
    """Drops points between two equal rates: a level line needs its ends only."""
    return tuple(
        point
        for index, point in enumerate(points)
        if not (
            0 < index < len(points) - 1 and points[index - 1][1] == point[1] == points[index + 1][1]
        )
    )


def _gap(context: ReportContext, underlying: str, stem: str) -> Iterator[Figure]:
    row: ArbitrageRow | None = next(
        (row for row in context.document.arbitrages if row.underlying == underlying), None
    )
    liquidations = context.liquidations.get(underlying, ())
    charts = gap_charts(context.lookup, row, liquidations, context.styles)
    for name, chart in charts:
        yield figure(underlying, chart, f"{stem}-{name}")


def _history(context: ReportContext, underlying: str, stem: str) -> Iterator[Figure]:
    series = context.series_by_underlying.get(underlying, ())
    if not series:
        return
    charts, _ = underlying_charts(
        series,
        context.document.history,
        context.document.heat_map_notional,
        context.styles,
        0,
    )
    for number, chart in enumerate(charts):
        yield figure(underlying, chart, f"{stem}-history-{number + 1}")
