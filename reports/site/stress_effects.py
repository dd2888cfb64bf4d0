"""Tables of what other rules change: margins in force and required, signs, sizes, reactions."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from harmonize.document import DivergencePoint, StressEffectRow, StressRow, StressVenueRow
from harmonize.text import numbers
from reports.lookup import MARGIN_TYPES
from reports.site import marks
from reports.site.markup import Html, text
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext
from reports.site.stress_changes import harmonized_effects, sign_text, signed_usd
from reports.site.stress_tables import amount, rules_cell, venue_cell
from reports.site.stress_words import (
    HARMONIZED,
    METRIC_NAMES,
    MOVE,
    REACTIONS,
    both,
    fall_text,
    multiplier,
)
from reports.site.tables import Cell, Row, Table, number

_EQUAL = "no change"
"""Sign of a change that is none."""

_SHORT_NAMES = {"initial": "IM", "maintenance": "MM"}


def threshold_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns IM and MM in force by venue beside those of the harmonized rules, at one size."""
    rule_set = _rule_set(row)
    size = numbers.usd(context.document.heat_map_notional)
    rows = []
    for own in row.venues:
        points = [_point(context, own, rule_set, margin_type) for margin_type, _ in MARGIN_TYPES]
        if any(points):
            rates = [cell for point in points for cell in _rates(context, point)]
            margins = numbers.observation_date(own.observed_at, own.observed_from, own.date_kind)
            rows.append(
                Row((venue_cell(context, own.venue, up), *rates, Cell(margins, css="dates")))
            )
    return Table(
        f"Margins on {row.underlying}",
        text(
            f"Share of a position of {size}: in force at each venue (observed), and under {rule_set}."
            " A higher MM liquidates after a smaller fall; a higher IM leaves less leverage"
        ),
        (
            "Venue",
            *(
                f"#{_SHORT_NAMES[margin_type]} {kind}"
                for margin_type, _ in MARGIN_TYPES
                for kind in ("in force", "required")
            ),
            "Margins observed",
        ),
        rows,
        numeric=True,
    )


def threshold_sentence(context: ReportContext, row: StressRow) -> str:
    """Returns the range of margins in force against those of the harmonized rules; empty if unknown."""
    rule_set = _rule_set(row)
    parts = []
    for margin_type, name in MARGIN_TYPES:
        points = [_point(context, own, rule_set, margin_type) for own in row.venues]
        known = [own for own in points if own and own.margin is not None and own.required]
        if not known:
            return ""
        observed = sorted(own.margin / own.notional for own in known if own.margin is not None)
        required = sorted(own.required / own.notional for own in known if own.required)
        parts.append(f"{_range(required)} {name.lower()} ({_range(observed)} in force)")
    size = numbers.usd(context.document.heat_map_notional)
    return f"A {size} position would need {' and '.join(parts)}."


def _range(rates: Sequence[float]) -> str:
    ends = [fall_text(own) for own in (rates[0], rates[-1])]
    return " to ".join(dict.fromkeys(ends))


def _rule_set(row: StressRow) -> str:
    return next((own.rule_set for own in harmonized_effects(row)), "")


def _point(
    context: ReportContext, own: StressVenueRow, rule_set: str, margin_type: str
) -> DivergencePoint | None:
    """Returns the comparison of a venue's margin with a rule set at the size of the report."""
    compared = context.divergences.get((own.venue, own.symbol, own.profile), ())
    return next(
        (
            point
            for divergence in compared
            if (divergence.rule_set, divergence.margin_type) == (rule_set, margin_type)
            for point in divergence.points
            if point.notional == context.document.heat_map_notional
        ),
        None,
    )


def _rates(context: ReportContext, point: DivergencePoint | None) -> Iterator[Cell]:
    """Yields the rates in force and required."""
    size = context.document.heat_map_notional
    for value in (point.margin, point.required) if point else (None, None):
        if value is None:
            is_above = point is not None and point.above_capacity
            sign = marks.ABOVE_CAPACITY if is_above else marks.NOT_OBSERVABLE
            yield number(sign.sign)
        else:
            yield number(numbers.rate(value / size), key=value / size)


