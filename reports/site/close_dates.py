"""Comparisons of observations with exact dates close together, as the key messages state them.

Each is a table on the page to which its message leads, of exactly the observations compared.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

from harmonize.document import DivergenceRow, Index, LiquidationRow, RuleSetRow, Verdict
from harmonize.document.cross_venue import Spread, SpreadPoint
from harmonize.text import numbers
from harmonize.text.messages import dollars
from harmonize.text.words import join_words
from reports.charts.dates import day_number
from reports.finding_order import EVALUATED
from reports.lookup import date_text
from reports.piece_values import margin_at
from reports.site.addresses import rule_set_path, underlying_path
from reports.site.markup import Html, link_to, text, words
from reports.site.rankings import contenders
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number

ANCHOR = "close-dates"
"""Anchor of the section with these tables on each page."""

HEADING = "Observations with exact dates close together"
"""Heading of that section."""

RETAIL_ANCHOR = "retail"
"""Anchor of the table of statutory minimums on the page of rule sets."""

_NAMED = 3


def close_points(context: ReportContext) -> list[tuple[Spread, SpreadPoint]]:
    """Returns the range of IM per underlying at the notional of the heat map."""
    notional = context.document.heat_map_notional
    return [
        (spread, point)
        for spread in context.document.headlines.spreads
        if spread.margin_type == "initial"
        for point in spread.points
        if point.notional == notional and point.lowest > 0
    ]


def close_indices(context: ReportContext) -> list[Index]:
    """Returns the indices of IM against the median of the venues, the farthest first."""
    own = [
        row
        for row in context.document.headlines.indices
        if row.margin_type == "initial" and "median" in row.reference and row.value > 0
    ]
    return sorted(own, key=lambda row: (row.value, row.underlying))


def average_factor(index: Index) -> float:
    """Returns the average factor between a venue's margin and the reference; 1 if all are equal."""
    return 100.0 / index.value


def middle_index(context: ReportContext) -> Index | None:
    """Returns the index in the middle of all underlyings, the lower of two; None without one."""
    indices = close_indices(context)
    if not indices:
        return None
    middle = median_low([row.value for row in indices])
    return next(row for row in indices if row.value == middle)


def close_liquidations(context: ReportContext, underlying: str) -> list[LiquidationRow]:
    """Returns the distances at equal leverage of venues with exact dates close together, nearest first."""
    rows = [row for row in context.liquidations.get(underlying, ()) if _is_comparable(row)]
    group = _close_together(rows, context.document.headlines.span_days)
    return sorted(group, key=lambda row: (row.adverse_move_long or 0.0, row.venue))


def _is_comparable(row: LiquidationRow) -> bool:
    return (
        row.leverage_basis == "equal"
        and row.included
        and row.date_kind == "exact"
        and row.adverse_move_long is not None
    )


def _close_together(rows: Sequence[LiquidationRow], span_days: int) -> list[LiquidationRow]:
    """Returns the largest set of rows observed within a span, the newest of equal ones."""
    ordered = sorted(rows, key=lambda row: (row.observed_at, row.venue))
    best: list[LiquidationRow] = []
    for first in ordered:
        start = day_number(first.observed_at)
        within = [row for row in ordered if 0.0 <= day_number(row.observed_at) - start <= span_days]
        best = within if len(within) >= len(best) else best
    return best


def note(context: ReportContext) -> Html:
    """States which observations the tables compare."""
    days = numbers.count_text(context.document.headlines.span_days, "day")
    return words(
        "p",
        f"Only observations with exact dates within {days} of each other. The key messages state these"
        " numbers; the other tables of this report compare observations of any date.",
        css="note",
    )


def margins_table(context: ReportContext, underlying: str) -> Table | None:
    """Returns the IM of each venue that a key message on one underlying compares, lowest first."""
    found = next((pair for pair in close_points(context) if pair[0].underlying == underlying), None)
    if found is None:
        return None
    spread, point = found
    rows = []
    for entry in contenders(context, underlying):
        margin = margin_at(entry.row, "initial", point.notional).amount
        if entry.row.venue in spread.venues and margin is not None:
            rows.append((margin, entry.row))
    rows.sort(key=lambda pair: (pair[0], pair[1].venue))
    size = numbers.usd(point.notional)
    names = [context.lookup.named(underlying, (row.venue,))[0] for _, row in rows]
    return Table(
        "Initial margin, exact dates close together",
        text(f"Initial margin of a {size} position at the venues compared"),
        ("Venue", "#Margin", "#Rate", "#Multiple of the lowest", "Observed"),
        [
            Row(
                (
                    Cell(name),
                    number(dollars(margin), key=margin),
                    number(numbers.rate(margin / point.notional), key=margin / point.notional),
                    number(numbers.times(margin / point.lowest), key=margin / point.lowest),
                    Cell(date_text(row), css="dates"),
                )
            )
            for name, (margin, row) in zip(names, rows, strict=True)
        ],
        numeric=True,
    )


