"""What other rules change, in words that the numbers of effects make: signs, sizes, reasons."""

from collections.abc import Sequence

from harmonize.document import EffectCellRow, StressEffectRow, StressRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site.stress_words import (
    HARMONIZED,
    LIQUIDATED,
    LOSS,
    MOVE,
    WHOLE,
    capital,
    multiplier,
    span,
)

_SIGNS = {"not more": "less or unchanged", "not less": "more or unchanged"}
"""Signs in words, where they differ from those of the document."""

_CHANGES = {
    (LIQUIDATED, "more"): "more longs would be liquidated",
    (LIQUIDATED, "less"): "fewer longs would be liquidated",
    (LIQUIDATED, "no change"): "as many longs would be liquidated",
    (LIQUIDATED, "not more"): "no more longs would be liquidated than today",
    (LIQUIDATED, "not less"): "no fewer longs would be liquidated than today",
    (MOVE, "more"): "the price would fall further",
    (MOVE, "less"): "the price would fall less",
    (MOVE, "no change"): "the price would fall as far",
    (MOVE, "not more"): "the price would fall no further than today",
    (MOVE, "not less"): "the price would fall no less than today",
    (LOSS, "more"): "losses beyond margin would be larger",
    (LOSS, "less"): "losses beyond margin would be smaller",
    (LOSS, "no change"): "losses beyond margin would be equal",
    (LOSS, "not more"): "losses beyond margin would be no larger than today",
    (LOSS, "not less"): "losses beyond margin would be no smaller than today",
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

_REACTIONS = {"notional kept": "if traders add margin", "margin kept": "if they close a part"}
"""Reactions of traders in sentences."""

_SIZES = {
    LIQUIDATED: ("fewer by", "as many", "more by"),
    LOSS: ("smaller by", "unchanged", "larger by"),
}
"""Words before the size of a decrease, for none, and before that of an increase; of amounts."""

_ONE_SIDED = ("less", "more")
"""Signs of changes that have a size everywhere."""

_UNSURE = "depends on"
"""Sign of an interval with 0 inside."""


def change_sentence(row: StressRow, why: str) -> str:
    """Returns what the harmonized rules change at the shock, and through which of their margins."""
    effects = harmonized_effects(row)
    if not effects:
        return ""
    first = effects[0]
    leading, *others = [_leading_words(own) for own in effects]
    further = "".join(f" {capital(words)}." for words in others)
    reason = f"{_reason_sentence(row, first.rule_set)}{f' {why}' if why else ''}"
    return (
        f"Under {rules_name(first.what_if, first.rule_set)}, {leading}.{reason}{further}"
        f"{_part_sentence(row, first.rule_set)}"
    )


def _leading_words(effect: StressEffectRow) -> str:
    """Returns the sign of an effect with its sizes: at every liquidity if there is no sign.

    Changes of the price have no sizes: the table has them.
    """
    if effect.metric not in _SIZES or not effect.cells:
        return _change_words(effect)
    if effect.depends_on:
        return f"{_change_words(effect)}: {_sizes(effect, _liquidities(effect))}"
    return f"{_part_words(effect)}{_stated_size(effect)}"


def _stated_size(effect: StressEffectRow) -> str:
    """Returns the size of a change with one sign at the least liquidity multiplier, by reaction."""
    if effect.sign not in _ONE_SIDED:
        return ""
    least = min(own.liquidity for own in effect.cells)
    cells = [own for own in effect.cells if own.liquidity == least]
    amounts = [numbers.usd(abs(own.change)) for own in cells]
    named = [f"{amount} {_reaction(own)}" for amount, own in zip(amounts, cells, strict=True)]
    sizes = join_words(named) if len(set(amounts)) > 1 else amounts[0]
    return f" (by {sizes}, against {numbers.usd(cells[0].before)} today, at {multiplier(least)})"


def _reaction(cell: EffectCellRow) -> str:
    return _REACTIONS.get(cell.behaviour, f"with {cell.behaviour}")


def _liquidities(effect: StressEffectRow) -> list[float]:
    return sorted({own.liquidity for own in effect.cells})


def _sizes(effect: StressEffectRow, liquidities: Sequence[float]) -> str:
    """Returns the sizes of a change of an amount by liquidity, by reaction where their sign differs."""
    return "; ".join(
        f"{_size(effect.metric, [own for own in effect.cells if own.liquidity == liquidity])}"
        f" at {multiplier(liquidity)}"
        for liquidity in liquidities
    )


def _size(metric: str, cells: Sequence[EffectCellRow]) -> str:
    words = [_size_word(metric, own) for own in cells]
    base = f" against {numbers.usd(cells[0].before)} today"
    if len(set(words)) > 1:
        parts = [
            f"{word}{_amount(own, word)} {_reaction(own)}"
            for word, own in zip(words, cells, strict=True)
        ]
        return f"{join_words(parts)},{base}"
    amounts = [numbers.usd(own) for own in sorted(abs(own.change) for own in cells)]
    if not words[0].endswith("by"):
        return words[0]
    return f"{words[0]} {span([amounts[0], amounts[-1]])}{base}"


def _amount(cell: EffectCellRow, word: str) -> str:
    return f" {numbers.usd(abs(cell.change))}" if word.endswith("by") else ""


def _size_word(metric: str, cell: EffectCellRow) -> str:
    """Returns the words before the size of a change; the sample decides an interval around 0."""
    less, equal, more = _SIZES[metric]
    if cell.sign == _UNSURE:
        return "decided by the sample of positions"
    if numbers.usd(abs(cell.change)) == numbers.usd(0.0):
        return equal
    return less if cell.change < 0.0 else more


def _reason_sentence(row: StressRow, rule_set: str) -> str:
    """Returns why the rules liquidate more, as far as their parts show it; empty otherwise."""
    parts = _parts(row, rule_set)
    whole = next((own for own in harmonized_effects(row) if own.metric == LIQUIDATED), None)
    loss = next((own for own in harmonized_effects(row) if own.metric == LOSS), None)
    if whole is None or whole.sign != "more" or not {"IM", "MM"} <= set(parts):
        return ""
    if parts["MM"].sign != "more" or parts["IM"].sign not in {"less", "not more", "no change"}:
        return ""
    least = min((own.liquidity for own in loss.cells), default=0.0) if loss else 0.0
    is_benefit = loss is not None and all(
        own.sign == "less" for own in loss.cells if own.liquidity == least
    )
    kept = " They are closed earlier, with more margin left." if is_benefit else ""
    return (
        " The reason is the maintenance margin (MM), which is higher and is reached after a smaller"
        f" fall.{kept}"
    )


def _change_words(effect: StressEffectRow) -> str:
    """Returns the sign of an effect in words, or the question with what its answer depends on."""
    if effect.depends_on:
        question = _QUESTIONS.get(effect.metric, effect.metric)
        causes = [_CAUSES.get(own, own) for own in effect.depends_on]
        return f"{question} depends on {join_words(causes)}"
    return _CHANGES.get((effect.metric, effect.sign), f"{effect.metric}: {effect.sign}")


def _parts(row: StressRow, rule_set: str) -> dict[str, StressEffectRow]:
    """Returns the effects of IM alone and MM alone on the liquidated notional, by part."""
    return {
        own.what_if.removeprefix(WHOLE).strip(" =").upper(): own
        for own in row.effects
        if own.rule_set == rule_set and own.shock == row.shock and own.metric == LIQUIDATED
    }


def _part_sentence(row: StressRow, rule_set: str) -> str:
    """Returns what IM alone and MM alone of a rule set change; nothing unless both are known."""
    parts = _parts(row, rule_set)
    if not {"IM", "MM"} <= set(parts):
        return ""
    return (
        f" With its IM alone, {_part_words(parts['IM'])}; with its MM alone,"
        f" {_part_words(parts['MM'])}."
    )


def _part_words(effect: StressEffectRow) -> str:
    """Returns the sign of an effect, with sizes where some of them are none."""
    if effect.sign not in _SIGNS or not effect.cells:
        return _change_words(effect)
    liquidities = _liquidities(effect)
    patterns = {own: _pattern(effect, own) for own in liquidities}
    stated = [own for own in liquidities[1:] if patterns[own] != patterns[liquidities[0]]]
    return f"{_change_words(effect)} ({_sizes(effect, [liquidities[0], *stated])})"


def _pattern(effect: StressEffectRow, liquidity: float) -> tuple[str, ...]:
    return tuple(
        _size_word(effect.metric, own) for own in effect.cells if own.liquidity == liquidity
    )


def signed_usd(amount: float | None) -> str:
    """Returns a change in USD with its sign; ``$0`` has none."""
    text = numbers.usd(amount)
    return f"+{text}" if amount is not None and amount > 0 and text != "$0" else text


def sign_text(effect: StressEffectRow) -> str:
    """Returns the sign of an effect, its only exception, or on what it depends."""
    if not effect.depends_on:
        return _SIGNS.get(effect.sign, effect.sign)
    return _exception(effect) or f"depends on {join_words(effect.depends_on)}"


_LEAST_COMMON = 3
"""Number of cells with one sign from which another one is an exception."""


def _exception(effect: StressEffectRow) -> str:
    """Returns the sign of all cells except one, and that one; empty if more of them differ."""
    signs = [own.sign for own in effect.cells]
    for own in effect.cells:
        others = list(signs)
        others.remove(own.sign)
        common = set(others)
        if signs.count(own.sign) == 1 and len(common) == 1 and len(others) >= _LEAST_COMMON:
            (sign,) = common
            if sign == _UNSURE:
                return ""
            where = f"{multiplier(own.liquidity)} with {own.behaviour}"
            exception = "the sample decides" if own.sign == _UNSURE else own.sign
            return f"{_SIGNS.get(sign, sign)}, except at {where}: {exception}"
    return ""


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


def rules_name(what_if: str, rule_set: str, name: str = "") -> str:
    """Returns the name of other rules: the rule set, with the part of it if it is not IM and MM.

    ``name`` is a readable one of the rule set, in place of its id.
    """
    if not rule_set:
        return what_if
    part = what_if.removeprefix(WHOLE).strip(" =").upper()
    if not part:
        return name or rule_set
    return f"{name}, {part} alone" if name else f"{rule_set} ({part})"
