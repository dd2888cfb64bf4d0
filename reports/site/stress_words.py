"""Stress of one underlying in sentences that its numbers make."""

from collections.abc import Iterator, Sequence

from harmonize.document import (
    StressEffectRow,
    StressMarketRow,
    StressPointRow,
    StressRow,
    StressSensitivityRow,
)
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site.stress_glossary import Statement

LIQUIDATED, MOVE, LOSS = "liquidated notional", "move", "loss beyond margin"
"""Metrics of effects."""

METRIC_NAMES = {LIQUIDATED: "Liquidated", MOVE: "Total fall", LOSS: "Loss beyond margin"}
"""Names of the metrics in tables."""

HARMONIZED = "harmonized-baseline"
"""Rule set whose curve is drawn beside today's; without it, the first one."""

WHOLE = "reference"
"""Change to IM and MM of a rule set; those to one of them are ``reference=im`` and ``reference=mm``."""

REACTIONS = "notional kept / margin kept"
"""Order of two numbers that differ by the reaction of traders."""

LEVERAGE = "leverage, median"
"""Assumption on the leverage of traders, whose range is stated with every result."""

_NO_FALL = 1e-9
"""Fall that is a rounding error."""

_LEAST_FALL = 1e-5
"""Smallest fall with digits: 0.001 %."""

_INTEREST = "open interest"
"""Assumption with the mark of the open interest."""

_MOST_NAMED = 2
"""Number of assumptions that a result names."""

_MOST_VENUES = 3
"""Number of venues that a result names."""


def result_statements(row: StressRow, why: str = "") -> list[Statement]:
    """Returns the result in statements; ``why`` are the margins behind the effect of other rules."""
    statements = (
        ("Liquidated", f"{_fall_sentence(row)} {_recorded_sentence(row)}".strip()),
        ("Price", _price_sentence(row)),
        ("Harmonized rules", _change_sentence(row, why)),
        ("What decides it", _assumption_sentence(row)),
        ("How far validated", _validation_sentence(row)),
        ("Dates and marks", dates_text(row)),
    )
    return [(name, words) for name, words in statements if words]


def at_shock(row: StressRow) -> list[StressPointRow]:
    """Returns the outcomes of the row's shock, smallest liquidity multiplier first."""
    points = [point for point in row.points if point.shock == row.shock]
    return sorted(points, key=lambda point: point.liquidity)


def multiplier(liquidity: float) -> str:
    """Returns a liquidity multiplier: ``4×``."""
    return f"{liquidity:g}×"


def fall_text(fall: float | None) -> str:
    """Returns a fall or move with three digits: the figures of an assumed book have no more.

    A rounding error is ``0 %``, and a smaller fall than 0.001 % is ``<0.001 %``.
    """
    if fall is None:
        return numbers.NOT_OBSERVABLE
    if abs(fall) < _LEAST_FALL:
        return f"{'0' if abs(fall) <= _NO_FALL else '<0.001'}{numbers.NBSP}%"
    return f"{fall * 100:.3g}{numbers.NBSP}%"


def both(values: Sequence[str]) -> str:
    """Returns the numbers of both reactions of traders: one if they are equal."""
    return " / ".join(dict.fromkeys(values))


def span(values: Sequence[str]) -> str:
    """Returns a range from the first to the last number: one if they are equal."""
    return " to ".join(dict.fromkeys(values))


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
    leverage = " or ".join(leverage_range(row)) if row.is_synthetic else ""
    other = f"with half or twice the median leverage, the total is {leverage}" if leverage else ""
    parts = "; ".join(filter(None, (where, other)))
    return f" At {multiplier(liquidity)}, {parts}." if parts else ""


def simulated(row: StressRow) -> str:
    """Returns what the longs are, as the end of "of those"."""
    return "simulated" if row.is_synthetic else "given"


def _recorded_sentence(row: StressRow) -> str:
    """Returns how many times what was recorded the model states; nothing for given positions."""
    if not at_shock(row) or not row.is_synthetic:
        return ""
    return f"{_capital(validation_words(row))}."


def validation_words(row: StressRow) -> str:
    """Returns how many times what was recorded the model states, or that nothing was recorded."""
    known = [
        f"on {own.days} recorded days at {own.venue} the model states {own.ratio:.2g} times what was"
        " liquidated"
        for own in row.validation
        if own.ratio is not None
    ]
    return "; ".join(known) or "no recorded liquidation validates it"


def leverage_range(row: StressRow) -> tuple[str, ...]:
    """Returns the liquidated notional with the median leverage halved and doubled; empty if unknown."""
    found = next((own for own in row.sensitivity if own.name == LEVERAGE), None)
    return (numbers.usd(found.halved), numbers.usd(found.doubled)) if found else ()


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
    )


