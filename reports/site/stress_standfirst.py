"""First sentences of a page of stress: what a fall liquidates, how sure that is, and why it is asked."""

from collections.abc import Sequence

from harmonize.document import StressRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site.stress_words import (
    IF_LEVERAGE,
    at_shock,
    capital,
    leverage_range,
    multiplier,
    ratio_text,
    span,
)

_MOST_UNDERLYINGS = 4
"""Number of underlyings that the first sentence names."""

_DIGITS = 2
"""Significant digits of amounts in sentences that begin a page."""

_FAR = 2.0
"""Ratio of modelled to recorded amounts above which the model states far too much."""

_QUESTION = (
    "Uneven thresholds liquidate people at different prices, and forced sales move the price to the next"
    " threshold. This page compares the rules in force with others, and states what cannot be known."
)


def standfirst(rows: Sequence[StressRow]) -> str:
    """Returns what a fall liquidates on the largest underlyings, how sure that is, and why it is asked."""
    known = sorted((row for row in rows if at_shock(row)), key=lambda row: -row.open_interest)
    alike = [row for row in known if row.shock == known[0].shock]
    shown = alike[:_MOST_UNDERLYINGS]
    if not shown:
        return _QUESTION
    amounts = [numbers.usd(at_shock(row)[0].liquidated, _DIGITS) for row in shown]
    named = join_words(
        [f"{own} of {row.underlying}" for own, row in zip(amounts, shown, strict=True)]
    )
    further = len(alike) - len(shown)
    others = f" The table has {numbers.count(further)} more." if further else ""
    return (
        f"A sudden fall of {numbers.axis_rate(shown[0].shock)} would liquidate, in longs, {named}"
        f" (modelled{_liquidity(shown)}).{others} {_leverage(shown)}{_trust(shown)}{_QUESTION}"
    )


def _liquidity(rows: Sequence[StressRow]) -> str:
    """Returns at which liquidity amounts stand, and what they are at the other end; empty if one is given."""
    ends = [(at_shock(row)[0], at_shock(row)[-1]) for row in rows]
    first, last = ends[0]
    ratios = [end.liquidated / start.liquidated for start, end in ends if start.liquidated]
    if first.liquidity == last.liquidity or not ratios:
        return ""
    most = f"{numbers.times(max(ratios))} as much"
    return (
        f" at liquidity {multiplier(first.liquidity)}, up to {most} at {multiplier(last.liquidity)}"
    )


def _leverage(rows: Sequence[StressRow]) -> str:
    """Returns the range of each amount with other leverage; empty if it is not known of all."""
    ranges = [leverage_range(row, _DIGITS) for row in rows if row.is_synthetic]
    if len(ranges) < len(rows) or not all(ranges):
        return ""
    named = join_words(
        [f"{span(own)}{_of(row, rows)}" for own, row in zip(ranges, rows, strict=True)]
    )
    return f"{capital(IF_LEVERAGE)}: {named}. "


def _trust(rows: Sequence[StressRow]) -> str:
    """Returns how far amounts are assumed, and how they stand to recorded ones; empty if given."""
    if not all(row.is_synthetic for row in rows):
        return ""
    ratios = [(own.ratio, row) for row in rows for own in row.validation if own.ratio is not None]
    if not ratios:
        return "Most leverage is assumed, and no recorded liquidation validates the amounts. "
    named = join_words([f"{ratio_text(ratio)}{_of(row, rows)}" for ratio, row in ratios])
    validated = {row.underlying for _, row in ratios}
    unknown = [row.underlying for row in rows if row.underlying not in validated]
    elsewhere = f"; {join_words(unknown)} {_be(unknown)} unvalidated" if unknown else ""
    return (
        f"Most leverage is assumed; on recorded days the model states {named} times what was"
        f" liquidated{_error([ratio for ratio, _ in ratios])}{elsewhere}. Differences between rules are"
        " steadier than amounts. "
    )


def _of(row: StressRow, rows: Sequence[StressRow]) -> str:
    """Returns the underlying of a figure in brackets; empty if there is only one."""
    return f" ({row.underlying})" if len(rows) > 1 else ""


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _error(ratios: Sequence[float]) -> str:
    """Returns that the model errs far in one direction on all underlyings; empty otherwise."""
    if max(ratios) < 1 / _FAR:
        return ": it states far too little"
    return ": it states far too much" if min(ratios) > _FAR else ""
