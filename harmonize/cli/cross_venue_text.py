"""Answers across venues as text for a terminal."""

from collections.abc import Iterator, Sequence

from harmonize.api.cross_venue import GapAnswer, IndexAnswer, PairAnswer
from harmonize.arbitrage.portfolio import Portfolio, VenueAsks
from harmonize.arbitrage.what_if import WhatIfRow
from harmonize.document import ArbitragePoint, ArbitrageRow, LiquidationRow, Spread, SpreadPoint

_NONE = "–"


def gap_text(answer: GapAnswer) -> str:
    """Write spreads, then splits and what they consist of, then what-ifs."""
    lines = [line for row in answer.arbitrages for line in _arbitrage(row, answer.hurdle_rate)]
    lines += [line for row in answer.what_ifs for line in _what_if(row)]
    if answer.fee:
        lines.append(f"splits include ${answer.fee:,.2f} for every account but the first")
    return spreads_text(answer.spreads) + "".join(f"{line}\n" for line in lines)


def _arbitrage(row: ArbitrageRow, hurdle: float) -> Iterator[str]:
    word = "initial" if row.margin_type == "initial" else "maintenance"
    dates = f"dates {row.oldest[:10]} to {row.newest[:10]}"
    yield f"{row.underlying} {word} margin split over {len(row.venues)} venues, {dates}"
    yield (
        f"{'notional':>16} {'one account':>16} {'split':>16} {'saving':>16} {'next dollar':>12}  where"
    )
    for one in row.points:
        yield (
            f"{one.notional:>16,.0f} {_usd(one.best_single):>16} {one.optimal_split:>16,.2f} "
            f"{_usd(one.saving):>16} {_rate(one.marginal_rate):>12}  {_parts(one)}"
        )
        if one.lower_bound < one.optimal_split * (1.0 - 1e-9):
            yield f"{'':>16} not proved: the least is between {one.lower_bound:,.2f} and {one.optimal_split:,.2f}"
    if row.reason:
        yield f"  {row.reason}"
    yield ""
    if not row.rule_set:
        yield f"no rule set has a reference for {row.underlying}, so its gap has no parts"
        yield ""
        return
    yield f"gap to {row.rule_set}: it asks more than the cheapest split by"
    yield (
        f"{'notional':>16} {'reference':>16} {'gap':>16} {'fragmentation':>16} {'divergence':>16} "
        f"{f'a year at {hurdle:.4g}':>18}"
    )
    for one in row.points:
        yield (
            f"{one.notional:>16,.0f} {_usd(one.reference):>16} {_usd(one.gap):>16} "
            f"{_usd(one.fragmentation):>16} {_usd(one.divergence):>16} {_usd(one.annual_cost):>18}"
        )
    yield "fragmentation remains when every venue uses the reference; divergence is what that closes"
    yield ""


def _parts(point: ArbitragePoint) -> str:
    return ", ".join(
        f"{one.venue}{f' ({one.account})' if one.account > 1 else ''} {one.notional:,.0f}"
        for one in point.allocation
    )


def _what_if(row: WhatIfRow) -> Iterator[str]:
    yield f"what if {row.text} ({row.asked})"
    yield f"{'notional':>16} {'split now':>16} {'split then':>16} {'change':>16} {'gap then':>16}"
    for one in row.points:
        both = one.split is not None and one.changed is not None
        change = one.changed - one.split if both else None  # type: ignore[operator]
        yield (
            f"{one.notional:>16,.0f} {_usd(one.split):>16} {_usd(one.changed):>16} "
            f"{_usd(change):>16} {_usd(one.gap):>16}"
        )
    yield ""


