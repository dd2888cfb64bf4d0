"""Page on what margins should be: the frontier of cost against calm, models, signals and episodes."""

from collections.abc import Iterator

from harmonize.document import ThresholdModelRow, ThresholdSection
from harmonize.document.threshold_sentences import asset_sentence
from harmonize.text import numbers
from reports.charts.cost_points import CostPoint, cost_points
from reports.charts.svg import Frame
from reports.html.page import Chart
from reports.site import thresholds_signals as signal_tables
from reports.site import thresholds_tables as tables
from reports.site.adequacy_words import level_text
from reports.site.figures import Figure, figure, with_data
from reports.site.layout import Page, page_of_parts
from reports.site.markup import NOTHING, Html, details, join, text, unordered
from reports.site.markup import words as paragraph
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, csv_bytes, csv_number, table
from reports.site.thresholds_addresses import THRESHOLDS_PATH
from reports.site.thresholds_csv import threshold_files
from reports.site.thresholds_episodes import episode_note, episode_table, shown_episodes
from reports.site.thresholds_method import method_facts, notes, references
from reports.site.thresholds_review import review_file, review_part
from reports.site.thresholds_underlying_page import threshold_pages
from reports.site.thresholds_words import offered_text, signals_text, standfirst

_EMPTY = (
    "No threshold was tested: the document has none, because no prices were archived or the tests were"
    " not requested. The option --thresholds of harmonize report and harmonize run requests them."
)


def thresholds_page(context: ReportContext) -> Iterator[Page]:
    """Yields the page of all underlyings, and one per underlying; without thresholds, one that says so."""
    section = context.document.thresholds
    if not section.rows:
        absent = _absent(section)
        parts = [("absent", "Without a threshold", absent)] if absent else []
        yield page_of_parts(THRESHOLDS_PATH, "Thresholds", _EMPTY, parts)
        return
    frontier = frontier_figure(section)
    parts = [
        ("moves", "Should margins move?", _moves(context, section)),
        ("frontier", "Cost against calm", _frontier(section, frontier)),
        ("models", "What each model asks now", _values(context, section)),
        ("gate", "Report card of the models", _gate(section)),
        ("calibration", "Report card of the calibration", review_part(context, section.review)),
        ("signals", "Signals", _signals(context, section)),
        ("episodes", "Episodes", _episodes(context, section)),
        ("absent", "Without a threshold", _absent(section)),
        ("method", "Method", method_facts(section)),
        ("references", "References", references()),
    ]
    files = (*frontier.files, *threshold_files(section), *review_file(section.review))
    page = page_of_parts(THRESHOLDS_PATH, "Thresholds", standfirst(section), parts, files)
    title = "What should the margins be?"
    yield Page(page.path, page.part, title, page.standfirst, page.body, page.files)
    yield from threshold_pages(context)


def frontier_figure(section: ThresholdSection) -> Figure:
    """Returns the chart of cost against calm: a mark per model and tool, hollow if it fails."""
    level = level_text(section.level)
    title = f"Cost and calm of {level} thresholds"
    points = [_point(row) for row in section.models]
    chart = Chart(
        title=title,
        unit="mean margin as a share of notional",
        svg=cost_points(
            Frame("thresholds", f"{title}, by model and tool", ""), points, section.calm_rise or 0.0
        ),
        legend=(),
        caption=_caption(section),
        columns=("Model", "Tool", "Mean margin", "Rise in 30 days", "Calm", "Covers both sides"),
        rows=tuple(_cells(row) for row in section.models),
        dates=_dates(section),
    )
    data = csv_bytes(_FRONTIER, (_numbers(row) for row in section.models))
    return with_data(figure("Thresholds", chart, "thresholds-frontier"), data)


_FRONTIER = (
    *(
        "model",
        "tool",
        "mean_margin_rate",
        "rise_30d_share",
        "calm",
        "default",
        "covers_both_sides",
    ),
    *("fails", "sides_with_too_many_breaches", "sides"),
)


def _numbers(row: ThresholdModelRow) -> tuple[str, ...]:
    """Returns a row of the CSV file, with numbers unrounded; rates and rises are fractions."""
    figures = (csv_number(row.mean_margin), csv_number(row.rise_30d))
    states = ("yes" if is_so else "no" for is_so in (row.is_calm, row.is_default, not row.fails))
    return (row.model, row.tool, *figures, *states, row.fails, str(row.too_many), str(row.sides))