def _cliff_sentence(row: StressRow) -> str:
    if not row.cliffs:
        return ""
    names = [
        f"{fall_text(cliff.shock)} (at {multiplier(cliff.liquidity)})"
        for cliff in sorted(row.cliffs, key=lambda cliff: (cliff.liquidity, cliff.shock))
    ]
    return (
        f" A slightly larger shock than {join_words(names, 3)} deepens the fall by at least 1 % more"
        " (a cliff)."
    )


def _change_sentence(row: StressRow, why: str) -> str:
    """Returns what the harmonized rules change at the shock, and through which of their margins."""
    effects = harmonized_effects(row)
    if not effects:
        return ""
    first = effects[0]
    change = next((own for own in effects if own.metric == LIQUIDATED), None)
    amounts = _change_text(change) if change and change.cells else ""
    leading, *others = [_change_words(own) for own in effects]
    further = "".join(f" {_capital(words)}." for words in others)
    return (
        f"Under {rules_name(first.what_if, first.rule_set)}, {leading}{amounts}.{further}"
        f"{_part_sentence(row, first.rule_set)}{f' {why}' if why else ''}"
    )


def _change_text(effect: StressEffectRow) -> str:
    """Returns the change at the least liquidity multiplier, for both reactions if they differ."""
    least = min(cell.liquidity for cell in effect.cells)
    cells = [own for own in effect.cells if own.liquidity == least]
    sizes = [signed_usd(own.change) for own in cells]
    if len(set(sizes)) == 1:
        return f" ({sizes[0]} at {multiplier(least)})"
    named = [f"{size} with {own.behaviour}" for size, own in zip(sizes, cells, strict=True)]
    return f" ({join_words(named)}, at {multiplier(least)})"


_CHANGES = {
    (LIQUIDATED, "more"): "more longs would be liquidated",
    (LIQUIDATED, "less"): "fewer longs would be liquidated",
    (LIQUIDATED, "no change"): "as many longs would be liquidated",
    (MOVE, "more"): "the price would fall further",
    (MOVE, "less"): "the price would fall less",
    (MOVE, "no change"): "the price would fall as far",
    (LOSS, "more"): "losses beyond margin would be larger",
    (LOSS, "less"): "losses beyond margin would be smaller",
    (LOSS, "no change"): "losses beyond margin would be equal",
}

_QUESTIONS = {
    LIQUIDATED: "whether more or fewer longs would be liquidated",
    MOVE: "whether the price would fall further or less",
    LOSS: "whether losses beyond margin would be larger or smaller",
}


_CAUSES = {
    "liquidity": "market liquidity",
    "behaviour": "the reaction of traders",
    "sample": "the sample of positions",
}
"""Names of what the sign of an effect depends on."""


def _change_words(effect: StressEffectRow) -> str:
    """Returns the sign of an effect in words, or the question with what its answer depends on."""
    if effect.depends_on:
        question = _QUESTIONS.get(effect.metric, effect.metric)
        causes = [_CAUSES.get(own, own) for own in effect.depends_on]
        return f"{question} depends on {join_words(causes)}"
    return _CHANGES.get((effect.metric, effect.sign), f"{effect.metric}: {effect.sign}")


def _part_sentence(row: StressRow, rule_set: str) -> str:
    """Returns what IM alone and MM alone of a rule set change; nothing unless both are known."""
    signs = {
        own.what_if.removeprefix(WHOLE).strip(" =").upper(): own
        for own in row.effects
        if own.rule_set == rule_set and own.shock == row.shock and own.metric == LIQUIDATED
    }
    if not {"IM", "MM"} <= set(signs):
        return ""
    return (
        f" With its IM alone, {_change_words(signs['IM'])}; with its MM alone,"
        f" {_change_words(signs['MM'])}."
    )


def signed_usd(amount: float | None) -> str:
    """Returns a change in USD with its sign; ``$0`` has none."""
    text = numbers.usd(amount)
    return f"+{text}" if amount is not None and amount > 0 and text != "$0" else text


def sign_text(effect: StressEffectRow) -> str:
    """Returns the sign of an effect, or on what it depends."""
    if not effect.depends_on:
        return effect.sign
    return f"depends on {join_words(effect.depends_on)}"


def harmonized_effects(row: StressRow) -> list[StressEffectRow]:
    """Returns the effects of the harmonized rules at the row's shock."""
    effects = [effect for effect in row.effects if effect.shock == row.shock]
    key = harmonized_key([(effect.what_if, effect.rule_set) for effect in effects])
    return [effect for effect in effects if (effect.what_if, effect.rule_set) == key]