def pair_text(answer: PairAnswer) -> str:
    """Write what both legs need, what the one venue needs, and where the pair needs less."""
    lines = [
        (
            f"{answer.underlying}, {_dates(answer.oldest, answer.newest)}: long on {answer.long}, short on {answer.short}, against both on "
            f"{answer.one} ({answer.opposite}: {answer.source})"
        ),
        (
            f"{'notional':>16} {'long':>14} {'short':>14} {'pair':>14} {f'on {answer.one}':>18} "
            f"{'break-even a year':>18}"
        ),
    ]
    lines += [
        f"{one.notional:>16,.0f} {_usd(one.long):>14} {_usd(one.short):>14} {_usd(one.total):>14} "
        f"{_usd(one.alone):>18} {_rate(one.break_even):>18}"
        for one in answer.pair.points
    ]
    ranges = [f"${low:,.0f} to ${high:,.0f}" for low, high in answer.pair.cheaper]
    upto = f"up to ${answer.pair.compared:,.0f}, where the first of the three ends"
    where = "; ".join(ranges) or "nowhere"
    lines += [f"the pair needs less: {where} ({upto})"]
    lines += [
        f"break-even: what the pair must earn on notional to pay {answer.hurdle_rate:.4g} a year on its margin"
    ]
    return "".join(f"{line}\n" for line in lines)


def liquidation_text(rows: Sequence[LiquidationRow]) -> str:
    """Write how far the price may move, venue by venue, at equal and at the largest leverage."""
    lines = []
    for kind, title in (("equal", "at equal leverage"), ("maximum", "at each venue's largest")):
        of_kind = [one for one in rows if one.leverage_basis == kind]
        for underlying in dict.fromkeys(one.underlying for one in of_kind):
            own = [one for one in of_kind if one.underlying == underlying]
            lines.append(f"{underlying} of ${own[0].notional:,.0f}, isolated, {title}")
            lines.append(
                f"{'venue':<22} {'leverage':>9} {'long falls':>11} {'short rises':>11}  {'observed':<10}"
            )
            lines += [
                f"{one.venue:<22} {_times(one.leverage):>9} {_rate(one.adverse_move_long):>11} "
                f"{_rate(one.adverse_move_short):>11}  {one.observed_at[:10]}{_said(one)}"
                for one in own
            ]
            lines.append("")
    return "".join(f"{line}\n" for line in lines)


def _dates(oldest: str, newest: str) -> str:
    return f"dates {oldest[:10]} to {newest[:10]}"


def index_text(answer: IndexAnswer) -> str:
    """Write the indices, the least harmonized first, then venues, one left out, and over time."""
    lines = [
        f"{'underlying':<12} {'of':<12} {'against':<22} {'index':>6} {'95 % interval':>16} {'venues':>7}  {'weights':<13}  dates"
    ]
    lines += [
        f"{one.underlying:<12} {one.margin_type:<12} {one.reference:<22} {one.value:>6.1f} "
        f"{_interval(one.interval_lower, one.interval_upper):>16} {len(one.venues):>7}  "
        f"{one.weights:<13}  {one.oldest[:10]} to {one.newest[:10]}"
        for one in sorted(
            answer.indices, key=lambda one: (one.margin_type, one.reference, one.value)
        )
    ]
    lines += [
        "",
        f"{'venue':<22} {'of':<12} {'against':<22} {'index':>6} {'95 % interval':>16} {'underlyings':>12}",
    ]
    lines += [
        f"{one.venue or 'all venues':<22} {one.margin_type:<12} {one.reference:<22} {one.value:>6.1f} "
        f"{_interval(one.interval_lower, one.interval_upper):>16} {one.underlyings:>12}"
        for one in answer.summaries
    ]
    if answer.without:
        lines += ["", f"{'without':<22} {'of':<12} {'against':<22} {'index':>6}"]
        lines += [
            f"{venue:<22} {one.margin_type:<12} {one.reference:<22} {one.value:>6.1f}"
            for venue, one in answer.without
        ]
    if answer.over_time:
        lines += ["", f"{'day':<22} {'of':<12} {'against':<22} {'index':>6} {'underlyings':>12}"]
        lines += [
            f"{day:<22} {one.margin_type:<12} {one.reference:<22} {one.value:>6.1f} {one.underlyings:>12}"
            for day, one in answer.over_time
        ]
    return "".join(f"{line}\n" for line in lines)


def _interval(least: float | None, most: float | None) -> str:
    return _NONE if least is None or most is None else f"{least:.1f} to {most:.1f}"


def _said(row: LiquidationRow) -> str:
    """What is left out, and whether the schedule is in no figure across venues."""
    notes = [row.reason] * bool(row.reason) + ["in no figure across venues"] * (not row.included)
    return f"  {'; '.join(notes)}" if notes else ""