def liquidation_table(context: ReportContext, underlying: str) -> Table | None:
    """Returns the fall that liquidates a position at each venue that a key message compares."""
    rows = close_liquidations(context, underlying)
    if len(rows) < 2:  # noqa: PLR2004 - a comparison needs two
        return None
    size = numbers.usd(rows[0].notional)
    leverage = numbers.leverage(rows[0].leverage)
    return Table(
        "Distance to liquidation, exact dates close together",
        text(
            f"Fall of the price that liquidates a {size} position with {leverage} leverage, before fees"
        ),
        ("Venue", "#Fall to liquidation", "Observed"),
        [
            Row(
                (
                    Cell(row.venue),
                    number(numbers.rate(row.adverse_move_long), key=row.adverse_move_long),
                    Cell(date_text(row), css="dates"),
                )
            )
            for row in rows
        ],
        numeric=True,
    )


def underlyings_table(context: ReportContext) -> Table | None:
    """Returns the lowest and the highest IM of every underlying that the key messages compare."""
    points = close_points(context)
    if not points:
        return None
    points.sort(key=lambda pair: (-pair[1].highest / pair[1].lowest, pair[0].underlying))
    size = numbers.usd(context.document.heat_map_notional)
    return Table(
        "Underlyings, exact dates close together",
        text(f"Initial margin of a {size} position: every underlying with two such venues or more"),
        (
            *("Underlying", "#Venues", "#Lowest", "Lowest at", "#Highest", "Highest at"),
            *("#Highest ÷ lowest", "Dates compared"),
        ),
        [_underlying_row(context, spread, point) for spread, point in points],
        numeric=True,
    )


def _underlying_row(context: ReportContext, spread: Spread, point: SpreadPoint) -> Row:
    name = spread.underlying
    ratio = point.highest / point.lowest
    return Row(
        (
            Cell(name, link_to(f"{underlying_path(name)}#{ANCHOR}", name)),
            number(numbers.count(point.venues), key=point.venues),
            number(dollars(point.lowest), key=point.lowest),
            Cell(join_words(context.lookup.named(name, point.lowest_venues), _NAMED), css="t"),
            number(dollars(point.highest), key=point.highest),
            Cell(join_words(context.lookup.named(name, point.highest_venues), _NAMED), css="t"),
            number(numbers.times(ratio), key=ratio),
            Cell(numbers.date_range(spread.oldest, spread.newest), css="dates"),
        )
    )


def indices_table(context: ReportContext) -> Table | None:
    """Returns by what factor venues differ from the median of the venues, per underlying."""
    indices = close_indices(context)
    if not indices:
        return None
    return Table(
        "Average difference, exact dates close together",
        text(
            "Average factor between a venue's initial margin and the median of the venues, over all sizes"
        ),
        ("Underlying", "#Average factor", "#Index", "Venues", "Dates compared"),
        [
            Row(
                (
                    Cell(row.underlying, link_to(underlying_path(row.underlying), row.underlying)),
                    number(numbers.times(average_factor(row)), key=average_factor(row)),
                    number(numbers.index(row.value), key=row.value),
                    Cell(join_words([own.venue for own in row.venues]), css="why"),
                    Cell(numbers.date_range(row.oldest, row.newest), css="dates"),
                )
            )
            for row in indices
        ],
        numeric=True,
    )


@dataclass(frozen=True, slots=True)
class RetailLaw:
    """Statutory minimum for retail clients: what was compared with it, by margin terms.

    Terms are a contract and a type of account. ``name`` names its region and authority, ``minimum``
    is a share of the position.
    """

    rule_set: RuleSetRow
    name: str
    minimum: float
    rows: tuple[DivergenceRow, ...]

    @property
    def below(self) -> list[DivergenceRow]:
        """Terms that require less."""
        return [row for row in self.rows if row.verdict is Verdict.BREACH]

    @property
    def met(self) -> list[DivergenceRow]:
        """Terms that require as much, or more."""
        return [row for row in self.rows if row.verdict is not Verdict.BREACH]


