"""Margin for a position of each listed size: the venue with the lowest, and every venue ranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from harmonize.document.history import MarginSince
from harmonize.document.ranks import ranks_of
from harmonize.text import numbers
from harmonize.text.messages import dollars
from harmonize.text.words import join_words, margin_abbreviation, margin_name
from reports.lookup import MARGIN_TYPES, date_text, since_text, source_sign
from reports.piece_values import Margin, margin_at
from reports.site import marks
from reports.site.markup import NOTHING, Html, details, join, link, link_to, text
from reports.site.rankings import Contender, sizes, status_text
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, csv_bytes, csv_number, number, table

LARGE = 5e6
"""Notional, in USD, of the position that the page of an underlying states in a sentence."""

_NAMED = 3
_SINCE_NAMED = 1
_LONGEST_DATE = len("26 Feb 2026 – 27 Feb 2026")


@dataclass(frozen=True, slots=True)
class Position:
    """Margin of a venue for one position; ``rank`` is None if no rank counts it.

    ``required`` is the margin of the reference in USD, ``deviation`` margin / required − 1; None
    without one.
    """

    entry: Contender
    margin: Margin
    since: MarginSince
    rank: int | None = None
    required: float | None = None
    deviation: float | None = None

    @property
    def venue(self) -> str:
        """Venue of the position."""
        return self.entry.row.venue

    @property
    def amount(self) -> float:
        """Margin in USD; 0 if it is not known."""
        return self.margin.amount or 0.0


@dataclass(frozen=True, slots=True)
class SizeRanking:
    """Venues on an underlying by one margin for a position of ``notional`` USD, lowest first.

    ``others`` are the venues without a rank of which a margin or a lower bound is known.
    """

    underlying: str
    margin_type: str
    notional: float
    ranked: tuple[Position, ...]
    others: tuple[Position, ...]

    @property
    def lowest(self) -> list[Position]:
        """Venues that share the first rank."""
        return [position for position in self.ranked if position.rank == 1]

    @property
    def highest(self) -> list[Position]:
        """Venues that share the last rank."""
        return [position for position in self.ranked if position.rank == self.ranked[-1].rank]


def size_rankings(
    context: ReportContext, underlying: str, entries: Sequence[Contender]
) -> list[SizeRanking]:
    """Returns the ranking at each size of the document, IM before MM."""
    return [
        ranking
        for notional in sizes(context)
        for margin_type, _ in MARGIN_TYPES
        if (ranking := rank(context, underlying, entries, margin_type, notional))
    ]


def rank(
    context: ReportContext,
    underlying: str,
    entries: Sequence[Contender],
    margin_type: str,
    notional: float,
) -> SizeRanking | None:
    """Returns the venues by one margin at one size; None if no margin is known there."""
    positions = [_position(context, entry, margin_type, notional) for entry in entries]
    counted = [x for x in positions if x.margin.amount is not None and not x.entry.is_excluded]
    counted.sort(key=lambda x: (x.amount, x.venue))
    ranks = ranks_of([x.amount for x in counted])
    ranked = tuple(
        Position(x.entry, x.margin, x.since, number_, x.required, x.deviation)
        for x, number_ in zip(counted, ranks, strict=True)
    )
    names = {x.venue for x in ranked}
    known = (
        x
        for x in positions
        if x.venue not in names and (x.margin.amount is not None or x.margin.at_least)
    )
    others = tuple(sorted(known, key=lambda x: (x.margin.amount is None, x.amount, x.venue)))
    if not ranked and not others:
        return None
    return SizeRanking(underlying, margin_type, notional, ranked, others)


def _position(
    context: ReportContext, entry: Contender, margin_type: str, notional: float
) -> Position:
    row = entry.row
    key = (row.venue, row.symbol, row.profile, margin_type)
    margin = margin_at(row, margin_type, notional)
    own = MarginSince(row.observed_at, row.observed_from, row.date_kind, is_bound=True)
    since = context.since.get((*key, notional), own)
    point = context.reference_points.get((*key, notional))
    required = point.required if point else None
    deviation = point.deviation if point and margin.amount is not None else None
    return Position(entry, margin, since, None, required, deviation)


def lowest_table(context: ReportContext, rankings: Sequence[SizeRanking]) -> Table:
    """Returns a row per size and margin type: the lowest margin, since when, against the reference."""
    shown = [ranking for ranking in rankings if ranking.ranked]
    is_compared = any(len(ranking.ranked) > 1 for ranking in shown)
    has_reference = any(ranking.ranked[0].required for ranking in shown)
    heads = ("Position", "Margin", "Lowest at", "#Lowest", "#Rate", "#Leverage", "Since")
    return Table(
        "Lowest margin by size",
        _caption(context, is_compared=is_compared, has_reference=has_reference),
        (
            *heads,
            *(("#Required", "#Deviation") if has_reference else ()),
            *(("#Highest", "Highest at", "#Difference", "#Highest ÷ lowest") * is_compared),
        ),
        [
            _lowest_row(context, ranking, has_reference=has_reference, is_compared=is_compared)
            for margin_type, _ in MARGIN_TYPES
            for ranking in shown
            if ranking.margin_type == margin_type
        ],
        numeric=True,
    )


def _caption(context: ReportContext, *, is_compared: bool, has_reference: bool) -> Html:
    lowest = "Venue with the lowest margin for a position of each size" * is_compared
    start = text(lowest or "Margin for a position of each size")
    since = text(
        ", in USD. Since: first observation of this margin without another one in between;"
        " ≤: it may have applied before"
    )
    return join([Html(f"<strong>{start}</strong>{since}"), _reference(context, has_reference)])


def _reference(context: ReportContext, has_reference: bool) -> Html:  # noqa: FBT001 - from the caller
    if not has_reference:
        return NOTHING
    rule_set = context.lookup.references[0]
    address = f"../{context.references[rule_set.id].address}"
    sign, meaning = source_sign(rule_set, "initial")
    basis = text(f" ({sign} {meaning}{'' if rule_set.statutory else '; not a regulation'})")
    title = link(address, text(rule_set.title))
    return Html(f". Required, deviation: against {title}{basis}")


def _lowest_row(
    context: ReportContext, ranking: SizeRanking, *, has_reference: bool, is_compared: bool
) -> Row:
    first, last = ranking.ranked[0], ranking.ranked[-1]
    since = _since_of(ranking.lowest)
    cells = [
        number(numbers.usd(ranking.notional), key=ranking.notional),
        Cell(margin_abbreviation(ranking.margin_type), css="t"),
        Cell(_names(context, ranking.underlying, ranking.lowest), css="t"),
        *_margin_cells(first, ranking),
        Cell(since, css="dates" if len(since) <= _LONGEST_DATE else "t"),
    ]
    if has_reference:
        cells += _reference_cells(first)
    if is_compared:
        difference = last.amount - first.amount
        ratio = last.amount / first.amount if first.amount else None
        cells += [
            number(dollars(last.amount), key=last.amount),
            Cell(_names(context, ranking.underlying, ranking.highest), css="t"),
            number(dollars(difference), key=difference),
            number(numbers.times(ratio), key=ratio),
        ]
    return Row(tuple(cells))


def _names(context: ReportContext, underlying: str, positions: Sequence[Position]) -> str:
    return join_words(context.lookup.named(underlying, [x.venue for x in positions]), _NAMED)


def _since_of(positions: Sequence[Position]) -> str:
    """Returns since when the lowest margin has been required; of several venues, by venue."""
    dates = [since_text(position.since) for position in positions]
    if len(set(dates)) == 1:
        return dates[0]
    named = [f"{x.venue} {day}" for x, day in zip(positions, dates, strict=True)]
    return join_words(named, _SINCE_NAMED)


def _margin_cells(position: Position, ranking: SizeRanking) -> list[Cell]:
    notional, amount = ranking.notional, position.margin.amount
    if amount is None:
        return [number(""), number(position.margin.at_least), number("")]
    sign = marks.margin_marks(position.entry.row, ranking.margin_type)
    leverage = notional / amount if amount else None
    return [
        number(f"{dollars(amount)}{sign}", key=amount),
        number(f"{numbers.rate(amount / notional)}{sign}", key=amount / notional),
        number(numbers.precise_leverage(leverage), key=leverage),
    ]


def _reference_cells(position: Position) -> list[Cell]:
    required, deviation = position.required, position.deviation
    if required is None:
        return [number(marks.NOT_APPLICABLE.sign), number(numbers.NOT_OBSERVABLE)]
    return [
        number(dollars(required), key=required),
        number(numbers.deviation(deviation), key=deviation),
    ]


def size_table(ranking: SizeRanking) -> Table:
    """Returns every ranked venue for a position; what all rows share is in the caption."""
    size = numbers.usd(ranking.notional)
    name = f"{margin_name(ranking.margin_type).capitalize()} of a {size} position"
    required = {position.required for position in ranking.ranked}
    is_shared = len(required) == 1
    has_reference = required != {None}
    amount = next(iter(required))
    shared = f". Required: {dollars(amount)}" if is_shared and amount is not None else ""
    heads = (
        *("Venue", "#Rank", "#Margin", "#Rate", "#Leverage"),
        *(["#Required"] if has_reference and not is_shared else []),
        *(["#Deviation"] if has_reference else []),
        "Since",
    )
    rows = []
    for position in ranking.ranked:
        cells = _reference_cells(position) if has_reference else []
        rows.append(
            Row(
                (
                    Cell(position.venue),
                    number(str(position.rank)),
                    *_margin_cells(position, ranking),
                    *(cells[is_shared:]),
                    Cell(since_text(position.since), css="dates"),
                )
            )
        )
    return Table(name, text(f"{name}{shared}"), heads, rows, numeric=True)


def size_blocks(rankings: Sequence[SizeRanking]) -> Html:
    """Returns the rankings of each size with two ranked venues or more, for the reader to open."""
    blocks = []
    compared = [ranking for ranking in rankings if len(ranking.ranked) > 1]
    for notional, group in groupby(compared, key=attrgetter("notional")):
        size = numbers.usd(notional)
        tables = "".join(table(size_table(ranking)) for ranking in group)
        ident = f"size-{size.removeprefix('$').replace('.', '-')}"
        blocks.append(details(f"{size} position: venues ranked", Html(tables), ident))
    return join(blocks)


_HEADS = (
    *("Position", "Margin type", "Venue", "Contract", "Profile", "Rank", "Margin", "Rate"),
    *("Leverage", "Required", "Deviation", "Since", "Observed", "Status"),
)


def by_size_csv(rankings: Sequence[SizeRanking]) -> bytes:
    """Returns the venues at all sizes as one CSV file, with the status of each margin."""
    rows = (
        _csv_row(ranking, position)
        for ranking in rankings
        for position in (*ranking.ranked, *ranking.others)
    )
    return csv_bytes(_HEADS, rows)


def _csv_row(ranking: SizeRanking, position: Position) -> tuple[str, ...]:
    row, amount, notional = position.entry.row, position.margin.amount, ranking.notional
    return (
        f"{notional:.9g}",
        ranking.margin_type,
        *(row.venue, row.symbol, row.profile),
        "" if position.rank is None else str(position.rank),
        csv_number(amount),
        position.margin.at_least if amount is None else csv_number(amount / notional),
        csv_number(notional / amount if amount else None),
        csv_number(position.required),
        csv_number(position.deviation),
        "" if amount is None else since_text(position.since),
        date_text(row),
        status_text(position.entry, ranking.margin_type, position.margin),
    )


def answer(context: ReportContext, rankings: Sequence[SizeRanking]) -> Html:
    """States which venue required the least initial margin for a large position, and the rest of it.

    By how much, since when, and against which rule; nothing where fewer than two venues are ranked.
    """
    ranking = next(
        (x for x in rankings if x.notional == LARGE and x.margin_type == "initial"), None
    )
    if ranking is None or len(ranking.ranked) < 2:  # noqa: PLR2004 - a comparison needs two
        return NOTHING
    first, last = ranking.ranked[0], ranking.ranked[-1]
    size, rate = numbers.usd(LARGE), numbers.rate(first.amount / LARGE)
    leverage = numbers.precise_leverage(LARGE / first.amount) if first.amount else "no limit"
    lowest = _names(context, ranking.underlying, ranking.lowest)
    dates = [date_text(x.entry.row) for x in (*ranking.lowest[:1], last)]
    least = (
        f"Of {numbers.count_text(len(ranking.ranked), 'venue')} ranked, the least initial margin for a"
        f" {size} {ranking.underlying} position was required at {lowest}: {dollars(first.amount)}"
        f" ({rate}, leverage {leverage}), since {_since_of(ranking.lowest)}, observed {dates[0]}."
    )
    if last.amount > first.amount:
        highest = _names(context, ranking.underlying, ranking.highest)
        most = (
            f" The most, at {highest}, was {dollars(last.amount)}, observed {dates[1]}:"
            f" {dollars(last.amount - first.amount)} more."
        )
    else:
        most = " All required the same."
    return Html(f'<p class="answer">{text(least)}{_against(context, first)}{text(most)}</p>')


def _against(context: ReportContext, first: Position) -> Html:
    if first.required is None or first.deviation is None:
        return NOTHING
    rule_set = context.lookup.references[0]
    sign, meaning = source_sign(rule_set, "initial")
    title = link_to(f"../{context.references[rule_set.id].address}", rule_set.title)
    deviation = numbers.deviation(first.deviation)
    required = text(
        f" That is {deviation} from the {dollars(first.required)} ({sign} {meaning}) required by "
    )
    return Html(f"{required}{title}.")
