"""Pages across all venues: findings, divergence, harmonization index, gap, changes, coverage."""

from collections.abc import Iterable, Iterator, Sequence

from harmonize.document import ArbitrageRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.finding_order import (
    LEVEL_MEANINGS,
    PER_CHECK,
    PER_VENUE,
    VERDICT_MEANINGS,
    group_by_check,
    level_counts,
)
from reports.html.appendix import check_row, coverage_view, exclusions, waiver_views
from reports.html.heat_map import heat_legend, heat_maps, omitted_underlyings
from reports.html.history import history_view
from reports.html.page import CoverageView, HeatMap, LegendEntry, MatrixCell, ReasonRow
from reports.html.ranking import ranking

from reports.site.addresses import cell_anchor, id_slug, rule_set_path, underlying_path, venue_path
from reports.site.figures import figure
from reports.site.finding_tables import finding_list, gravest_table, leading_findings
from reports.site.layout import Page, in_page_links
from reports.site.markup import NOTHING, Html, element, join, link_to, section, text, words
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number, table, table_csv

_LEADING = 40



def findings_page(context: ReportContext) -> Iterator[Page]:
    """Yields the findings by check, and the most severe ones."""
    checks = _check_table(context)
    leading = leading_findings(context.findings, _LEADING)
    caption = f"At most {PER_CHECK} per check and {PER_VENUE} per check and venue, most severe first"
    selected = table(gravest_table(context, "", "Most severe findings", caption, leading))
    unplaced = [
        finding
        for finding in context.findings
        if not finding.venue
        and not finding.underlying
        and finding.rule_set not in context.rule_sets
    ]
    levels = [f"{numbers.count(count)} {level.value}" for level, count in level_counts(context.findings)]
    excluded = exclusions(context.document)
    parts = [
        ("checks", "By check", table(checks, "findings-by-check.csv")),
        ("leading", "Most severe", selected),
        ("other", "On the audit itself", finding_list(unplaced)),
        ("waivers", "Waivers", table(_waiver_table(context))),
        ("meanings", "Levels and verdicts", Html(f"<p>{text(f'{LEVEL_MEANINGS} Verdicts: {VERDICT_MEANINGS}.')}</p>")),
    ]
    yield _page(
        "findings.html",
        "Findings",
        f"{join_words(levels)}. Each finding is on the page of its underlying or venue.{f' {excluded}.' if excluded else ''}",
        parts,
        files=(("findings-by-check.csv", table_csv(checks)),) if checks.rows else (),
    )


def _check_table(context: ReportContext) -> Table:
    rows = []
    for check in group_by_check(context.findings):
        view = check_row(check)
        first = check.findings[0]
        example = " ".join(part for part in (first.venue, first.symbol or first.underlying or first.rule_set) if part)
        rows.append(
            Row(
                (
                    Cell(f"{check.code} {check.name}", Html(f"<code>{text(check.code)}</code> {text(check.name)}")),
                    Cell(view.level, css="level"),
                    number(view.findings, key=len(check.findings)),
                    number(view.venues, key=len(check.venues)),
                    Cell(view.verdicts, css="why"),
                    Cell(example, link_to(context.finding_address(first), example), "why"),
                ),
                f"check-{id_slug(check.code.lower())}",
            )
        )
    return Table(
        "Findings by check",
        text("Checks with findings, most severe first"),
        ("Check", "Level", "#Findings", "#Venues", "Verdicts", "Most severe"),
        rows,
        tools=True,
        numeric=True,
    )


def _waiver_table(context: ReportContext) -> Table:
    rows = [
        Row(
            (
                Cell(view.codes),
                Cell(view.status),
                Cell(view.scope, css="why"),
                Cell(view.reason, css="why"),
                Cell(view.owner),
                Cell(view.expires, css="dates"),
                number(view.findings),
            )
        )
        for view in waiver_views(context.document)
    ]
    heads = ("Checks", "Status", "Scope", "Reason", "Owner", "Expires", "#Findings")
    return Table("Waivers", text("Waivers of the configuration"), heads, rows)


def divergence_page(context: ReportContext) -> Iterator[Page]:
    """Yields the heat maps: deviation of every venue from each reference."""
    maps = heat_maps(context.lookup, context.references)
    ids = [(rule_set.id, kind) for rule_set in context.lookup.references for kind in ("initial", "maintenance")]
    tables = [
        _heat_table(heat_map, rule_set, margin_type, is_first=rule_set == ids[0][0])
        for heat_map, (rule_set, margin_type) in zip(maps, ids, strict=True)
    ]
    omitted = omitted_underlyings(context.lookup).replace("in the JSON document", "on the pages of the underlyings")
    parts = [
        (f"map-{number}", heat_map.title, Html(f"{content}{_legend(heat_legend())}"))
        for number, (heat_map, content) in enumerate(zip(maps, map(table, tables), strict=True))
    ]
    parts.append(("omitted", "Not shown", words("p", f"{omitted}." if omitted else "", css="note")))
    heat = numbers.usd(context.document.heat_map_notional)
    empty = "" if maps else " No rule set of kind schedule applies to an underlying that several venues list."
    yield _page(
        "divergence.html",
        "Divergence from the reference",
        f"Deviation of every venue from the reference at {heat} of notional: −50\N{NO-BREAK SPACE}% is half the required margin, +100\N{NO-BREAK SPACE}% is double. Half and double have the same depth of shade.{empty}",
        parts,
    )