Terms = tuple[str, str, str]
"""Venue, symbol and profile."""


def retail_laws(context: ReportContext) -> list[RetailLaw]:
    """Returns the statutory minimums with the terms that could be evaluated, in their order."""
    laws = []
    for rule_set in context.document.rule_sets:
        if rule_set.kind != "cap" or not rule_set.statutory:
            continue
        rows = tuple(
            row
            for row in context.document.divergences
            if row.rule_set == rule_set.id
            and row.margin_type == "initial"
            and row.verdict in EVALUATED
        )
        required = [row.required for row in rows if row.required]
        if rows:
            minimum = min(required, default=0.0)
            laws.append(RetailLaw(rule_set, short_name(rule_set), minimum, rows))
    return laws


def prohibitions(context: ReportContext) -> list[tuple[RuleSetRow, int]]:
    """Returns the laws that prohibit contracts at any margin, with the number of terms they cover."""
    tally = Counter(
        row.rule_set
        for row in context.document.divergences
        if row.margin_type == "initial" and row.verdict is Verdict.PROHIBITED
    )
    return [(row, tally[row.id]) for row in context.document.rule_sets if tally[row.id]]


def short_name(rule_set: RuleSetRow) -> str:
    """Returns region and authority of a rule set: ``Japan (FSA)``; its title without a region."""
    region, separator, _ = rule_set.scope.partition(":")
    _, bracket, authority = rule_set.title.rstrip(")").rpartition("(")
    if not separator:
        return rule_set.title
    return f"{region} ({authority})" if bracket else region


def terms_of(rows: Sequence[DivergenceRow]) -> set[Terms]:
    """Returns the margin terms of rows."""
    return {(row.venue, row.symbol, row.profile) for row in rows}


def meeting_all(laws: Sequence[RetailLaw]) -> tuple[set[Terms], set[Terms]]:
    """Returns the terms that meet every law with which they were compared, and all terms compared."""
    compared = {terms for law in laws for terms in terms_of(law.rows)}
    below = {terms for law in laws for terms in terms_of(law.below)}
    return compared - below, compared


def retail_table(context: ReportContext) -> Table | None:
    """Returns per statutory minimum how many margin terms meet it and where; last, all of them."""
    laws = retail_laws(context)
    if not laws:
        return None
    met, compared = meeting_all(laws)
    rows = [
        *(_retail_row(law) for law in laws),
        _counts_row(Cell("Every law above"), "", (len(compared), len(compared - met)), met),
        *(_prohibition_row(rule_set, count) for rule_set, count in prohibitions(context)),
    ]
    return Table(
        "Minimums for retail clients",
        text(
            "Initial margin against statutory minimums, if the contracts were offered to retail clients."
            " Terms: a contract and a type of account. Every law above: compared with at least one"
        ),
        ("Law", "#Minimum", "#Terms compared", "#Below", "#Met", "Met at"),
        rows,
        numeric=True,
    )


def _retail_row(law: RetailLaw) -> Row:
    name = Cell(law.name, link_to(rule_set_path(law.rule_set.id), law.name))
    counts = len(law.rows), len(law.below)
    return _counts_row(name, numbers.rate(law.minimum), counts, terms_of(law.met))


def _prohibition_row(rule_set: RuleSetRow, count: int) -> Row:
    name = short_name(rule_set)
    return Row(
        (
            Cell(name, link_to(rule_set_path(rule_set.id), name)),
            number("prohibited"),
            number(numbers.count(count), key=count),
            *(number(numbers.NOT_OBSERVABLE) for _ in range(2)),
            Cell(""),
        )
    )


def _counts_row(name: Cell, minimum: str, counts: tuple[int, int], met: set[Terms]) -> Row:
    compared, below = counts
    return Row(
        (
            name,
            number(minimum),
            number(numbers.count(compared), key=compared),
            number(numbers.count(below), key=below),
            number(numbers.count(compared - below), key=compared - below),
            Cell(venue_counts(met), css="why"),
        )
    )


def venue_counts(terms: set[Terms]) -> str:
    """Returns venues with their number of terms: ``binance 18 and krakenfutures 18``."""
    tally = Counter(venue for venue, _, _ in terms)
    return join_words([f"{venue} {numbers.count(tally[venue])}" for venue in sorted(tally)])


def of_underlying(context: ReportContext, underlying: str) -> Iterator[Table]:
    """Yields the tables of one underlying."""
    for made in (margins_table(context, underlying), liquidation_table(context, underlying)):
        if made is not None:
            yield made