def harmonized_key(keys: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """Returns the change and rule set that stand for harmonized rules; None without any.

    IM and MM of the baseline come before one of them alone, and the baseline before other rule sets.
    """
    return min(
        keys,
        key=lambda key: (key[1] != HARMONIZED, key[1] == HARMONIZED and key[0] != WHOLE),
        default=None,
    )


def rules_name(what_if: str, rule_set: str) -> str:
    """Returns the name of other rules: the rule set, with the part of it if it is not IM and MM."""
    if not rule_set:
        return what_if
    part = what_if.removeprefix(WHOLE).strip(" =")
    return f"{rule_set} ({part.upper()})" if part else rule_set


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


def spread(row: StressSensitivityRow) -> float:
    """Returns the largest less the smallest of the three figures of an assumption, in USD."""
    figures = (row.base, row.halved, row.doubled)
    return max(figures) - min(figures)


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


def dates_text(row: StressRow) -> str:
    """Returns the dates of everything measured, each with its mark, as one sentence."""
    return f"{_capital(dates_line(row))}."


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def short_dates(row: StressRow) -> str:
    """Returns the dates of margins and open interest, and the mark of leverage, as one sentence."""
    parts = [f"margins {numbers.date_range(row.oldest, row.newest)}"]
    if interest := interest_dates(row):
        parts.append(f"open interest {interest} ({interest_mark([row])})")
    if row.is_synthetic:
        parts.append(f"leverage {_leverage_marks(row)}")
    return f"{_capital('; '.join(parts))}."


def dates_line(row: StressRow) -> str:
    """Returns the dates of margins, open interest, volatility and leverage, with their marks."""
    parts = [f"margins {numbers.date_range(row.oldest, row.newest)}"]
    if interest := interest_dates(row):
        parts.append(f"open interest {interest} ({interest_mark([row])})")
    if at_shock(row):
        parts += _market_parts(row.market)
    if row.is_synthetic:
        parts.append(f"leverage {_leverage_source(row)}({_leverage_marks(row)})")
    return "; ".join(parts)


def _market_parts(market: StressMarketRow) -> Iterator[str]:
    """Yields to when volatility and volume are measured; nothing of one that is not observable."""
    if market.volatility is not None and market.last:
        yield f"volatility to {numbers.date(market.last)} ({volatility_mark(market)})"
    if market.daily_volume is not None and market.volume_last:
        mark = _measured(is_stale=market.is_volume_stale)
        yield f"volume to {numbers.date(market.volume_last)} ({mark})"


def volatility_mark(market: StressMarketRow) -> str:
    """Returns the mark of the volatility, and of the price at the end of its candles."""
    return _measured(is_stale=market.is_volatility_stale)


def interest_mark(rows: Sequence[StressRow]) -> str:
    """Returns the mark of the open interest of underlyings, as their assumptions state it."""
    marks = [own.mark for row in rows for own in row.defaults if own.name == _INTEREST]
    stale = [mark for mark in marks if "stale" in mark]
    if stale and len(rows) > len(stale):
        return "measured, some stale"
    return _measured(is_stale=bool(stale))


def _measured(*, is_stale: bool) -> str:
    return "measured, stale" if is_stale else "measured"


def _leverage_source(row: StressRow) -> str:
    """Returns place and month of the sample of leverage, as the assumption states them."""
    basis = next((own.basis for own in row.defaults if own.name == "effective leverage"), "")
    return f"{basis.partition(':')[0]} " if ":" in basis else ""


def _leverage_marks(row: StressRow) -> str:
    """Returns where leverage was measured, and that it is assumed elsewhere."""
    measured = [own.venue for own in row.venues if own.leverage_mark == "measured"]
    if not measured:
        return "assumed"
    if len(measured) == len(row.venues):
        return "measured"
    return f"measured at {join_words(measured)}, assumed elsewhere"


def interest_dates(row: StressRow) -> str:
    """Returns the dates of the open interest; empty if positions were given."""
    times = sorted(own.open_interest_at for own in row.venues if own.open_interest_at)
    return numbers.date_range(times[0], times[-1]) if times else ""


def book_text(row: StressRow) -> str:
    """Returns on how many venues positions are simulated, of those with open interest."""
    count = numbers.count_text(len(row.venues), "venue")
    if not row.is_synthetic:
        return f"given positions on {count}"
    others = [own.venue for own in row.not_observable if own.reason != _NO_INTEREST]
    if not others:
        return f"{count} with open interest and margins"
    return f"{count} with open interest and margins; without margins: {join_words(others, 3)}"


_NO_INTEREST = "open interest is not observed"