def portfolio_text(answer: Portfolio) -> str:
    """Write what each venue asks for the book, the reference, and the cheapest split."""
    dates = (
        f"dates {answer.oldest[:10]} to {answer.newest[:10]}" if answer.oldest else "no schedule"
    )
    lines = [
        f"{answer.positions} positions in {len(answer.held)} underlyings, ${answer.gross:,.0f} gross, {dates}",
        f"{'venue':<22} {'isolated IM':>16} {'isolated MM':>16} {'cross IM':>16} {'cross MM':>16}",
        *(_asks(one) for one in answer.venues),
    ]
    if answer.rule_set:
        lines.append(
            f"{answer.rule_set:<22} {_usd(answer.reference_initial):>16} "
            f"{_usd(answer.reference_maintenance):>16}{_because(answer.reference_reasons)}"
        )
    lines += [
        "",
        f"cheapest venue, isolated: {', '.join(answer.cheapest_isolated) or 'none takes the whole book'}",
        f"cheapest venue, cross: {', '.join(answer.cheapest_cross) or 'none whose margin is known takes the whole book'}",
        f"cheapest split: {_usd(answer.split)}",
    ]
    for one in answer.splits:
        where = ", ".join(f"{part.venue} {part.notional:,.0f}" for part in one.parts)
        lines.append(
            f"  {one.side} {one.underlying} {one.notional:,.0f}: {_usd(one.cost)}  {where or 'not taken'}"
        )
    return "".join(f"{line}\n" for line in lines)


def _asks(one: VenueAsks) -> str:
    amounts = (
        one.isolated_initial,
        one.isolated_maintenance,
        one.cross_initial,
        one.cross_maintenance,
    )
    said = " ".join(f"{_usd(amount):>16}" for amount in amounts)
    rule = f"  {one.opposite}" if one.opposite else ""
    return f"{one.venue:<22} {said}{rule}{_because(one.reasons)}"


def _because(reasons: Sequence[str]) -> str:
    if not reasons:
        return ""
    more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"  {reasons[0]}{more}"


def _usd(amount: float | None) -> str:
    return _NONE if amount is None else f"{amount:,.2f}"


def _rate(rate: float | None) -> str:
    return _NONE if rate is None else f"{rate:.4%}"


def _times(leverage: float | None) -> str:
    return _NONE if leverage is None else f"{leverage:.4g}x"


_WORDS = {"initial": "initial margin", "maintenance": "maintenance margin"}


def spreads_text(gaps: Sequence[Spread]) -> str:
    """Write spreads at the ladder, then who is cheapest on which range of notional."""
    return "".join(f"{line}\n" for gap in gaps for line in _lines(gap))


def _lines(gap: Spread) -> Iterator[str]:
    yield f"{gap.underlying} {_WORDS[gap.margin_type]}, {len(gap.venues)} venues, dates {gap.oldest[:10]} to {gap.newest[:10]}"
    yield (
        f"{'notional':>16} {'least':>16} {'most':>16} {'spread':>16} {'in a year':>14} "
        f"{'leverage':>15}  cheapest / dearest"
    )
    for one in gap.points:
        yield (
            f"{one.notional:>16,.0f} {one.lowest:>16,.2f} {one.highest:>16,.2f} {one.spread:>16,.2f} "
            f"{one.annual_cost:>14,.2f} {_leverages(one):>15}  "
            f"{', '.join(one.lowest_venues)} / {', '.join(one.highest_venues)}"
        )
    for interval in gap.intervals:
        upper = "above" if interval.upper is None else f"to {interval.upper:,.0f}"
        leaders = f"{', '.join(interval.lowest_venues)} / {', '.join(interval.highest_venues)}"
        widest = (
            f"at most {interval.widest:.4%} of notional apart, at {interval.widest_notional:,.0f}"
        )
        yield f"{interval.lower:>16,.0f} {upper:<22} {leaders}; {widest}"
    yield ""


def _leverages(point: SpreadPoint) -> str:
    return f"{point.highest_leverage:.4g}x / {point.lowest_leverage:.4g}x"
