"""Pages on what was observed: changes over time, and coverage."""

from collections.abc import Iterator, Sequence

from harmonize.text import numbers
from reports.html.appendix import coverage_view
from reports.html.history import history_view
from reports.html.page import CoverageView, ReasonRow
from reports.site import marks
from reports.site.addresses import id_slug, underlying_path, venue_path
from reports.site.figures import figure
from reports.site.layout import Page, legend_list, page_of_parts
from reports.site.markup import NOTHING, Html, element, join, link_to, text, words
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number, table, table_csv


def changes_page(context: ReportContext) -> Iterator[Page]:
    """Yields the changes over time: per venue and week, and where margins changed most."""
    document = context.document
    view = history_view(document.history, document.heat_map_notional, context.styles)
    if view is None:
        yield page_of_parts(
            "history.html", "Changes", "The archive holds no changes between observations.", []
        )
        return
    weekly = [
        figure("All venues", chart, f"changes-{id_slug(chart.title)}")
        for part in view.sections
        if part.anchor == "history-weeks"
        for chart in part.charts
    ]
    with_series = sorted({series.underlying for series in document.history.series})
    links = join([link_to(f"{underlying_path(name)}#history", name) for name in with_series], ", ")
    stress = Table(
        "Windows of market stress",
        text(
            "Days on which BTC fell 15\N{NO-BREAK SPACE}% or more below the previous close, or the median of"
            " seven large coins 18\N{NO-BREAK SPACE}% or more; days at most three apart form one window"
        ),
        ("Days", "Deepest fall", "Price source"),
        [Row(tuple(map(Cell, row))) for row in view.stress],
    )
    pair = element("div", join(drawn.markup for drawn in weekly), css="pair") if weekly else NOTHING
    parts = [
        (
            "underlyings",
            "By underlying",
            Html(f"<p>Margins over time are on the pages of {links}.</p>") if links else NOTHING,
        ),
        ("weeks", "By venue and week", pair),
        ("stress", "Windows of market stress", table(stress)),
        ("omitted", "Not shown", words("p", view.omitted, css="note")),
    ]
    yield page_of_parts(
        "history.html",
        "Changes",
        "A margin holds from one observation to the next: a step marks the first observation of a change, which can be later than the change itself.",
        parts,
        files=tuple(file for drawn in weekly for file in drawn.files),
    )


def coverage_page(context: ReportContext) -> Iterator[Page]:
    """Yields what was observed, and every reason for missing data."""
    view = coverage_view(context.lookup)
    parts = [
        ("venues", "By venue", table(_coverage_table(view), "coverage.csv")),
        ("incomplete", "Recordings that are not complete", _incomplete(context)),
        ("matrix", "Largest underlyings", Html(f"{_matrix(view)}{legend_list(view.statuses)}")),
        *(
            (f"reasons-{number}", title, _reason_table(title, rows, omitted))
            for number, (title, rows, omitted) in enumerate(view.reason_tables)
        ),
    ]
    stale = numbers.age(context.document.stale_after_days)
    yield page_of_parts(
        "coverage.html",
        "Coverage",
        f"A snapshot is stale from an age of {stale}. Only a complete snapshot shows what a venue does not list. Missing data never counts as compliant.",
        parts,
        files=(("coverage.csv", table_csv(_coverage_table(view))),),
    )


def _incomplete(context: ReportContext) -> Html:
    """Names the venues that may list more underlyings than were observed."""
    venues = sorted(context.incomplete_venues)
    links = join([link_to(venue_path(venue), venue) for venue in venues], ", ")
    sign = text(marks.NOT_RECORDED.sign)
    meaning = f"{sign} An underlying without a schedule may be listed at"
    return Html(f"<p>{meaning} {links}.</p>") if venues else NOTHING


def _coverage_table(view: CoverageView) -> Table:
    rows = [
        Row(
            (
                Cell(row.venue, link_to(venue_path(row.venue), row.venue)),
                *(number(count, key=float(count.replace(",", ""))) for count in row.counts),
                Cell(row.observed_at, css="dates"),
            )
        )
        for row in view.venues
    ]
    heads = (
        "Venue",
        *(f"#{entry.sign.split()[0]} {entry.meaning}" for entry in view.statuses),
        "Newest snapshot",
    )
    return Table(
        "Coverage by venue",
        text("Number of underlyings per venue and status"),
        heads,
        rows,
        tools=True,
        numeric=True,
    )


def _matrix(view: CoverageView) -> Html:
    rows = [
        Row(
            (
                Cell(row.venue, link_to(venue_path(row.venue), row.venue)),
                *(Cell(cell.text, css=cell.css) for cell in row.cells),
            )
        )
        for row in view.matrix
    ]
    return table(
        Table(
            "Coverage matrix",
            text("Status per venue and underlying"),
            ("Venue", *view.columns),
            rows,
            css="matrix marks",
        )
    )


def _reason_table(title: str, reasons: Sequence[ReasonRow], omitted: str) -> Html:
    rows = [
        Row(
            (
                Cell(row.venue, link_to(venue_path(row.venue), row.venue)),
                Cell(row.status),
                Cell(row.reason, css="why"),
                number(row.count),
                Cell(row.examples, css="why"),
            )
        )
        for row in reasons
    ]
    content = table(
        Table(title, text(title), ("Venue", "Status", "Reason", "#Count", "Examples"), rows)
    )
    return Html(f"{content}{words('p', f'{omitted}.' if omitted else '', css='note')}")