def sign_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns the sign of every change at every stated shock, a row per rules."""
    ordered = _ordered(row)
    several = _has_shocks(row)
    rows = []
    for _, group in groupby(ordered, key=_rules_at):
        effects = list(group)
        by_metric = {own.metric: own for own in effects}
        first = effects[0]
        rows.append(
            Row(
                (
                    rules_cell(context, first.what_if, first.rule_set, up),
                    *([_shock(first)] if several else []),
                    *(_sign_cell(by_metric.get(metric)) for metric in METRIC_NAMES),
                )
            )
        )
    return Table(
        f"Signs of changes on {row.underlying}",
        text(
            f"Change against the rules in force{_size_words(row)}. A sign is stated only if the 5–95 % intervals of"
            f" {numbers.count(row.seeds)} samples of positions, both reactions of traders (behaviour) and all"
            " liquidity multipliers agree. Less may be what traders add or close before the fall, which the"
            " last table of this section states"
        ),
        ("Rules", *(["#Shock"] if several else []), *METRIC_NAMES.values()),
        rows,
        numeric=True,
        css="signs",
    )


def _size_words(row: StressRow) -> str:
    """Returns which sizes stand beside the signs; empty without any."""
    liquidities = [cell.liquidity for own in row.effects for cell in own.cells]
    if not liquidities:
        return ""
    return (
        f", in brackets its size at liquidity {multiplier(min(liquidities))} ({REACTIONS}; of the total"
        " fall in percentage points)"
    )


def _sign_cell(effect: StressEffectRow | None) -> Cell:
    """Returns a sign with the sizes at the least liquidity multiplier; no change has none.

    Each size stays on its line.
    """
    if effect is None:
        return Cell(marks.NOT_OBSERVABLE.sign, css="why")
    sign = sign_text(effect)
    least = min((own.liquidity for own in effect.cells), default=None)
    shown = _bare_points if effect.metric == MOVE else signed_usd
    sizes = list(dict.fromkeys(shown(own.change) for own in effect.cells if own.liquidity == least))
    if not sizes or effect.sign == _EQUAL:
        return Cell(sign, css="why")
    sizes = [f"({sizes[0]}", *sizes[1:]]
    sizes[-1] += ")"
    spans = [f'<span class="size">{text(size)}</span>' for size in sizes]
    return Cell(f"{sign} {' / '.join(sizes)}", Html(f"{text(sign)} {' / '.join(spans)}"), css="why")


def _bare_points(change: float | None) -> str:
    """Returns a change of a fall in percentage points, without the unit."""
    return _points(change).removesuffix(f"{numbers.NBSP}points")


def _both_sizes(effect: StressEffectRow, liquidity: float) -> str:
    """Returns the changes of both reactions at a liquidity, with their unit once."""
    shown = _points if effect.metric == MOVE else signed_usd
    sizes = both([shown(own.change) for own in effect.cells if own.liquidity == liquidity])
    return sizes.replace(f"{numbers.NBSP}points /", " /")


def effect_tables(context: ReportContext, row: StressRow, up: str) -> tuple[Table, Table]:
    """Returns what other rules change at every stated shock: of the harmonized rules, and of all others.

    The cells are central changes; their interval stands beside them.
    """
    ordered = _ordered(row)
    first = [own for own in ordered if own.rule_set == ordered[0].rule_set]
    others = [own for own in ordered if own.rule_set != ordered[0].rule_set]
    return (
        _effect_table(context, row, up, "", first),
        _effect_table(context, row, up, ", further rule sets", others),
    )


def _effect_table(
    context: ReportContext, row: StressRow, up: str, suffix: str, effects: Sequence[StressEffectRow]
) -> Table:
    liquidities = sorted({cell.liquidity for own in row.effects for cell in own.cells})
    several = _has_shocks(row)
    return Table(
        f"Counterfactuals on {row.underlying}{suffix}",
        text(
            "Size of the change, by liquidity multiplier. Two numbers differ by the reaction of traders"
            f" whose margin is below the new IM, in the order {REACTIONS}. Falls are in percentage"
            f" points. The interval is that of {numbers.count(row.seeds)} samples of positions, over all"
            " reactions and multipliers: sampling only, not the uncertainty of the result"
        ),
        (
            *("Rules", "Change of", *(["#Shock"] if several else [])),
            *(f"#{multiplier(liquidity)}" for liquidity in liquidities),
            "#Sampling only, 5–95 %",
        ),
        [_effect_row(context, own, liquidities, up, has_shock=several) for own in effects],
        numeric=True,
        tools=len(effects) > SHORT,
    )


def _ordered(row: StressRow) -> list[StressEffectRow]:
    """Returns the effects by rules, the harmonized ones first."""
    return sorted(
        row.effects,
        key=lambda own: (own.rule_set != HARMONIZED, own.rule_set, own.what_if, own.shock),
    )


def _rules_at(effect: StressEffectRow) -> tuple[str, str, float]:
    return effect.rule_set, effect.what_if, effect.shock


def _has_shocks(row: StressRow) -> bool:
    return len({own.shock for own in row.effects}) > 1


def _shock(effect: StressEffectRow) -> Cell:
    return number(numbers.axis_rate(effect.shock), key=effect.shock)


def _effect_row(
    context: ReportContext,
    effect: StressEffectRow,
    liquidities: Sequence[float],
    up: str,
    *,
    has_shock: bool,
) -> Row:
    shown = _points if effect.metric == MOVE else signed_usd
    low = min((cell.low for cell in effect.cells), default=None)
    high = max((cell.high for cell in effect.cells), default=None)
    return Row(
        (
            rules_cell(context, effect.what_if, effect.rule_set, up),
            Cell(METRIC_NAMES.get(effect.metric, effect.metric).lower(), css="t"),
            *([_shock(effect)] if has_shock else []),
            *(number(_both_sizes(effect, liquidity)) for liquidity in liquidities),
            number(f"{shown(low)} to {shown(high)}"),
        )
    )


def _points(change: float | None) -> str:
    """Returns a change of a fall, in percentage points: ``+0.162 points``."""
    if change is None:
        return numbers.NOT_OBSERVABLE
    size = fall_text(abs(change)).replace("%", "points")
    if size == fall_text(0.0).replace("%", "points"):
        return size
    return f"{'−' if change < 0 else '+'}{size}"


def reaction_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns what traders below the new IM add before the fall, or close instead."""
    return Table(
        f"Reactions on {row.underlying}",
        text(
            "Before the fall: margin that traders below the new IM add (notional kept), or notional that"
            " they close instead (margin kept). Immediate: notional that the new MM liquidates without a"
            " fall"
        ),
        ("Rules", "#Margin added", "#Notional closed instead", "#Immediate"),
        [
            Row(
                (
                    rules_cell(context, own.what_if, own.rule_set, up),
                    *(amount(v) for v in (own.top_up, own.closed, own.immediate)),
                )
            )
            for own in sorted(
                row.reactions,
                key=lambda own: (own.rule_set != HARMONIZED, own.rule_set, own.what_if),
            )
        ],
        numeric=True,
    )