def _heat_table(heat_map: HeatMap, rule_set: str, margin_type: str, *, is_first: bool) -> Table:
    reference = link_to(heat_map.reference.address, heat_map.reference.label)
    caveats = text("; ".join(heat_map.reference.caveats))
    rows = [
        Row(
            (
                Cell(row.venue, link_to(venue_path(row.venue), row.venue)),
                *(
                    _heat_cell(cell, row.venue, name, margin_type, "" if is_first else f"{id_slug(rule_set)}-")
                    for cell, name in zip(row.cells, heat_map.columns, strict=True)
                ),
                Cell(row.dates, css="dates"),
            )
        )
        for row in heat_map.rows
    ]
    return Table(
        heat_map.title,
        Html(f"{text(heat_map.caption)} Reference: {reference} ({caveats})."),
        ("Venue", *heat_map.columns, "Observed"),
        rows,
        css="matrix heat",
    )


def _heat_cell(cell: MatrixCell, venue: str, underlying: str, margin_type: str, prefix: str) -> Cell:
    """Returns a cell with its permalink; a margin leads to the row of its venue."""
    anchor = cell_anchor(venue, underlying, margin_type)
    address = f"{underlying_path(underlying)}#{anchor}"
    is_known = cell.css not in {"nl", "ni"}
    note = f' title="{text(cell.note)}"' if cell.note else ""
    markup = Html(f'<a href="{address}"{note}>{text(cell.text)}</a>') if is_known else NOTHING
    return Cell(cell.text, markup, cell.css, f"{prefix}{anchor}")


def _legend(entries: Iterable[LegendEntry]) -> Html:
    items = "".join(
        f'<li><span class="swatch {entry.css}">{text(entry.sign)}</span> {text(entry.meaning)}</li>'
        for entry in entries
    )
    return Html(f'<ul class="legend">{items}</ul>')


def harmonization_page(context: ReportContext) -> Iterator[Page]:
    """Yields the underlyings by harmonization index, and the venues."""
    view = ranking(context.lookup, context.references)
    underlyings = Table(
        "Harmonization index by underlying",
        text(f"Underlyings by index, the closest to the first reference first. Venue weights: {view.weights}"),
        ("Underlying", "Rank", *(f"#{column}" for column in view.columns), "#Venues", "Notionals", "Dates compared"),
        [
            Row(
                (
                    Cell(row.underlying, link_to(underlying_path(row.underlying), row.underlying)),
                    Cell(row.rank, css="t"),
                    *(number(value) for value in row.values),
                    number(row.venues),
                    Cell(row.notionals, css="dates"),
                    Cell(row.dates, css="dates"),
                )
            )
            for block in view.blocks
            for row in block.rows
        ],
        numeric=True,
    )
    venues = Table(
        "Harmonization index by venue",
        text(f"Venues by mean index over their underlyings. Interval: {view.bar}, 95\N{NO-BREAK SPACE}% bootstrap over underlyings"),
        ("Venue", *(f"#{column}" for column in view.columns), "#Interval", "#Underlyings"),
        [
            Row(
                (
                    Cell(row.venue, link_to(venue_path(row.venue), row.venue)),
                    *(number(value) for value in row.values),
                    number(row.interval),
                    number(row.underlyings),
                )
            )
            for row in view.venues
        ],
        numeric=True,
    )
    overall = words("p", " ".join(view.overall), css="note")
    parts = [
        ("by-underlying", "By underlying", Html(f"{overall}{table(underlyings, 'harmonization.csv')}")),
        ("by-venue", "By venue", table(venues, "harmonization-by-venue.csv")),
    ]
    files = (("harmonization.csv", table_csv(underlyings)), ("harmonization-by-venue.csv", table_csv(venues)))
    yield _page("harmonization.html", "Harmonization index", view.caption, parts if underlyings.rows else [], files=files if underlyings.rows else ())