def _point(row: ThresholdModelRow) -> CostPoint:
    name = (
        f"{row.model}, tool: {row.tool}; mean margin {numbers.rate(row.mean_margin)}, largest 30-day"
        f" rise {numbers.rate(row.rise_30d)}; {row.fails or 'covers both sides'}"
    )
    return CostPoint(
        row.model,
        name,
        row.rise_30d,
        row.mean_margin,
        is_covering=not row.fails,
        is_numbered=row.tool == "none",
        is_marked=row.is_default,
    )


def _cells(row: ThresholdModelRow) -> tuple[str, ...]:
    return (
        f"{row.model}{' (default)' if row.is_default else ''}",
        row.tool,
        numbers.rate(row.mean_margin),
        numbers.rate(row.rise_30d),
        "yes" if row.is_calm else "no",
        f"no: {row.fails}" if row.fails else "yes",
    )


def _caption(section: ThresholdSection) -> str:
    failing = sum(bool(row.fails) for row in section.models)
    paths = numbers.count_text(len(section.models), "path")
    name = "Default, the large mark" if section.has_default else "No default"
    reason = section.default_reason.rstrip(".")
    return (
        f"{name}: {reason}. A mark is a path: a model, by colour and shape, with one tool against"
        " procyclicality, or none (numbered where there is room). Higher: costs more; further right, on a compressed axis: rises"
        f" faster. Dashed: a rise of {level_text(section.calm_rise)}, up to which a path is calm. Hollow:"
        f" fails coverage, {failing} of {paths}."
    )


def _dates(section: ThresholdSection) -> str:
    first = min((row.first_tested for row in section.rows if row.first_tested), default="")
    last = max((row.last_tested for row in section.rows), default="")
    return f"tested {numbers.date_range(first, last)}" if first else "not tested"


def _moves(context: ReportContext, section: ThresholdSection) -> Html:
    short = [text(asset_sentence(row.underlying, row.advice, row.age_days)) for row in section.rows]
    return join(
        [
            table(tables.move_table(context, section), "thresholds.csv"),
            details("Each underlying in a sentence", unordered(short)),
        ]
    )


def _frontier(section: ThresholdSection, frontier: Figure) -> Html:
    remarks = [text(f"{line}.") for line in notes(section)]
    return join([frontier.markup, details("Limits of the data", unordered(remarks))])


def _values(context: ReportContext, section: ThresholdSection) -> Html:
    series = [
        text(
            f"{row.underlying}: "
            + "; ".join(
                f"{part.series} {part.first_day} to {part.last_day}, {part.returns:,} returns"
                for part in row.series
            )
        )
        for row in section.rows
    ]
    shown = table(tables.value_table(context, section), "thresholds-models.csv")
    note = paragraph("p", tables.replaced_text(section), css="note")
    return join([shown, note, details("Series of prices", unordered(series))])


def _gate(section: ThresholdSection) -> Html:
    if not section.gate:
        return NOTHING
    shown = [table(own, "thresholds-gate.csv") for own in tables.gate_tables(section)]
    excluded = [text(f"{row.underlying}: {row.reason}") for row in section.not_judged]
    left_out = details("Underlyings over which no model is judged", unordered(excluded))
    words = paragraph("p", offered_text(section))
    return join([words, *shown, left_out if excluded else NOTHING])


def _signals(context: ReportContext, section: ThresholdSection) -> Html:
    if not section.signals:
        return NOTHING
    records = table(signal_tables.record_table(section), "thresholds-signals.csv")
    on = table(signal_tables.evidence_table(context, section), "thresholds-evidence.csv")
    words = paragraph("p", signals_text(section))
    return join([words, records, on or paragraph("p", "No signal is on.")])


def _episodes(context: ReportContext, section: ThresholdSection) -> Html:
    if not shown_episodes(section):
        return NOTHING
    shown = table(episode_table(context, section), "thresholds-episodes.csv")
    return join([shown, paragraph("p", episode_note(section), css="note")])


def _absent(section: ThresholdSection) -> Html:
    rows = [Row((Cell(row.underlying), Cell(row.reason, css="why"))) for row in section.without]
    caption = text("Underlyings without a threshold, and why")
    return table(Table("Without a threshold", caption, ("Underlying", "Reason"), rows))
