"""Stress of underlyings as text for a terminal, with the assumptions that every figure rests on."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from harmonize.api.stress import StressAnswer
from harmonize.api.stress_venues import withheld_sentences
from harmonize.cli.compare_text import aligned
from harmonize.document.stress import (
    EffectCellRow,
    ReverseStressRow,
    StressDefaultRow,
    StressEffectRow,
    StressPointRow,
    StressRow,
    StressVenueRow,
)
from harmonize.stress.effects import Metric, Sign
from harmonize.text import numbers
from harmonize.text.messages import counted, observation_day, percent
from harmonize.text.sanitize import one_line
from harmonize.text.words import first_words, join_words

_MOST_NAMES = 8
_MOST_CLIFFS = 4
_MOST_SENSITIVE = 3
_NONE = "–"

_FALLS = (0.0, 0.01, 0.02, 0.05, 0.10, 0.20, 0.30, 0.50)
"""Bounds of the falls over which the text adds up the density."""

Cells = tuple[str, ...]


def stress_text(answer: StressAnswer) -> str:
    """Returns curve, paths, venues and effects per underlying, then assumptions and limits."""
    lines = [f"as of {answer.as_of:%Y-%m-%d}, read from {answer.archive}", *_scenario(answer)]
    for row in answer.rows:
        is_accounted = row.underlying in answer.with_accounts
        lines += ["", *_section(row, ", each position margined alone" if is_accounted else "")]
    lines += [*_accounts(answer), "", "assumptions", *_defaults(answer.rows)]
    lines += ["", "limits", *answer.statements]
    return "".join(f"{one_line(line)}\n" for line in lines).replace(numbers.NBSP, " ")


def _scenario(answer: StressAnswer) -> Iterator[str]:
    scenario = answer.scenario
    if scenario is None:
        return
    begin = f" from {scenario.first_mark}" if scenario.first_mark else ""
    yield f"scenario {scenario.id}: {scenario.title}; {scenario.kind}, steps of {scenario.step_minutes:g} minutes{begin}"
    for citation in scenario.citations:
        yield f"  {citation.mark}: {citation.reference}"


def _section(row: StressRow, margined: str) -> Iterator[str]:
    """Yields the results on one underlying; ``margined`` states how, if some share their margin."""
    kind = "synthetic" if row.is_synthetic else "given"
    span = " to ".join(dict.fromkeys((row.oldest[:10], row.newest[:10])))
    yield (
        f"{row.underlying}: {kind} longs of {numbers.usd(row.open_interest)} on "
        f"{counted(len(row.venues), 'venue')}, margins observed {span}{margined}"
    )
    if not row.open_interest:
        yield "no longs: a fall liquidates none"
        return
    if row.market.reason:
        yield f"no curve, contributions or effects: {row.market.reason}"
    yield from _paths(row)
    if row.points:
        yield from _points(row)
    yield from _cliffs(row)
    yield from _venues(row)
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
    interval = _NONE
    if point.liquidated_low is not None and point.liquidated_high is not None:
        low, high = numbers.usd(point.liquidated_low), numbers.usd(point.liquidated_high)
        interval = f"{low} to {high}"
    return (
        percent(point.shock),
        f"{point.liquidity:g}×",
        percent(point.move),
        _NONE if point.amplification is None else f"{point.amplification:.2f}",
        numbers.usd(point.liquidated),
        percent(point.share),
        interval,
        numbers.usd(point.loss),
    )


def _paths(row: StressRow) -> Iterator[str]:
    for path in row.paths:
        impact = (
            "no impact" if path.liquidity is None else f"impact at {path.liquidity:g}× volatility"
        )
        yield (
            f"path {path.scenario}, {impact}: fall of {percent(path.fall)}, price moves "
            f"{percent(path.move)}, liquidated {numbers.usd(path.liquidated)} "
            f"({percent(path.share)}), loss beyond margin {numbers.usd(path.loss)}"
        )
    if row.paths:
        path = row.paths[0]
        shocks = [] if path.volume is None else [f"volume of {path.volume:g} times"]
        if path.implied_volatility is not None:
            shocks.append(f"implied volatility of {percent(path.implied_volatility)} a year")
        if shocks:
            yield f"largest on the path: {', '.join(shocks)}"


def _cliffs(row: StressRow) -> Iterator[str]:
    if not row.points:
        return
    texts = [
        f"at {percent(cliff.shock)} ({cliff.liquidity:g}×) from {percent(cliff.before)} to "
        f"{'beyond the table' if cliff.after is None else percent(cliff.after)}, "
        f"{numbers.usd(cliff.notional)} more"
        for cliff in row.cliffs
    ]
    listed = first_words(texts, _MOST_CLIFFS) if texts else "none"
    yield f"cliffs, jumps of the move by 1 % or more: {listed}"


def _venues(row: StressRow) -> Iterator[str]:
    at = f", {_first_liquidity(row)}" if row.points else ""
    multipliers = ", ".join(f"{key:g}×" for key in _liquidities(row))
    heads = (
        *("venue", "longs", "margins", "leverage", f"liquidated at {percent(row.shock)}{at}"),
        *(f"leave-one-out{at}", f"Shapley{at}", f"÷ share of longs{at}", "overlap"),
        *("below MM at once", f"reverse stress {multipliers}".strip()),
    )
    yield from aligned(heads, [_venue(venue) for venue in row.venues], right={1, 4, 5, 6, 7, 8, 9})
    if any(venue.shapley_ratio_low is not None for venue in row.venues):
        yield f"in brackets: 5–95 % interval over {row.seeds} samples of positions, not of the market"
    yield from withheld_sentences(row.venues)


def _liquidities(row: StressRow) -> list[float]:
    return sorted({point.liquidity for point in row.points})


def _first_liquidity(row: StressRow) -> str:
    """Returns the multiplier of contributions and sensitivity: ``1×``."""
    return f"{_liquidities(row)[0]:g}×"


def _venue(venue: StressVenueRow) -> Cells:
    limits = ", ".join(_reverse(limit) for limit in venue.reverse)
    sampled = "" if venue.is_shapley_exact or venue.shapley is None else " (sampled)"
    return (
        venue.venue,
        numbers.usd(venue.open_interest),
        observation_day(venue.observed_at, venue.observed_from, venue.date_kind),
        venue.leverage_mark,
        _usd(venue.liquidated),
        _usd(venue.leave_one_out),
        f"{_usd(venue.shapley)}{sampled}",
        _ratio(venue),
        _NONE if venue.overlap is None else f"{venue.overlap:.2f}",
        numbers.usd(venue.immediate),
        limits or _NONE,
    )


def _ratio(venue: StressVenueRow) -> str:
    if venue.shapley_ratio is None:
        return _NONE
    low, high = venue.shapley_ratio_low, venue.shapley_ratio_high
    interval = "" if low is None or high is None else f" ({low:.2f}–{high:.2f})"
    return f"{venue.shapley_ratio:.2f}{interval}"


def _reverse(own: ReverseStressRow) -> str:
    """Returns a shock with its interval; its end is open if not every sample has such a shock."""
    if own.shock is None:
        return _NONE
    if own.low is None:
        return percent(own.shock)
    return (
        f"{percent(own.shock)} ({percent(own.low)}–{'' if own.high is None else percent(own.high)})"
    )


def _usd(amount: float | None) -> str:
    return _NONE if amount is None else numbers.usd(amount)


def _density(row: StressRow) -> Iterator[str]:
    parts = []
    for lower, upper in pairwise(_FALLS):
        inside = [b.notional for b in row.density if lower <= (b.lower + b.upper) / 2 < upper]
        parts.append(f"{lower * 100:g}–{upper * 100:g} % {numbers.usd(sum(inside))}")
    yield f"liquidations lie at falls of {', '.join(parts)}"


def _effects(row: StressRow) -> Iterator[str]:
    for name, rule_set in dict.fromkeys((e.what_if, e.rule_set) for e in row.effects):
        effects = [e for e in row.effects if (e.what_if, e.rule_set) == (name, rule_set)]
        of = f" of {rule_set}" if rule_set else ""
        yield f"what-if {name}{of}, change at {percent(row.shock)}"
        for effect in effects:
            if effect.shock == row.shock:
                yield f"  {effect.metric}: {_sign(effect)}"
        yield from (f"  {line}" for line in _cells(row, effects))
        others = [e for e in effects if e.metric == Metric.LIQUIDATED and e.shock != row.shock]
        if others:
            texts = (f"{percent(effect.shock)} {_sign(effect)}" for effect in others)
            yield f"  liquidated notional at other shocks: {'; '.join(texts)}"


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
            return f"{value * 100:+.2f} %".replace("-", "−")
        return f"{'+' if value > 0 else ''}{numbers.usd(value)}"

    interval = f" ({text(cell.low)} to {text(cell.high)})" if row.is_synthetic else ""
    return f"{text(cell.change)}{interval}"


def _reactions(row: StressRow) -> Iterator[str]:
    for reaction in row.reactions:
        yield (
            f"before the fall, {reaction.what_if}: margin to add {numbers.usd(reaction.top_up)}, or "
            f"notional to close {numbers.usd(reaction.closed)}; below MM at once "
            f"{numbers.usd(reaction.immediate)}"
        )


def _sensitive(row: StressRow) -> Iterator[str]:
    if row.sensitivity:
        base = numbers.usd(row.sensitivity[0].base)
        changing = [
            assumption
            for assumption in row.sensitivity
            if len({assumption.base, assumption.halved, assumption.doubled}) > 1
        ]
        parts = (
            f"{assumption.name} {numbers.usd(assumption.halved)} to {numbers.usd(assumption.doubled)}"
            for assumption in changing[:_MOST_SENSITIVE]
        )
        listed = "; ".join(parts) or "no assumption changes it"
        yield f"liquidated {base} at {_first_liquidity(row)} volatility; halved and doubled: {listed}"


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
            f"accounts with shared margin, {row.underlying}, {impact}: longs {numbers.usd(row.longs)}, "
            f"shorts {numbers.usd(row.shorts)} liquidated; {row.accounts:,} of {row.total:,} accounts, "
            f"loss beyond margin {numbers.usd(row.loss)} over all underlyings"
        )


def _defaults(rows: Sequence[StressRow]) -> Iterator[str]:
    """Yields the assumptions with their marks; those of one underlying name it."""
    shared = _shared(rows)
    cells = [
        (default.mark, f"{row.underlying} {default.name}", default.text, default.basis)
        for row in rows
        for default in row.defaults
        if default not in shared
    ]
    cells += [(default.mark, default.name, default.text, default.basis) for default in shared]
    yield from aligned(("mark", "assumption", "value", "basis"), cells)


def _shared(rows: Sequence[StressRow]) -> list[StressDefaultRow]:
    if len(rows) == 1:
        return list(rows[0].defaults)
    return [
        default for default in rows[0].defaults if all(default in row.defaults for row in rows[1:])
    ]
