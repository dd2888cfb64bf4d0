"""Stress of one underlying in sentences that its numbers make."""

from collections.abc import Sequence

from harmonize.document import StressEffectRow, StressPointRow, StressRow, StressSensitivityRow
from harmonize.text import numbers
from harmonize.text.words import join_words

LIQUIDATED, MOVE, LOSS = "liquidated notional", "move", "loss beyond margin"
"""Metrics of effects."""

HARMONIZED = "harmonized-baseline"
"""Rule set whose curve is drawn beside today's; without it, the first one."""

_MOST_NAMED = 2
"""Number of assumptions that a paragraph names."""


def paragraph(row: StressRow) -> str:
    """Returns the result and the assumptions that matter most, in sentences."""
    parts = (
        _fall_sentence(row),
        _range_sentence(row),
        _cliff_sentence(row),
        _change_sentence(row),
        _assumption_sentence(row),
        _leverage_sentence(row),
        f"Margins were observed {numbers.date_range(row.oldest, row.newest)}.",
    )
    return " ".join(part for part in parts if part)


def at_shock(row: StressRow) -> list[StressPointRow]:
    """Returns the outcomes of the row's shock, smallest liquidity multiplier first."""
    points = [point for point in row.points if point.shock == row.shock]
    return sorted(points, key=lambda point: point.liquidity)


def multiplier(liquidity: float) -> str:
    """Returns a liquidity multiplier: ``4×``."""
    return f"{liquidity:g}×"


def _fall_sentence(row: StressRow) -> str:
    points = at_shock(row)
    if not points:
        reason = row.market.reason or "no volatility and volume"
        return f"There is no curve of {row.underlying}: {reason}."
    first = points[0]
    interval = ""
    if first.liquidated_low is not None and first.liquidated_high is not None:
        low, high = numbers.usd(first.liquidated_low), numbers.usd(first.liquidated_high)
        interval = f"; 5–95 % of {numbers.count_text(row.seeds, 'book')}: {low} to {high}"
    return (
        f"A sudden fall of {row.underlying} by {numbers.rate(row.shock)} liquidates"
        f" {numbers.usd(first.liquidated)}, {numbers.rate(first.share)} of the open interest of longs"
        f"{interval}, and ends {numbers.rate(first.move)} below the first mark at the liquidity"
        f" multiplier {multiplier(first.liquidity)}."
    )


def _range_sentence(row: StressRow) -> str:
    points = at_shock(row)
    if len(points) < 2:  # noqa: PLR2004 - a range has two ends
        return ""
    first, last = points[0], points[-1]
    return (
        f"At {multiplier(last.liquidity)} it liquidates {numbers.usd(last.liquidated)} and ends"
        f" {numbers.rate(last.move)} below; losses beyond margin are {numbers.usd(first.loss)} to"
        f" {numbers.usd(last.loss)}. How liquid the market would be is assumed, so that this"
        " amplification is not identified."
    )


def _cliff_sentence(row: StressRow) -> str:
    if not row.points:
        return ""
    if not row.cliffs:
        return "No shock has a cliff, a jump of the move by at least 1 %."
    names = [
        f"{numbers.rate(cliff.shock)} ({multiplier(cliff.liquidity)})"
        for cliff in sorted(row.cliffs, key=lambda cliff: (cliff.liquidity, cliff.shock))
    ]
    return f"Cliffs are at shocks of {join_words(names, 3)}."


def _change_sentence(row: StressRow) -> str:
    """Returns what the harmonized rules change at the shock."""
    effects = harmonized_effects(row)
    if not effects:
        return ""
    first = effects[0]
    named = [f"{effect.metric} {sign_text(effect)}" for effect in effects]
    return f"Under {rules_name(first.what_if, first.rule_set)}: {join_words(named)}."


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
    """Returns the change and rule set that stand for harmonized rules; None without any."""
    of_baseline = [key for key in keys if key[1] == HARMONIZED]
    return next(iter([*of_baseline, *keys]), None)


def rules_name(what_if: str, rule_set: str) -> str:
    """Returns the name of other rules: the rule set, with the part of it if it is not IM and MM."""
    if not rule_set:
        return what_if
    part = what_if.removeprefix("reference").strip(" =")
    return f"{rule_set} ({part})" if part else rule_set


def _assumption_sentence(row: StressRow) -> str:
    ranked = [assumption for assumption in row.sensitivity if spread(assumption) > 0.0]
    if not ranked:
        return ""
    named = [
        f"{assumption.name} ({assumption.mark or 'no mark'}; halved {numbers.usd(assumption.halved)}, doubled"
        f" {numbers.usd(assumption.doubled)})"
        for assumption in ranked[:_MOST_NAMED]
    ]
    return f"What matters most is {join_words(named)}."


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
    share = numbers.rate(assumed / row.open_interest)
    return f"Effective leverage is assumed on {share} of the open interest."
