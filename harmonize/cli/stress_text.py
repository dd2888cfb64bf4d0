"""Stress of underlyings as text for a terminal, with the assumptions that every figure rests on."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from textwrap import wrap

from harmonize.api.stress import StressAnswer
from harmonize.api.stress_accounts import AccountRow
from harmonize.api.stress_paths import SwitchedPaths
from harmonize.api.stress_replay import replay_sentences
from harmonize.cli import stress_numbers
from harmonize.cli.compare_text import aligned
from harmonize.cli.stress_numbers import NONE
from harmonize.cli.stress_paths_text import paths
from harmonize.cli.stress_venues_text import contributions, margins_in_force
from harmonize.document.stress import (
    CliffRow,
    EffectCellRow,
    StressChangedCliffRow,
    StressDefaultRow,
    StressEffectRow,
    StressPointRow,
    StressRow,
)
from harmonize.stress.effects import Metric, Sign
from harmonize.text import numbers
from harmonize.text.messages import counted, percent
from harmonize.text.sanitize import one_line
from harmonize.text.words import first_words, join_words
from reports.site.stress_result import result_statements

_MOST_NAMES = 8
_MOST_CLIFFS = 4
_MOST_SENSITIVE = 3
_WIDTH = 110

_STATED = frozenset({"Liquidated", "Price", "Harmonized rules"})
"""Statements of the result at the beginning; the others follow from the tables below."""

_FALLS = (0.0, 0.01, 0.02, 0.05, 0.10, 0.20, 0.30, 0.50)
"""Bounds of the falls over which the text adds up the density."""

Cells = tuple[str, ...]


def stress_text(answer: StressAnswer) -> str:
    """Returns curve, paths, venues and effects per underlying, then assumptions and limits."""
    lines = [f"as of {answer.as_of:%Y-%m-%d}, read from {answer.archive}", *_scenario(answer)]
    for row in answer.rows:
        is_accounted = row.underlying in answer.with_accounts
        margined = ", each position margined alone" if is_accounted else ""
        lines += ["", *_section(row, answer.switched, margined)]
    lines += [*_accounts(answer), "", "assumptions", *_defaults(answer.rows)]
    above = set(replay_sentences(answer.scenario, answer.rows))
    lines += ["", "limits", *(line for line in answer.statements if line not in above)]
    return "".join(f"{one_line(line)}\n" for line in lines).replace(numbers.NBSP, " ")


def _scenario(answer: StressAnswer) -> Iterator[str]:
    scenario = answer.scenario
    if scenario is None:
        return
    begin = f" from {scenario.first_mark}" if scenario.first_mark else ""
    yield f"scenario {scenario.id}: {scenario.title}; {scenario.kind}, steps of {scenario.step_minutes:g} minutes{begin}"
    for citation in scenario.citations:
        yield f"  {citation.mark}: {citation.reference}"
    yield from replay_sentences(scenario, answer.rows)


def _section(row: StressRow, switched: SwitchedPaths, margined: str) -> Iterator[str]:
    """Yields the results on one underlying; ``margined`` states how, if some share their margin."""
    kind = "synthetic" if row.is_synthetic else "given"
    span = " to ".join(dict.fromkeys((row.oldest[:10], row.newest[:10])))
    yield (
        f"{row.underlying}: {kind} longs of {numbers.usd(row.open_interest)} on "
        f"{counted(sum(bool(v.open_interest) for v in row.venues), 'venue')}, margins observed "
        f"{span}{margined}"
    )
    if not row.open_interest:
        yield "no longs: a fall liquidates none"
        return
    if row.market.reason:
        yield f"no curve, contributions or effects: {row.market.reason}"
    elif not margined:
        yield from _result(row)
    yield from paths(row, switched)
    if row.points:
        yield from _points(row)
    yield from _cliffs(row)
    yield from margins_in_force(row)
    yield from contributions(row)
    yield from _density(row)
    yield from _effects(row)
    yield from _reactions(row)
    yield from _sensitive(row)
    yield from _absent(row)


def _points(row: StressRow) -> Iterator[str]:
    heads = ("shock", "liquidity", "move", "÷ shock", "liquidated", "share", "5–95 %", "loss beyond margin")  # fmt: skip
    cells = [_point(point) for point in sorted(row.points, key=lambda p: (p.shock, p.liquidity))]
    yield from aligned(heads, cells, right=set(range(len(heads))))


def _point(point: StressPointRow) -> Cells:
    interval = NONE
    if point.liquidated_low is not None and point.liquidated_high is not None:
        low, high = point.liquidated_low, point.liquidated_high
        interval = f"{stress_numbers.usd(low)} to {stress_numbers.usd(high)}"
    return (
        percent(point.shock),
        f"{point.liquidity:g}×",
        stress_numbers.move(point.move, point.shock),
        stress_numbers.amplification(point.amplification),
        stress_numbers.usd(point.liquidated),
        stress_numbers.rate(point.share),
        interval,
        stress_numbers.usd(point.loss),
    )


def _result(row: StressRow) -> Iterator[str]:
    """Yields the result in sentences, as the page *Stress* states it: amounts, price, other rules."""
    for name, words in result_statements(row):
        if name in _STATED:
            yield from _wrapped(words.replace(numbers.NBSP, " "), "  ")


def _cliffs(row: StressRow) -> Iterator[str]:
    """Yields the cliffs under the rules in force, then those under each change and reaction."""
    if not row.points:
        return
    yield f"cliffs, jumps of the move by 1 % or more: rules in force: {_listed(row.cliffs)}"
    by_change: dict[tuple[str, str, str], list[StressChangedCliffRow]] = {}
    for own in row.changed_cliffs:
        by_change.setdefault((own.what_if, own.rule_set, own.behaviour), []).append(own)
    for (what_if, rule_set, behaviour), cliffs in by_change.items():
        name = f"{what_if}, {rule_set}" if rule_set else what_if
        yield f"cliffs under {name}, {behaviour}: {_listed(cliffs)}"


def _listed(cliffs: Sequence[CliffRow | StressChangedCliffRow]) -> str:
    """Returns cliffs in words, the first ones of many."""
    texts = [
        f"at {stress_numbers.rate(cliff.shock)} ({cliff.liquidity:g}×) from "
        f"{stress_numbers.rate(cliff.before)} to "
        f"{'beyond the table' if cliff.after is None else stress_numbers.rate(cliff.after)}, "
        f"{stress_numbers.usd(cliff.notional)} more"
        for cliff in cliffs
    ]
    return first_words(texts, _MOST_CLIFFS) if texts else "none"


def _density(row: StressRow) -> Iterator[str]:
    parts = []
    for lower, upper in pairwise(_FALLS):
        inside = [b.notional for b in row.density if lower <= (b.lower + b.upper) / 2 < upper]
        parts.append(f"{lower * 100:g}–{upper * 100:g} % {stress_numbers.usd(sum(inside))}")
    yield f"liquidations lie at falls of {', '.join(parts)}"


def _effects(row: StressRow) -> Iterator[str]:
    for name, rule_set in dict.fromkeys((e.what_if, e.rule_set) for e in row.effects):
        effects = [e for e in row.effects if (e.what_if, e.rule_set) == (name, rule_set)]
        of = f" of {rule_set}" if rule_set else ""
        if all(effect.sign == Sign.NONE for effect in effects):
            yield f"what-if {name}{of}: no change of liquidated notional, move and loss at any shock"
            continue
        yield f"what-if {name}{of}, change at {percent(row.shock)}"
        for effect in effects:
            if effect.shock == row.shock:
                yield f"  {effect.metric}: {_sign(effect)}"
        yield from (f"  {line}" for line in _cells(row, effects))
        others = [e for e in effects if e.metric == Metric.LIQUIDATED and e.shock != row.shock]
        if others:
            texts = (f"{percent(effect.shock)} {_sign(effect)}" for effect in others)
            yield from _wrapped(
                f"  liquidated notional at other shocks: {'; '.join(texts)}", "    "
            )


def _sign(effect: StressEffectRow) -> str:
    if effect.sign == Sign.DEPENDS:
        return f"depends on {join_words(list(effect.depends_on))}"
    return effect.sign


def _cells(row: StressRow, effects: Sequence[StressEffectRow]) -> Iterator[str]:
    """Yields the changes by behaviour and liquidity, each with its interval."""
    by_metric = {effect.metric: effect for effect in effects if effect.shock == row.shock}
    columns = [by_metric[metric].cells for metric in Metric]
    cells = [
        (
            liquidated.behaviour,
            f"{liquidated.liquidity:g}×",
            _change(row, liquidated, is_rate=False),
            _change(row, move, is_rate=True),
            _change(row, loss, is_rate=False),
        )
        for liquidated, move, loss in zip(*columns, strict=True)
    ]
    heads = ("behaviour", "liquidity", "liquidated notional", "move", "loss beyond margin")
    return aligned(heads, cells, right={2, 3, 4})


def _change(row: StressRow, cell: EffectCellRow, *, is_rate: bool) -> str:
    """Returns a change with its interval; given positions have none."""

    def text(value: float) -> str:
        if is_rate:
            return stress_numbers.signed_rate(value)
        return stress_numbers.signed_usd(value)

    interval = f" ({text(cell.low)} to {text(cell.high)})" if row.is_synthetic else ""
    return f"{text(cell.change)}{interval}"


def _reactions(row: StressRow) -> Iterator[str]:
    for reaction in row.reactions:
        of = f" of {reaction.rule_set}" if reaction.rule_set else ""
        yield (
            f"before the fall, {reaction.what_if}{of}: margin to add "
            f"{stress_numbers.usd(reaction.top_up)}, or notional to close "
            f"{stress_numbers.usd(reaction.closed)}; below MM at once "
            f"{stress_numbers.usd(reaction.immediate)}"
        )


def _sensitive(row: StressRow) -> Iterator[str]:
    """Yields the assumptions that matter most; none that leaves the figure as it is."""
    if not row.sensitivity:
        return
    base = f"liquidated {stress_numbers.usd(row.sensitivity[0].base)} at 1×; "
    parts = [
        f"{own.name}{own.span and f' {own.span}'} "
        f"{stress_numbers.usd(own.halved)} to {stress_numbers.usd(own.doubled)}"
        for own in row.sensitivity
        if {own.halved, own.doubled} != {own.base}
    ]
    if parts:
        listed = "; ".join(parts[:_MOST_SENSITIVE])
        yield f"{base}halved and doubled, or over the stated range: {listed}"
    else:
        yield f"{base}no assumption halved or doubled changes it"


def _absent(row: StressRow) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for absent in row.not_observable:
        by_reason.setdefault(absent.reason, []).append(absent.venue)
    for reason, venues in by_reason.items():
        yield f"not observable: {first_words(venues, _MOST_NAMES)}: {reason}"


def _accounts(answer: StressAnswer) -> Iterator[str]:
    for row in answer.accounts:
        impact = "no impact" if row.liquidity is None else f"{row.liquidity:g}× volatility"
        yield (
            f"accounts with shared margin, {row.underlying}, {impact}: longs "
            f"{stress_numbers.usd(row.longs)}, shorts {stress_numbers.usd(row.shorts)} liquidated; {row.accounts:,} of "
            f"{counted(row.total, 'account')}{_single(row)}, "
            f"loss beyond margin {stress_numbers.usd(row.loss)} over all underlyings"
        )


def _single(row: AccountRow) -> str:
    """Returns how many positions without an account are liquidated; empty if there are none."""
    if not row.positions_total:
        return ""
    positions = counted(row.positions_total, "position")
    return f" and {row.positions:,} of {positions} without an account"


def _defaults(rows: Sequence[StressRow]) -> Iterator[str]:
    """Yields the assumptions with their marks; those of one underlying name it."""
    shared = _shared(rows)
    for row in rows:
        own = (default for default in row.defaults if default not in shared)
        for default in own:
            yield from _default(f"{row.underlying} {default.name}", default)
    for default in shared:
        yield from _default(default.name, default)


def _default(name: str, default: StressDefaultRow) -> Iterator[str]:
    yield from _wrapped(f"{name}: {default.text}", "  ")
    yield from _wrapped(f"  {default.mark}: {default.basis}", "    ")


def _wrapped(text: str, indent: str) -> list[str]:
    """Returns a text as lines of a terminal; further ones are indented."""
    return wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False)


def _shared(rows: Sequence[StressRow]) -> list[StressDefaultRow]:
    if len(rows) == 1:
        return list(rows[0].defaults)
    return [
        default for default in rows[0].defaults if all(default in row.defaults for row in rows[1:])
    ]
