"""Venues on one underlying, ranked by margin, as tables of its page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harmonize.document import Member, ScheduleRow
from harmonize.document.ranks import ranks_of
from harmonize.text import numbers
from harmonize.text.words import margin_abbreviation
from reports.lookup import MARGIN_TYPES, date_text
from reports.piece_values import Margin, margin_at
from reports.site import marks
from reports.site.addresses import cell_anchor, id_slug, schedule_anchor, venue_path
from reports.site.markup import Html, link_to, text
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number

SHORT = 12
"""Number of rows that are read without sorting and searching."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Venue on an underlying: its schedule, and its place in comparisons."""

    row: ScheduleRow
    member: Member | None

    @property
    def is_excluded(self) -> bool:
        """Whether the venue is excluded from cross-venue statistics."""
        return bool(self.exclusion_reason)

    @property
    def exclusion_reason(self) -> str:
        """Why no figure across venues includes it; empty if it is not excluded."""
        if self.member is None or self.row.not_trading:
            return self.row.not_trading
        return "" if self.member.included else self.member.exclusion_reason or "excluded"


def contenders(context: ReportContext, underlying: str) -> list[Contender]:
    """Returns the schedule that represents each venue, in the order of the venues."""
    by_venue: dict[str, Contender] = {}
    comparison = context.lookup.comparisons.get(underlying)
    for member in comparison.members if comparison else ():
        row = context.lookup.schedule(member)
        if row is not None:
            by_venue[row.venue] = Contender(row, member)
    rows = context.schedules_by_underlying.get(underlying, [])
    for row in sorted(rows, key=lambda row: not _represents(context, row)):
        if row.venue not in by_venue:
            by_venue[row.venue] = Contender(row, None)
    return [by_venue[venue] for venue in sorted(by_venue)]


def _represents(context: ReportContext, row: ScheduleRow) -> bool:
    covered = context.lookup.coverage.get((row.venue, row.underlying))
    return covered is not None and covered.symbol == row.symbol


def sizes(context: ReportContext) -> tuple[float, ...]:
    """Returns the notionals of rankings, in USD."""
    return context.document.notional_grid


