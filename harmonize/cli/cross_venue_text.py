"""Cross-venue answers as text for a terminal.

Amounts are in USD to the cent. Rates, leverages and indices have the form of the report.
"""

from collections.abc import Iterator, Sequence

from harmonize.adequacy.book_risk import BookRisk
from harmonize.api.book_risk import MarginCoverage
from harmonize.api.cross_venue import GapAnswer, IndexAnswer, PairAnswer
from harmonize.api.excluded_venues import ExcludedVenue
from harmonize.arbitrage.portfolio import Portfolio, VenueMargins
from harmonize.arbitrage.what_if import WhatIfRow
from harmonize.cli.book_risk_text import book_risk_lines
from harmonize.core.schedule import Unknown
from harmonize.document import ArbitragePoint, ArbitrageRow, LiquidationRow, Spread, SpreadPoint
from harmonize.text import numbers
from harmonize.text.messages import counted, observation_day, observation_span
from harmonize.text.numbers import NOT_OBSERVABLE
from harmonize.text.words import first_words

_WORDS = {"initial": "initial margin", "maintenance": "maintenance margin"}
_MAX_EXCLUDED = 8
"""Largest number of excluded venues per reason that are named over several underlyings."""

_TOLERANCE = 1e-9
"""Relative difference up to which a lower bound proves an optimal split."""


def gap_text(answer: GapAnswer) -> str:
    """Returns spreads, then optimal splits with their arbitrage gaps, then what-ifs."""
    lines = []
    for row in answer.arbitrages:
        lines += [*_split_lines(row), *_gap_lines(row, answer.hurdle_rate)]
    lines += [line for row in answer.what_ifs for line in _what_if_lines(row)]
    if answer.fee:
        cost = numbers.amount(answer.fee)
        lines.append(f"splits include an account cost of ${cost} for each additional account")
    lines += excluded_lines(answer.excluded)
    return spreads_text(answer.spreads) + "".join(f"{line}\n" for line in lines)


