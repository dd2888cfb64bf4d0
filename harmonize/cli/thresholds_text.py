"""Daily thresholds, the gate, signals and episodes as text for a terminal."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isfinite

from harmonize.adequacy.backtests import LikelihoodRatio
from harmonize.api.signal_proposals import proposal_outcomes
from harmonize.api.threshold_rows import advice_rows, gate_row
from harmonize.api.threshold_signals import FORMULA_LEVEL
from harmonize.api.threshold_size_rows import size_row, volume_row
from harmonize.api.threshold_terms import AssetThresholds, EpisodeResult, ThresholdsAnswer
from harmonize.api.thresholds import benchmark_notes, default_path
from harmonize.api.thresholds_table import day_text
from harmonize.cli.compare_text import aligned
from harmonize.core.schedule import Unknown
from harmonize.document.threshold_sentences import (
    GATE_AND_DEFAULT,
    NOT_TESTABLE,
    SIGNAL_TERMS,
    asset_sentence,
    factor_text,
    gate_state,
    gate_summary,
    model_text,
    share_text,
    size_sentence,
    volumes_sentence,
)
from harmonize.text import numbers
from harmonize.text.messages import counted, percent
from harmonize.text.sanitize import one_line
from harmonize.thresholds.choice import MOST_RISE
from harmonize.thresholds.evaluation import ScoredPath
from harmonize.thresholds.gate import ASSET_SIDES, BENCHMARK, Condition, GateResult
from harmonize.thresholds.path import Model, Tool
from harmonize.thresholds.scores import PathScore, SideScore
from harmonize.thresholds.signals import PROPOSAL_IN_WORDS

Cells = tuple[str, ...]

_NONE = "–"


def thresholds_text(answer: ThresholdsAnswer) -> str:
    """Returns a sentence per asset, then the advice, the default and the gate, the paths, and the rest."""
    terms = answer.terms
    lines = [
        f"as of {answer.as_of:%Y-%m-%d}, read from {answer.archive}",
        f"daily thresholds at {terms.level * 100:g} % over {counted(terms.horizon, 'day')}, rates of notional",
        "",
        *(asset_sentence(own.asset, advice_rows(own), own.age_days) for own in answer.assets),
        "",
        *(own.sentence for asset in answer.assets for own in asset.advice),
        "",
        *_default(answer),
        *_gate(answer),
    ]
    for own in answer.assets:
        lines += _asset(own, answer)
    lines += [*_signals(answer), *_episodes(answer), *_unanswered(answer)]
    return "".join(f"{one_line(line)}\n" for line in lines).replace(numbers.NBSP, " ")


def _default(answer: ThresholdsAnswer) -> Iterator[str]:
    if isinstance(answer.default, Unknown):
        yield f"default threshold: none; the benchmark is shown instead: {answer.default.reason}"
    else:
        yield f"default threshold: {answer.default.reason}"
        yield GATE_AND_DEFAULT
    for model, reason in answer.not_compared.items():
        yield f"not compared: {model}: {reason}"
    yield ""


def _gate(answer: ThresholdsAnswer) -> Iterator[str]:
    """Yields the gate at each level: a model is offered if it meets every condition."""
    for level, own in groupby(answer.gate, key=lambda result: result.level):
        results = list(own)
        offered = sum(result.is_offered for result in results)
        conditions = results[0].conditions
        others = sum(not result.is_benchmark for result in results)
        yield (
            f"gate at {level * 100:g} % over {counted(results[0].required // 2, 'underlying')}: "
            f"{gate_summary(offered, others)} offered, against {BENCHMARK}"
        )
        required = "; ".join(f"{c.name}: {c.requirement}" for c in conditions)
        yield f"  required: {required}"
        heads = ("  model", "gate", *(condition.name for condition in conditions))
        yield from aligned(heads, [_gate_row(result) for result in results])
        yield ""
    yield from benchmark_notes(answer)
    if 0 < len(answer.judged) < ASSET_SIDES // 2:
        yield f"fewer than {ASSET_SIDES // 2} underlyings prove little about a model: name more for the gate"
    for asset, reason in answer.not_judged.items():
        yield f"not judged: {asset}: {reason}"


def _gate_row(result: GateResult) -> Cells:
    return (
        f"  {result.model}",
        gate_state(gate_row(result)),
        *(_condition(result, own) for own in result.conditions),
    )


def _condition(result: GateResult, condition: Condition) -> str:
    """Returns the figure of a condition; none for the benchmark, which is not compared with itself."""
    if result.is_benchmark and BENCHMARK in condition.text:
        return _NONE
    is_stated = condition.is_met or condition.text.startswith(NOT_TESTABLE)
    return condition.text if is_stated else f"not met: {condition.text}"


def _asset(own: AssetThresholds, answer: ThresholdsAnswer) -> Iterator[str]:
    yield ""
    scores = own.scores
    span = f"{day_text(scores.first_day)} to {day_text(scores.last_day)}" if scores.days else "none"
    yield (
        f"{own.asset}: {counted(own.returns, 'return')}, tested on {counted(scores.days, 'day')}, {span}"
    )
    for part in own.parts:
        yield f"  {part.id}: {day_text(part.first_day)} to {day_text(part.last_day)}"
    heads = (
        *("model", "tool", "now", "mean", "over, long", "over, short", "Kupiec p", "indep. p"),
        *("tick loss", "FZ0", "mean uncovered", "peak ÷ trough", "rise 1, 5, 30 d"),
    )
    rows = [_path(path) for path in _listed(own, answer)]
    yield from aligned(heads, rows, right=frozenset(range(2, len(heads))))
    hidden = len(scores.paths) - len(rows)
    if hidden:
        yield f"{counted(hidden, 'further path')} with other tools: --format csv, or one underlying"
    yield from _years(own, answer)
    yield from _fallbacks(own)
    yield from _sizes(own, answer.terms.notional)


def _listed(own: AssetThresholds, answer: ThresholdsAnswer) -> Sequence[ScoredPath]:
    """Returns all paths of a single asset; of several, those without a tool and the default."""
    if len(answer.assets) == 1:
        return own.scores.paths
    chosen = default_path(answer.default)
    return [p for p in own.scores.paths if p.tool is Tool.NONE or (p.model, p.tool) == chosen]


def _path(path: ScoredPath) -> Cells:
    name = f"{path.model}{f' (now {path.replaced.by})' if path.replaced else ''}"
    first: Cells = (name, path.tool.value, _rate(path.margin))
    score = path.score
    if isinstance(score, Unknown):
        return (*first, *(_NONE,) * 10)
    sides, cost = (score.long, score.short), score.cost
    return (
        *first,
        percent(cost.mean_margin),
        *(f"{side.breaches} of {side.observations:,}" for side in sides),
        ", ".join(_p(side.kupiec) for side in sides),
        ", ".join(_p(side.independence) for side in sides),
        ", ".join(percent(side.tick) for side in sides),
        ", ".join(_joint(side) for side in sides),
        percent((score.long.shortfall + score.short.shortfall) / 2),
        f"{cost.peak_to_trough:.3g}",
        ", ".join(_share(rise) for rise in (cost.rise_1, cost.rise_5, cost.rise_30)),
    )


def _joint(side: SideScore) -> str:
    return _NONE if isinstance(side.joint, Unknown) else f"{side.joint:.3g}"


def _p(test: LikelihoodRatio | Unknown) -> str:
    return _NONE if isinstance(test, Unknown) else f"{test.p_value:.2g}"


def _share(value: float) -> str:
    return f"{value * 100:.3g} %" if isfinite(value) else _NONE


def _rate(rate: float | Unknown) -> str:
    return _NONE if isinstance(rate, Unknown) else percent(rate)


def _years(own: AssetThresholds, answer: ThresholdsAnswer) -> Iterator[str]:
    model, tool = default_path(answer.default)
    path = next((p for p in own.scores.paths if (p.model, p.tool) == (model, tool)), None)
    if path is None or not isinstance(path.score, PathScore):
        return
    years = ", ".join(
        f"{year.year} {percent(year.cost.mean_margin)} with {year.breaches_long} + {year.breaches_short} "
        f"of {year.observations} over"
        for year in path.score.years
    )
    yield f"by year, {model}, tool: {tool}, mean margin and losses over it, long + short: {years}"


def _fallbacks(own: AssetThresholds) -> Iterator[str]:
    for path in own.scores.paths:
        for fallback in path.fallbacks if path.tool is Tool.NONE else ():
            instead = f"; {fallback.instead} instead" if fallback.instead else "; none instead"
            yield (
                f"fallback: {path.model}: {day_text(fallback.first_day)} to "
                f"{day_text(fallback.last_day)}, {counted(fallback.rows, 'day')}: {fallback.reason}{instead}"
            )
    for model, unknown in own.scores.absent.items():
        yield f"no path: {Model(model)}: {unknown.reason}"


def _sizes(own: AssetThresholds, notional: float) -> Iterator[str]:
    by_volume = ", ".join(
        f"{numbers.usd(s.notional)} {_rate(s.by_volume)}" for s in own.by_size.sizes
    )
    if isinstance(own.volume, Unknown):
        yield f"by size: {own.volume.reason}"
    else:
        yield (
            f"by size, closed over {numbers.usd(own.volume.value)} of daily volume of "
            f"{own.volume.series} up to {own.volume.last_day:%Y-%m-%d}: {by_volume}"
        )
    if isinstance(own.depth, Unknown):
        yield f"by size, closed at once: {own.depth.reason}"
    else:
        by_depth = ", ".join(
            f"{numbers.usd(s.notional)} {_rate(s.by_depth)}" for s in own.by_size.sizes
        )
        yield (
            f"by size, closed at once into the book of {own.depth.venue} {own.depth.symbol} of "
            f"{own.depth.observed_at:%Y-%m-%d}: {by_depth}"
        )
    yield from _by_day(own, notional)


def _by_day(own: AssetThresholds, notional: float) -> Iterator[str]:
    """Yields how liquidity moved the threshold of the size of the question, and of the other sizes."""
    rows = [size_row(size) for size in own.by_size.sizes]
    asked = next(row for row in rows if row.notional == notional)
    yield size_sentence(asked)
    if volumes := volumes_sentence([volume_row(source) for source in own.by_size.sources]):
        yield volumes
    others = ", ".join(
        f"{numbers.usd(row.notional)} {factor_text(row.smallest_factor)} to {factor_text(row.largest_factor)}"
        for row in rows
        if row is not asked and not row.reason
    )
    if others:
        yield f"factors of other sizes over the tested days: {others}"
    yield from (f"size by day: {note}" for note in own.by_size.notes)


def _signals(answer: ThresholdsAnswer) -> Iterator[str]:
    yield ""
    yield (
        f"signals at {FORMULA_LEVEL * 100:g} % over one day, from the series above: days on, breach within "
        "five days against any day and its p-value over separate runs, first breaches foretold"
    )
    yield SIGNAL_TERMS
    rows = []
    for state in answer.signals:
        if isinstance(state.record, Unknown):
            rows.append((state.signal, state.record.reason, *(_NONE,) * 7))
            continue
        own = state.record
        rows.append(
            (
                state.signal,
                f"{own.days_on:,} of {own.days:,}",
                f"{own.episodes:,}",
                f"{own.separate_runs:,}",
                _rate(own.follow_rate),
                _rate(own.base_rate),
                _NONE if isinstance(own.confirming_p, Unknown) else f"{own.confirming_p:.2g}",
                f"{share_text(own.foretold, own.first_breaches)}, {_rate(own.chance_rate)} by chance",
                own.foresight.value,
            )
        )
    heads = (
        *(
            "signal",
            "days on",
            "runs, each underlying alone",
            "separate runs",
            "followed",
            "any day",
        ),
        *("p", "foretold", "tells"),
    )
    yield from aligned(heads, rows)
    outcomes = proposal_outcomes(answer)
    for state in answer.signals:
        for found in state.now:
            outcome = outcomes.get((state.signal, found.asset))
            words = PROPOSAL_IN_WORDS.get(found.signal, "none")
            margin = "" if found.proposal is None else " for the formula margin"
            proposal = words if found.proposal is None else percent(found.proposal)
            yield (
                f"{state.signal} {found.asset} {day_text(found.day)}: "
                f"{found.text.removesuffix(f'; {words}')}; "
                f"proposal{margin}: {proposal}{f'; {outcome}' if outcome else ''}"
            )


def _episodes(answer: ThresholdsAnswer) -> Iterator[str]:
    for own in answer.episodes:
        yield ""
        worst = _NONE if isinstance(own.fall, Unknown) else percent(own.fall)
        yield f"{own.name}, {own.asset}: worst day {worst} on {day_text(own.fall_day)}, {own.series}"
        yield _venue(own, answer)
        rows = [
            (
                model_text(m.model, m.fallback),
                percent(m.eve),
                percent(m.largest),
                day_text(m.rose_on) or _NONE,
                m.mover,
            )
            for m in own.models
        ]
        heads = ("model", "on the eve", "most in 30 d", "rose 10 % on", "first")
        yield from aligned(heads, rows, right={1, 2})


def _venue(own: EpisodeResult, answer: ThresholdsAnswer) -> str:
    venue = own.venue
    if isinstance(venue, Unknown):
        return f"required by the venue: {venue.reason}"
    size = numbers.usd(answer.terms.notional)
    eve = f"{venue.eve_at:%Y-%m-%d}" if venue.eve_at else _NONE
    if venue.before is None or venue.after is None:
        unknown = venue.largest.reason if isinstance(venue.largest, Unknown) else ""
        rise = unknown or "no rise observed within 90 days"
    else:
        days = (venue.after - venue.before).days
        rise = (
            f"rose to at most {_rate(venue.largest)} between {venue.before:%Y-%m-%d} and "
            f"{venue.after:%Y-%m-%d}, two observations {days} days apart"
        )
    return (
        f"{venue.venue} {venue.symbol} at {size}: {_rate(venue.eve)} observed {eve} (the last one "
        f"before); {rise}"
    )


def _unanswered(answer: ThresholdsAnswer) -> Iterator[str]:
    if answer.unanswered:
        yield ""
    for asset, reason in answer.unanswered.items():
        yield f"no threshold: {asset}: {reason}"
    yield ""
    yield (
        f"calm: the median over assets of the largest 30-day rise is at most {percent(MOST_RISE)}; every "
        "threshold was known on the day before"
    )
