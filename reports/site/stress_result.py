"""Result of a stress on one underlying, in statements that its numbers make."""

from harmonize.document import StressRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site.stress_changes import change_sentence, harmonized_key, rules_name
from reports.site.stress_glossary import Statement
from reports.site.stress_words import (
    IF_LEVERAGE,
    at_shock,
    capital,
    dates_text,
    fall_text,
    leverage_range,
    multiplier,
    simulated,
    span,
    spread,
    validation_words,
)

_MOST_NAMED = 2
"""Number of assumptions that a result names."""

_MOST_VENUES = 3
"""Number of venues that a result names."""


def result_statements(row: StressRow, why: str = "") -> list[Statement]:
    """Returns the result in statements; ``why`` are the margins behind the effect of other rules."""
    statements = (
        ("Liquidated", f"{_fall_sentence(row)} {_recorded_sentence(row)}".strip()),
        ("Price", _price_sentence(row)),
        ("Harmonized rules", change_sentence(row, why)),
        ("What decides it", _assumption_sentence(row)),
        ("How far validated", _validation_sentence(row)),
        ("Dates and marks", dates_text(row)),
    )
    return [(name, words) for name, words in statements if words]


def _fall_sentence(row: StressRow) -> str:
    points = at_shock(row)
    if not points:
        reason = row.market.reason or "no volatility and volume"
        return f"There is no curve of {row.underlying}: {reason}."
    first, last = points[0], points[-1]
    amounts = span([numbers.usd(first.liquidated), numbers.usd(last.liquidated)])
    shares = span([numbers.axis_rate(first.share), numbers.axis_rate(last.share)])
    is_range = amounts != numbers.usd(first.liquidated)
    markets = span([multiplier(first.liquidity), multiplier(last.liquidity)])
    basis = (
        f" The range is that of market liquidity ({markets}), which is assumed." if is_range else ""
    )
    return (
        f"If {row.underlying} fell by {numbers.axis_rate(row.shock)} at once,"
        f" {amounts} of longs would be liquidated, {shares} of those {simulated(row)}.{basis}"
        f"{_least_sentence(row, first.liquidity)}"
    )


def _least_sentence(row: StressRow, liquidity: float) -> str:
    """Returns the largest venues at the least multiplier, and the total with other leverage."""
    known = sorted(row.venues, key=lambda own: (-(own.liquidated or 0.0), own.venue))
    named = [f"{own.venue} ({numbers.usd(own.liquidated)})" for own in known if own.liquidated]
    where = f"most is at {join_words(named[:_MOST_VENUES])}" if named else ""
    leverage = span(leverage_range(row)) if row.is_synthetic else ""
    other = f"the total is {leverage} {IF_LEVERAGE}" if leverage else ""
    parts = "; ".join(filter(None, (where, other)))
    return f" At {multiplier(liquidity)}, {parts}." if parts else ""


def _recorded_sentence(row: StressRow) -> str:
    """Returns how many times what was recorded the model states; nothing for given positions."""
    if not at_shock(row) or not row.is_synthetic:
        return ""
    return f"{capital(validation_words(row))}."


def _price_sentence(row: StressRow) -> str:
    points = at_shock(row)
    if not points:
        return ""
    first, last = points[0], points[-1]
    moves = list(dict.fromkeys([fall_text(first.move), fall_text(last.move)]))
    deepened = f"between {' and '.join(moves)}" if len(moves) > 1 else moves[0]
    losses = span([numbers.usd(first.loss), numbers.usd(last.loss)])
    return (
        f"Forced sales deepen the fall from {numbers.axis_rate(row.shock)} to {deepened}; positions lose"
        f" {losses} more than their margin. No public data identifies this deepening.{_cliff_sentence(row)}"
        f"{_changed_cliff_sentence(row)}"
    )


def _cliff_sentence(row: StressRow) -> str:
    if not row.cliffs:
        return " No cliff: no slightly larger shock deepens the fall by a further 1 % of the price at once."
    names = [
        f"{fall_text(cliff.shock)} (at {multiplier(cliff.liquidity)})"
        for cliff in sorted(row.cliffs, key=lambda cliff: (cliff.liquidity, cliff.shock))
    ]
    return (
        f" A slightly larger shock than {join_words(names, 3)} deepens the fall by at least 1 % more"
        " (a cliff)."
    )


def _changed_cliff_sentence(row: StressRow) -> str:
    """Returns where the fall jumps under the harmonized rules, and how far; empty if it does not."""
    key = harmonized_key([(own.what_if, own.rule_set) for own in row.changed])
    cliffs = [
        (own, own.after)
        for own in row.changed_cliffs
        if (own.what_if, own.rule_set) == key and own.after is not None
    ]
    if key is None or not cliffs:
        return ""
    largest, after = max(cliffs, key=lambda pair: pair[1] - pair[0].before)
    shocks = [own.shock for own, _ in cliffs]
    places = dict.fromkeys((fall_text(min(shocks)), fall_text(max(shocks))))
    return (
        f" Under {rules_name(*key)}, the fall jumps at a shock of {' to '.join(places)}, at"
        f" {multiplier(largest.liquidity)} from {fall_text(largest.before)} to {fall_text(after)} (a cliff):"
        " there, many positions have one threshold."
    )


def _assumption_sentence(row: StressRow) -> str:
    ranked = [assumption for assumption in row.sensitivity if spread(assumption) > 0.0]
    if not ranked:
        return _leverage_sentence(row)
    named = [
        f"{assumption.name} (halved {numbers.usd(assumption.halved)}, doubled"
        f" {numbers.usd(assumption.doubled)})"
        for assumption in ranked[:_MOST_NAMED]
    ]
    return f"What matters most: {join_words(named)}. {_leverage_sentence(row)}".strip()


def _leverage_sentence(row: StressRow) -> str:
    """Returns on how much of the open interest effective leverage is assumed."""
    if not row.is_synthetic:
        return "The positions were given."
    assumed = sum(venue.open_interest for venue in row.venues if venue.leverage_mark == "assumed")
    if not row.open_interest:
        return ""
    share = numbers.axis_rate(assumed / row.open_interest)
    return f"The leverage of traders is assumed on {share} of the open interest."


def _validation_sentence(row: StressRow) -> str:
    if not row.is_synthetic:
        return ""
    known = [own for own in row.validation if own.ratio is not None]
    first = at_shock(row)[:1]
    sampling = "".join(
        f" Drawing {numbers.count(row.seeds)} samples of positions moves the liquidated notional"
        f" from {numbers.usd(own.liquidated_low)} to {numbers.usd(own.liquidated_high)} (5–95 %):"
        " sampling only, not the uncertainty of the result."
        for own in first
        if own.liquidated_low is not None
    )
    if not known:
        return f"Unvalidated: no liquidations of {row.underlying} are recorded.{sampling}"
    venues = join_words([own.venue for own in known])
    correlations = join_words(
        [f"{own.rank_correlation:.2f}" for own in known if own.rank_correlation is not None]
    )
    ranks = f" (rank correlation of days {correlations})" if correlations else ""
    return f"Compared with recorded liquidations at {venues} only{ranks}; elsewhere unvalidated.{sampling}"
