"""First sentences of a page of stress: what a fall liquidates, how sure that is, and why it is asked."""

from collections.abc import Sequence

from harmonize.document import StressRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site.stress_words import at_shock, span

_MOST_UNDERLYINGS = 3
"""Number of underlyings that the first sentence names."""

_FAR = 2.0
"""Ratio of modelled to recorded amounts above which the model states far too much."""

_QUESTION = (
    "Uneven thresholds liquidate people at different prices, and forced sales move the price to the next"
    " threshold. This page compares the rules in force with others, and states what cannot be known."
)


def standfirst(rows: Sequence[StressRow]) -> str:
    """Returns what a fall liquidates on the largest underlyings, how sure that is, and why it is asked."""
    known = sorted((row for row in rows if at_shock(row)), key=lambda row: -row.open_interest)
    shown = [row for row in known if row.shock == known[0].shock][:_MOST_UNDERLYINGS]
    if not shown:
        return _QUESTION
    named = join_words([f"{_amounts(row)} of {row.underlying}" for row in shown])
    return (
        f"A sudden fall of {numbers.axis_rate(shown[0].shock)} would liquidate, in longs, {named}"
        f" (modelled). {_trust(shown)}{_QUESTION}"
    )


def _amounts(row: StressRow) -> str:
    points = at_shock(row)
    return span([numbers.usd(points[0].liquidated), numbers.usd(points[-1].liquidated)])


def _trust(rows: Sequence[StressRow]) -> str:
    """Returns how far amounts are assumed, and how they stand to recorded ones; empty if given."""
    if not all(row.is_synthetic for row in rows):
        return ""
    ratios = sorted(own.ratio for row in rows for own in row.validation if own.ratio is not None)
    if not ratios:
        return "Most leverage is assumed, and no recorded liquidation validates the amounts. "
    ends = span([f"{ratios[0]:.2g}", f"{ratios[-1]:.2g}"])
    return (
        f"Most leverage is assumed; on recorded days the model states {ends} times what was"
        f" liquidated{_error(ratios)}. "
    )


def _error(ratios: Sequence[float]) -> str:
    """Returns that the model errs far in one direction on all underlyings; empty otherwise."""
    if ratios[-1] < 1 / _FAR:
        return ": it states far too little"
    return ": it states far too much" if ratios[0] > _FAR else ""