def excluded_lines(excluded: Sequence[ExcludedVenue]) -> Iterator[str]:
    """Yields the venues that comparisons exclude, by reason; nothing if none is excluded."""
    if not excluded:
        return
    by_reason: dict[str, list[str]] = {}
    several = len({row.underlying for row in excluded}) > 1
    for row in excluded:
        name = f"{row.venue} ({row.underlying})" if several else row.venue
        by_reason.setdefault(row.reason, []).append(name)
    yield "excluded from cross-venue statistics:"
    for reason, venues in sorted(by_reason.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        yield f"  {first_words(venues, _MAX_EXCLUDED) if several else ', '.join(venues)}: {reason}"
    yield ""


def _split_lines(row: ArbitrageRow) -> Iterator[str]:
    dates = _dates(row.oldest, row.newest)
    over = counted(len(row.venues), "venue")
    yield f"{row.underlying} {_WORDS[row.margin_type]}, optimal split over at most {over}, {dates}"
    yield (
        f"{'notional':>16} {'best single venue':>18} {'optimal split':>16} {'saving':>16} "
        f"{'marginal rate':>13}  allocation"
    )
    for point in row.points:
        yield (
            f"{point.notional:>16,.0f} {numbers.amount(point.best_single):>18} "
            f"{numbers.amount(point.optimal_split):>16} {numbers.amount(point.saving):>16} "
            f"{numbers.rate(point.marginal_rate):>13}  {_allocation(point)}"
        )
        if point.lower_bound < point.optimal_split * (1.0 - _TOLERANCE):
            low, high = numbers.amount(point.lower_bound), numbers.amount(point.optimal_split)
            yield f"{'':>16} optimality not proved: the minimum is between {low} and {high}"
    if row.reason:
        yield f"  {row.reason}"
    yield ""


def _gap_lines(row: ArbitrageRow, cost_of_capital: float) -> Iterator[str]:
    if not row.rule_set:
        yield f"no rule set has a reference for {row.underlying}, so the arbitrage gap is unknown"
        yield ""
        return
    yield f"arbitrage gap to {row.rule_set}: reference margin − optimal split"
    cost = f"annual cost at {numbers.rate(cost_of_capital)}"
    yield (
        f"{'notional':>16} {'reference':>16} {'gap':>16} {'fragmentation':>16} {'divergence':>16} "
        f"{cost:>22}"
    )
    for point in row.points:
        amounts = (point.reference, point.gap, point.fragmentation, point.divergence)
        columns = " ".join(f"{numbers.amount(value):>16}" for value in amounts)
        yield f"{point.notional:>16,.0f} {columns} {numbers.amount(point.annual_cost):>22}"
    yield "fragmentation: the gap if every venue used the reference; divergence: the rest of the gap"
    yield ""


def _allocation(point: ArbitragePoint) -> str:
    return ", ".join(
        f"{part.venue}{f' ({part.account})' if part.account > 1 else ''} {part.notional:,.0f}"
        for part in point.allocation
    )


def _what_if_lines(row: WhatIfRow) -> Iterator[str]:
    yield f"what if {row.text} ({row.specification})"
    yield (
        f"{'notional':>16} {'optimal split':>16} {'what-if split':>16} {'change':>16} "
        f"{'what-if gap':>16}"
    )
    for point in row.points:
        is_known = point.split is not None and point.changed is not None
        change = point.changed - point.split if is_known else None  # type: ignore[operator]
        amounts = (point.split, point.changed, change, point.gap)
        columns = " ".join(f"{numbers.amount(value):>16}" for value in amounts)
        yield f"{point.notional:>16,.0f} {columns}"
    yield ""


def pair_text(answer: PairAnswer) -> str:
    """Returns the margin of both legs on two venues and on one, and where two venues need less."""
    dates = _dates(answer.oldest, answer.newest)
    legs = (
        f"long on {answer.long}, short on {answer.short}; both legs on {answer.one} for comparison"
    )
    both = f"both on {answer.one}"
    lines = [
        f"{answer.underlying}, {dates}: {legs}",
        f"offset rule of {answer.one}: {answer.opposite} ({answer.source})",
        f"{'notional':>16} {'long':>14} {'short':>14} {'pair':>14} {both:>22} {'annual break-even':>18}",
    ]
    lines += [
        f"{point.notional:>16,.0f} {numbers.amount(point.long):>14} "
        f"{numbers.amount(point.short):>14} {numbers.amount(point.total):>14} "
        f"{numbers.amount(point.alone):>22} {numbers.rate(point.break_even):>18}"
        for point in answer.pair.points
    ]
    ranges = [f"${low:,.0f} to ${high:,.0f}" for low, high in answer.pair.cheaper]
    end = f": {answer.pair.end}" if answer.pair.end else ""
    limit = f"compared up to ${answer.pair.compared:,.0f}, where the first of the three ends{end}"
    cost = numbers.rate(answer.hurdle_rate)
    lines += [
        f"the pair needs less margin: {'; '.join(ranges) or 'at no notional'} ({limit})",
        f"annual break-even: return on notional that pays {cost} a year on the pair's margin",
    ]
    return "".join(f"{line}\n" for line in lines)


def liquidation_text(rows: Sequence[LiquidationRow], excluded: Sequence[ExcludedVenue] = ()) -> str:
    """Returns the adverse move to liquidation per venue, at equal and at the maximum leverage.

    ``excluded`` are the venues whose rows no cross-venue figure includes, listed with the reason.
    """
    lines = []
    for basis, title in (("equal", "at equal leverage"), ("maximum", "at maximum leverage")):
        of_basis = [row for row in rows if row.leverage_basis == basis]
        for underlying in dict.fromkeys(row.underlying for row in of_basis):
            of_underlying = [row for row in of_basis if row.underlying == underlying]
            notional = of_underlying[0].notional
            lines.append(f"{underlying}, ${notional:,.0f}, isolated, {title}: adverse move")
            lines.append(
                f"{'venue':<22} {'leverage':>9} {'long':>11} {'short':>11}  {'observed':<10}"
            )
            lines += map(_liquidation_line, of_underlying)
            lines.append("")
    lines += excluded_lines(excluded)
    return "".join(f"{line}\n" for line in lines)


def _liquidation_line(row: LiquidationRow) -> str:
    notes = [row.reason] * bool(row.reason)
    notes += ["excluded from cross-venue statistics"] * (not row.included)
    return (
        f"{row.venue:<22} {numbers.precise_leverage(row.leverage):>9} "
        f"{numbers.rate(row.adverse_move_long):>11} "
        f"{numbers.rate(row.adverse_move_short):>11}  "
        f"{observation_day(row.observed_at, row.observed_from, row.date_kind)}"
        f"{'  ' if notes else ''}{'; '.join(notes)}"
    )


def _dates(oldest: str, newest: str) -> str:
    return f"dates {observation_span(oldest, newest)}"


def index_text(answer: IndexAnswer) -> str:
    """Returns the indices, farthest from the reference first, per venue, leave-one-out, over time."""
    lines = [
        "index: 100 is at the reference, 50 an average factor of two from it, of three venues or more",
        f"{'underlying':<12} {'margin':<12} {'reference':<22} {'index':>6} {'95 % interval':>16} {'venues':>7}  {'weights':<13}  dates",
    ]
    lines += [
        f"{row.underlying:<12} {row.margin_type:<12} {row.reference:<22} "
        f"{numbers.index(row.value):>6} {_interval(row.interval_lower, row.interval_upper):>16} "
        f"{len(row.venues):>7}  {row.weights:<13}  {observation_span(row.oldest, row.newest)}"
        for row in sorted(
            answer.indices, key=lambda row: (row.margin_type, row.reference, row.value)
        )
    ]
    lines += [
        "",
        f"{'venue':<22} {'margin':<12} {'reference':<22} {'index':>6} {'95 % interval':>16} {'underlyings':>12}",
    ]
    lines += [
        f"{row.venue or 'all venues':<22} {row.margin_type:<12} {row.reference:<22} "
        f"{numbers.index(row.value):>6} {_interval(row.interval_lower, row.interval_upper):>16} "
        f"{row.underlyings:>12}"
        for row in answer.summaries
    ]
    if answer.without:
        lines += ["", f"{'excluded venue':<22} {'margin':<12} {'reference':<22} {'index':>6}"]
        lines += [
            f"{venue:<22} {row.margin_type:<12} {row.reference:<22} {numbers.index(row.value):>6}"
            for venue, row in answer.without
        ]
    if answer.over_time:
        lines += [
            "",
            f"{'date':<22} {'margin':<12} {'reference':<22} {'index':>6} {'underlyings':>12}",
        ]
        lines += [
            f"{day:<22} {row.margin_type:<12} {row.reference:<22} "
            f"{numbers.index(row.value):>6} {row.underlyings:>12}"
            for day, row in answer.over_time
        ]
    if answer.excluded:
        lines += ["", *excluded_lines(answer.excluded)]
    return "".join(f"{line}\n" for line in lines)


def _interval(lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return NOT_OBSERVABLE
    return f"{numbers.index(lower)} to {numbers.index(upper)}"


def portfolio_text(
    answer: Portfolio,
    risk: BookRisk | Unknown | None = None,
    coverage: Sequence[MarginCoverage] = (),
) -> str:
    """Returns the margin of the book per venue, the reference, the optimal split, and its risk if given."""
    dates = _dates(answer.oldest, answer.newest) if answer.newest else "no schedule"
    lines = [
        f"{counted(answer.positions, 'position')} in {counted(len(answer.held), 'underlying')}, ${answer.gross:,.0f} gross, {dates}",
        f"{'venue':<22} {'isolated IM':>16} {'isolated MM':>16} {'cross IM':>16} {'cross MM':>16}",
        *map(_venue_line, answer.venues),
    ]
    if answer.rule_set:
        lines.append(
            f"{answer.rule_set:<22} {numbers.amount(answer.reference_initial):>16} "
            f"{numbers.amount(answer.reference_maintenance):>16}{_first_of(answer.reference_reasons)}"
        )
    isolated, cross = ", ".join(answer.cheapest_isolated), ", ".join(answer.cheapest_cross)
    lines += [
        "",
        f"best single venue, isolated: {isolated or 'no venue has an observed margin for the whole book'}",
        f"best single venue, cross: {cross or 'no venue has an observed margin for the whole book'}",
        f"optimal split: {numbers.amount(answer.split)}",
    ]
    for split in answer.splits:
        allocation = ", ".join(f"{part.venue} {part.notional:,.0f}" for part in split.parts)
        lines.append(
            f"  {split.side} {split.underlying} {split.notional:,.0f}: "
            f"{numbers.amount(split.cost)}  {allocation or split.reason}"
        )
    if answer.excluded:
        lines += ["", f"not included: {counted(len(answer.excluded), 'row')} of the file"]
    if risk is not None:
        lines += book_risk_lines(risk, coverage)
    return "".join(f"{line}\n" for line in lines)


def _venue_line(margins: VenueMargins) -> str:
    amounts = (
        margins.isolated_initial,
        margins.isolated_maintenance,
        margins.cross_initial,
        margins.cross_maintenance,
    )
    columns = " ".join(f"{numbers.amount(value):>16}" for value in amounts)
    rule = f"  {margins.opposite}" if margins.opposite else ""
    return f"{margins.venue:<22} {columns}{rule}{_first_of(margins.reasons)}"


def _first_of(reasons: Sequence[str]) -> str:
    if not reasons:
        return ""
    more = len(reasons) - 1
    return f"  {reasons[0]}" + (f" ({counted(more, 'further reason')})" if more else "")


def spreads_text(spreads: Sequence[Spread]) -> str:
    """Returns spreads on the notional grid, then the extreme venues per range of notional."""
    return "".join(f"{line}\n" for spread in spreads for line in _spread_lines(spread))


def _spread_lines(spread: Spread) -> Iterator[str]:
    dates = _dates(spread.oldest, spread.newest)
    count = counted(len(spread.venues), "venue")
    yield f"{spread.underlying} {_WORDS[spread.margin_type]}, {count}, {dates}"
    yield (
        f"{'notional':>16} {'venues':>6} {'lowest':>16} {'highest':>16} {'spread':>16} {'annual cost':>14} "
        f"{'leverage':>17}  lowest / highest margin"
    )
    for point in spread.points:
        yield (
            f"{point.notional:>16,.0f} {point.venues:>6} {numbers.amount(point.lowest):>16} "
            f"{numbers.amount(point.highest):>16} {numbers.amount(point.spread):>16} "
            f"{numbers.amount(point.annual_cost):>14} {_leverages(point):>17}  "
            f"{', '.join(point.lowest_venues)} / {', '.join(point.highest_venues)}"
        )
    yield "venues: those with an observed margin for the whole position, as in harmonize compare"
    for interval in spread.intervals:
        upper = "and above" if interval.upper is None else f"to {interval.upper:,.0f}"
        extremes = f"{', '.join(interval.lowest_venues)} / {', '.join(interval.highest_venues)}"
        widest = f"widest spread {numbers.rate(interval.widest)} of notional, at {interval.widest_notional:,.0f}"
        yield f"{interval.lower:>16,.0f} {upper:<22} {extremes}; {widest}"
    yield ""


def _leverages(point: SpreadPoint) -> str:
    highest = numbers.precise_leverage(point.highest_leverage)
    return f"{highest} / {numbers.precise_leverage(point.lowest_leverage)}"