def ranking_table(
    context: ReportContext, underlying: str, entries: Sequence[Contender], margin_type: str
) -> Table:
    """Returns the venues by IM or MM at the notional of the heat map, lowest first.

    The table of IM also names contract, date and leverage; both follow the same marks. A column in
    which no venue has a value is absent.
    """
    heat = context.document.heat_map_notional
    margins = {entry.row.venue: margin_at(entry.row, margin_type, heat) for entry in entries}
    ordered = sorted(entries, key=lambda entry: _order(entry, margins[entry.row.venue]))
    ranks = _ranks([(entry, margins[entry.row.venue].amount) for entry in ordered])
    columns = _Columns(context, underlying, margin_type, sizes(context))
    rows = [
        _ranking_row(columns, entry, rank, margins[entry.row.venue])
        for entry, rank in zip(ordered, ranks, strict=True)
    ]
    return Table(
        label=f"{margin_abbreviation(margin_type)} by venue",
        caption=_caption(columns),
        heads=columns.heads,
        rows=rows,
        tools=len(rows) > SHORT,
        numeric=True,
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    """What all rows of a ranking share."""

    context: ReportContext
    underlying: str
    margin_type: str
    notionals: tuple[float, ...]

    @property
    def heat(self) -> float:
        """Notional by which venues are ranked, in USD."""
        return self.context.document.heat_map_notional

    @property
    def is_initial(self) -> bool:
        """Whether the table is of IM."""
        return self.margin_type == "initial"

    @property
    def heads(self) -> tuple[str, ...]:
        """Heads of the columns."""
        return (
            *("Venue", f"#Rank at {numbers.usd(self.heat)}"),
            *(f"#{numbers.usd(size)}" for size in self.notionals),
            *([f"#Leverage at {numbers.usd(self.heat)}"] if self.is_initial else []),
            *(["Contract", "Observed"] if self.is_initial else []),
        )


def _ranking_row(columns: _Columns, entry: Contender, rank: str, margin: Margin) -> Row:
    venue = entry.row.venue
    cells = [
        _venue_cell(venue, columns),
        number(rank, key=float(rank) if rank.isdigit() else None),
        *(_margin_cell(columns, entry, size) for size in columns.notionals),
    ]
    if columns.is_initial:
        cells += [_leverage_cell(margin, columns.heat), _contract_cell(entry.row)]
        cells.append(_date_cell(entry))
    return Row(tuple(cells), f"venue-{id_slug(venue)}" if columns.is_initial else "")


def single_table(context: ReportContext, underlying: str, entry: Contender) -> Table:
    """Returns IM and MM of the only venue on an underlying, which has no rank."""
    heat = context.document.heat_map_notional
    columns = _Columns(context, underlying, "initial", sizes(context))
    venue = entry.row.venue
    rows = []
    for margin_type, _ in MARGIN_TYPES:
        of_type = replace(columns, margin_type=margin_type)
        cells = [_venue_cell(venue, of_type), Cell(margin_abbreviation(margin_type), css="t")]
        cells += [_margin_cell(of_type, entry, size) for size in of_type.notionals]
        if of_type.is_initial:
            cells.append(_leverage_cell(margin_at(entry.row, margin_type, heat), heat))
            cells += [_contract_cell(entry.row), _date_cell(entry)]
        else:
            cells += [Cell("")] * 3
        rows.append(Row(tuple(cells), f"venue-{id_slug(venue)}" if of_type.is_initial else ""))
    return Table(
        label="Margins",
        caption=text(f"Margin on {underlying} as a share of notional"),
        heads=(
            *("Venue", "Margin"),
            *(f"#{numbers.usd(size)}" for size in columns.notionals),
            *(f"#Leverage at {numbers.usd(heat)}", "Contract", "Observed"),
        ),
        rows=rows,
        numeric=True,
    )


def _venue_cell(venue: str, columns: _Columns) -> Cell:
    """Returns the name of a venue; in the rows of IM it leads to the page of the venue."""
    return Cell(venue, link_to(f"../{venue_path(venue)}" if columns.is_initial else "", venue))


def _caption(columns: _Columns) -> Html:
    name = text(
        f"{columns.margin_type.capitalize()} margin on {columns.underlying} as a share of notional"
    )
    return Html(f"<strong>{name}</strong>, lowest at {text(numbers.usd(columns.heat))} first")


def _order(entry: Contender, margin: Margin) -> tuple[bool, bool, float, str]:
    amount = margin.amount
    return amount is None, entry.is_excluded, amount or 0.0, entry.row.venue


def _ranks(ordered: Sequence[tuple[Contender, float | None]]) -> list[str]:
    """Returns the rank of each venue: equal margins share one, excluded venues have none."""
    counted = [
        (entry.row.venue, amount)
        for entry, amount in ordered
        if amount is not None and not entry.is_excluded
    ]
    ranks = ranks_of([amount for _, amount in counted])
    by_venue = {venue: str(rank) for (venue, _), rank in zip(counted, ranks, strict=True)}
    return [by_venue.get(entry.row.venue, numbers.NOT_OBSERVABLE) for entry, _ in ordered]


def row_signs(entry: Contender) -> str:
    """Returns the signs of a venue's margins; the date itself states whether it is exact."""
    all_marks = marks.schedule_marks(entry.row, is_excluded=entry.is_excluded)
    shown = "".join(mark.sign for mark in all_marks if mark is not marks.DATE_BOUND)
    return f" {shown}" if shown else ""


def _margin_cell(columns: _Columns, entry: Contender, notional: float) -> Cell:
    margin_type = columns.margin_type
    margin = margin_at(entry.row, margin_type, notional)
    is_ranked = notional == columns.heat
    anchor = cell_anchor(entry.row.venue, columns.underlying, margin_type) if is_ranked else ""
    if margin.is_above_capacity:
        return number(marks.ABOVE_CAPACITY.sign, anchor=anchor)
    if margin.amount is None:
        return number(margin.at_least or marks.NOT_OBSERVABLE.sign, anchor=anchor)
    rate = margin.amount / notional
    words = f"{numbers.rate(rate)}{marks.margin_marks(entry.row, margin_type)}"
    return number(words, anchor=anchor, key=rate)


def _leverage_cell(margin: Margin, notional: float) -> Cell:
    if not margin.amount:
        return number(numbers.NOT_OBSERVABLE)
    leverage = notional / margin.amount
    return number(numbers.leverage(leverage), key=leverage)


def _date_cell(entry: Contender) -> Cell:
    return Cell(date_text(entry.row) + row_signs(entry), css="dates")


def _contract_cell(row: ScheduleRow) -> Cell:
    name = row.symbol if row.profile == "any" else f"{row.symbol} · {row.profile}"
    anchor = schedule_anchor(row.venue, row.symbol, row.profile)
    return Cell(name, link_to(f"#{anchor}", name), "t")


def status_text(entry: Contender, margin_type: str, margin: Margin) -> str:
    """Returns how a margin is known, for files in which a number has no mark."""
    is_unverified = marks.margin_marks(entry.row, margin_type) == marks.UNVERIFIED.sign
    is_bound = margin.amount is None and margin.at_least
    parts = [marks.LOWER_BOUND.name] * bool(is_bound) + [marks.UNVERIFIED.name] * is_unverified
    return ", ".join([*parts, *([marks.EXCLUDED.name] if entry.is_excluded else [])])


def exclusion_table(entries: Sequence[Contender]) -> Table:
    """Returns the venues that no figure across venues includes, with the reason."""
    rows = [
        Row(
            (
                Cell(
                    entry.row.venue, link_to(f"../{venue_path(entry.row.venue)}", entry.row.venue)
                ),
                Cell(entry.exclusion_reason, css="why"),
            )
        )
        for entry in entries
        if entry.is_excluded
    ]
    return Table(
        "Venues excluded",
        text("Excluded from ranks and from figures across venues"),
        ("Venue", "Reason"),
        rows,
    )
