"""Pages that compare all venues: divergence, harmonization index, arbitrage gap."""

from collections.abc import Iterator, Sequence

from harmonize.document import ArbitrageRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.html.heat_map import heat_legend, heat_maps, omitted_underlyings
from reports.html.page import HeatMap, LegendEntry, MatrixCell
from reports.html.ranking import ranking
from reports.site import close_dates
from reports.site.addresses import cell_anchor, id_slug, underlying_path, venue_path
from reports.site.layout import Page, legend_list, page_of_parts
from reports.site.marks import UNVERIFIED
from reports.site.markup import NOTHING, Html, join, link_to, text, words
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, joint_csv, number, table, table_csv

_HEAT_CSV = "divergence.csv"
_UNVERIFIED = LegendEntry("", UNVERIFIED.sign, UNVERIFIED.meaning)


def divergence_page(context: ReportContext) -> Iterator[Page]:
    """Yields the heat maps: deviation of every venue from each reference."""
    maps = heat_maps(context.lookup, context.references)
    ids = [
        (rule_set.id, kind)
        for rule_set in context.lookup.references
        for kind in ("initial", "maintenance")
    ]
    tables = [
        _heat_table(
            context, heat_map, margin_type, "" if rule_set == ids[0][0] else f"{id_slug(rule_set)}-"
        )
        for heat_map, (rule_set, margin_type) in zip(maps, ids, strict=True)
    ]
    omitted = omitted_underlyings(context.lookup).replace(
        "in the JSON document", "on the pages of the underlyings"
    )
    parts = [
        (
            f"map-{number}",
            heat_map.title,
            Html(f"{table(content, _HEAT_CSV)}{legend_list((*heat_legend(), _UNVERIFIED))}"),
        )
        for number, (heat_map, content) in enumerate(zip(maps, tables, strict=True))
    ]
    parts.append(("omitted", "Not shown", words("p", f"{omitted}." if omitted else "", css="note")))
    heat = numbers.usd(context.document.heat_map_notional)
    empty = (
        ""
        if maps
        else " No rule set of kind schedule applies to an underlying that several venues list."
    )
    yield page_of_parts(
        "divergence.html",
        "Divergence from the reference",
        f"Deviation of every venue from the reference at {heat} of notional: −50\N{NO-BREAK SPACE}% is half the required margin, +100\N{NO-BREAK SPACE}% is double. Half and double have the same depth of shade.{empty}",
        parts,
        files=((_HEAT_CSV, _heat_csv(maps, tables)),) if maps else (),
    )


def _heat_csv(maps: Sequence[HeatMap], tables: Sequence[Table]) -> bytes:
    named = [(heat_map.title, content) for heat_map, content in zip(maps, tables, strict=True)]
    return joint_csv(named, "deviation")


def _heat_table(context: ReportContext, heat_map: HeatMap, margin_type: str, prefix: str) -> Table:
    """Returns a heat map as a table; `prefix` keeps the anchors of several rule sets apart."""
    reference = link_to(heat_map.reference.address, heat_map.reference.label)
    caveats = text("; ".join(heat_map.reference.caveats))
    rows = [
        Row(
            (
                Cell(row.venue, link_to(venue_path(row.venue), row.venue)),
                *(
                    _heat_cell(context, cell, (row.venue, name, margin_type), prefix)
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


def _heat_cell(
    context: ReportContext, cell: MatrixCell, names: tuple[str, str, str], prefix: str
) -> Cell:
    """Returns a cell with its permalink; a margin leads to the row of its venue.

    `names` are venue, underlying and margin type.
    """
    venue, underlying, _ = names
    anchor = cell_anchor(*names)
    fragment = f"#{anchor}" if (venue, underlying) in context.pairs else ""
    address = f"{underlying_path(underlying)}{fragment}"
    is_known = cell.css not in {"nl", "ni"}
    is_number = cell.css[:1] in {"u", "o", "z"}
    sign = UNVERIFIED.sign if is_number and names in context.unverified else ""
    shown = f"{cell.text}{sign}"
    note = f' title="{text(cell.note)}"' if cell.note else ""
    markup = Html(f'<a href="{address}"{note}>{text(shown)}</a>') if is_known else NOTHING
    return Cell(shown, markup, cell.css, f"{prefix}{anchor}")


def _close_dates(context: ReportContext) -> Html:
    """Returns the table of the key message on the average difference; nothing without one."""
    compared = close_dates.indices_table(context)
    return Html(f"{close_dates.note(context)}{table(compared)}") if compared else NOTHING


def harmonization_page(context: ReportContext) -> Iterator[Page]:
    """Yields the underlyings by harmonization index, and the venues."""
    view = ranking(context.lookup, context.references)
    underlyings = Table(
        "Harmonization index by underlying",
        text(
            f"Underlyings by index, the closest to the first reference first. Venue weights: {view.weights}"
        ),
        (
            "Underlying",
            "Rank",
            *(f"#{column}" for column in view.columns),
            "#Venues",
            "Notionals",
            "Dates compared",
        ),
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
        text(
            f"Venues by mean index over their underlyings. Interval: {view.bar}, 95\N{NO-BREAK SPACE}% bootstrap over underlyings"
        ),
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
        (
            "by-underlying",
            "By underlying",
            Html(f"{overall}{table(underlyings, 'harmonization.csv')}"),
        ),
        ("by-venue", "By venue", table(venues, "harmonization-by-venue.csv")),
        (close_dates.ANCHOR, close_dates.HEADING, _close_dates(context)),
    ]
    files = (
        ("harmonization.csv", table_csv(underlyings)),
        ("harmonization-by-venue.csv", table_csv(venues)),
    )
    yield page_of_parts(
        "harmonization.html",
        "Harmonization index",
        view.caption,
        parts if underlyings.rows else [],
        files=files if underlyings.rows else (),
    )


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
        (
            "Underlying",
            "#Reference",
            "#Optimal split",
            "#Gap",
            "#of it divergence",
            "#of it fragmentation",
            "#Annual cost",
            "#Best single venue",
            "at",
            "Dates compared",
        ),
        rows,
        tools=True,
        numeric=True,
    )
    references = sorted({row.rule_set for row in listed.values() if row.rule_set})
    links = join([context.rule_set_link(name, "") for name in references], ", ")
    note = Html(f'<p class="note">Reference: {links}.</p>') if references else NOTHING
    standfirst = (
        "The arbitrage gap is the margin required by the reference in one account, less the margin of"
        " the optimal split of the position over venues. Divergence is what a common schedule would"
        " close; fragmentation remains, because no venue observes positions at other venues."
    )
    parts = [("gaps", "By underlying", Html(f"{table(gaps, 'gap.csv')}{note}"))] if rows else []
    yield page_of_parts(
        "gap.html",
        "Arbitrage gap",
        standfirst,
        parts,
        files=(("gap.csv", table_csv(gaps)),) if rows else (),
    )


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