def gap_page(context: ReportContext) -> Iterator[Page]:
    """Yields the arbitrage gap of every underlying for which it was computed."""
    heat = context.document.heat_map_notional
    listed: dict[str, ArbitrageRow] = {}
    for row in context.document.arbitrages:
        listed.setdefault(row.underlying, row)
    rows = [entry for row in listed.values() for entry in _gap_rows(row, heat)]
    gaps = Table(
        "Arbitrage gap by underlying",
        text(
            f"For a position of {numbers.usd(heat)}: margin required by the reference in one account,"
            " and by the optimal split over venues. The annual cost is the gap at a cost of capital of"
            f" {numbers.rate(context.document.cost_of_capital)}"
        ),
        ("Underlying", "#Reference", "#Optimal split", "#Gap", "#of it divergence", "#of it fragmentation", "#Annual cost", "#Best single venue", "at", "Dates compared"),
        rows,
        tools=True,
        numeric=True,
    )
    references = sorted({row.rule_set for row in listed.values() if row.rule_set})
    links = join([link_to(rule_set_path(name), name) for name in references], ", ")
    note = Html(f'<p class="note">Reference: {links}.</p>') if references else NOTHING
    standfirst = (
        "The arbitrage gap is the margin required by the reference in one account, less the margin of"
        " the optimal split of the position over venues. Divergence is what a common schedule would"
        " close; fragmentation remains, because no venue observes positions at other venues."
    )
    parts = [("gaps", "By underlying", Html(f"{table(gaps, 'gap.csv')}{note}"))] if rows else []
    yield _page("gap.html", "Arbitrage gap", standfirst, parts, files=(("gap.csv", table_csv(gaps)),) if rows else ())


def _gap_rows(row: ArbitrageRow, notional: float) -> Iterator[Row]:
    point = next((point for point in row.points if point.notional == notional), None)
    if point is None:
        return
    amounts = (
        *(point.reference, point.optimal_split, point.gap, point.divergence),
        *(point.fragmentation, point.annual_cost, point.best_single),
    )
    yield Row(
        (
            Cell(row.underlying, link_to(f"{underlying_path(row.underlying)}#gap", row.underlying)),
            *(number(numbers.usd(amount), key=amount) for amount in amounts),
            Cell(join_words(point.best_single_venues, 2), css="t"),
            Cell(numbers.date_range(row.oldest, row.newest), css="dates"),
        ),
        f"gap-{underlying_path(row.underlying).removeprefix('underlyings/').removesuffix('.html')}",
    )


def changes_page(context: ReportContext) -> Iterator[Page]:
    """Yields the changes over time: per venue and week, and where margins changed most."""
    document = context.document
    view = history_view(document.history, document.heat_map_notional, context.styles)
    if view is None:
        yield _page("history.html", "Changes", "The archive holds no changes between observations.", [])
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
        ("underlyings", "By underlying", Html(f"<p>Margins over time are on the pages of {links}.</p>") if links else NOTHING),
        ("weeks", "By venue and week", pair),
        ("stress", "Windows of market stress", table(stress)),
        ("omitted", "Not shown", words("p", view.omitted, css="note")),
    ]
    yield _page(
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
        ("matrix", "Largest underlyings", Html(f"{_matrix(view)}{_legend(view.statuses)}")),
        *(
            (f"reasons-{number}", title, _reason_table(title, rows, omitted))
            for number, (title, rows, omitted) in enumerate(view.reason_tables)
        ),
    ]
    stale = numbers.age(context.document.stale_after_days)
    yield _page(
        "coverage.html",
        "Coverage",
        f"A snapshot is stale from an age of {stale}. Only a complete snapshot shows what a venue does not list. Missing data never counts as compliant.",
        parts,
        files=(("coverage.csv", table_csv(_coverage_table(view))),),
    )


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
    heads = ("Venue", *(f"#{entry.sign.split()[0]} {entry.meaning}" for entry in view.statuses), "Newest snapshot")
    return Table("Coverage by venue", text("Number of underlyings per venue and status"), heads, rows, tools=True, numeric=True)


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
    return table(Table("Coverage matrix", text("Status per venue and underlying"), ("Venue", *view.columns), rows, css="matrix marks"))


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
    content = table(Table(title, text(title), ("Venue", "Status", "Reason", "#Count", "Examples"), rows))
    return Html(f"{content}{words('p', f'{omitted}.' if omitted else '', css='note')}")


def _page(
    path: str,
    title: str,
    standfirst: str,
    parts: Sequence[tuple[str, str, Html]],
    files: tuple[tuple[str, bytes], ...] = (),
) -> Page:
    shown = [part for part in parts if part[2]]
    body = join(
        [
            in_page_links([(anchor, name) for anchor, name, _ in shown]),
            *(section(anchor, name, content) for anchor, name, content in shown),
        ]
    )
    is_scripted = "data-tools" in body
    return Page(path, path, title, text(standfirst), body, scripted=is_scripted, files=files)


