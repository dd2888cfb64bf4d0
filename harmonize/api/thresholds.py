"""Answers what the margin of an asset should be, how it moves, and which models deserve trust."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from harmonize.api.adequacy_history import archived_tables
from harmonize.api.adequacy_prices import without_prices
from harmonize.api.audit import (
    NotObservedError,
    Question,
    RequestError,
    read_with_history,
    reading_notes,
    with_observed_names,
)
from harmonize.api.missing_schedule import no_instrument
from harmonize.api.observed_names import similar_underlying
from harmonize.api.survivors import survivors_note
from harmonize.api.threshold_episodes import (
    EPISODES,
    EpisodePaths,
    EpisodeTask,
    episode_paths,
    episode_result,
    sources_by_asset,
)
from harmonize.api.threshold_gate import Judgement, gate_levels, judge
from harmonize.api.threshold_intervals import ThresholdInterval, threshold_interval
from harmonize.api.threshold_market import (
    LEADER,
    ThresholdMarket,
    liquidity,
    read_market,
    series_of,
    volume_factor,
)
from harmonize.api.threshold_recent import recent_path, tooled_path
from harmonize.api.threshold_series import AssetSeries, asset_series
from harmonize.api.threshold_signals import signal_inputs, signal_states
from harmonize.api.threshold_sizes import (
    SizeInputs,
    sized_days,
    thresholds_by_size,
    turnovers_of,
)
from harmonize.api.threshold_terms import (
    AssetThresholds,
    EpisodeResult,
    ThresholdsAnswer,
    ThresholdTerms,
)
from harmonize.api.threshold_venues import (
    AdviceBasis,
    advise,
    baseline_rate,
    baseline_universe,
    venue_rates,
)
from harmonize.api.threshold_work import map_tasks
from harmonize.audit.assemble import Reading
from harmonize.comparison.universe import Universe
from harmonize.core.schedule import Unknown
from harmonize.document.input_age import MAX_AGE_DAYS
from harmonize.market.prices import PriceKind
from harmonize.text.messages import counted
from harmonize.thresholds.choice import DefaultThreshold
from harmonize.thresholds.evaluation import (
    TESTED_DAYS,
    AssetScores,
    PathsTask,
    ScoresTask,
    paths_of_asset,
    score_asset,
)
from harmonize.thresholds.gate import BENCHMARK
from harmonize.thresholds.history import window_shortage
from harmonize.thresholds.horizon import LONGEST_HORIZON
from harmonize.thresholds.models import with_pooled_paths
from harmonize.thresholds.path import Model, PathsByModel, Tool

Progress = Callable[[str, int, int], None]
"""Called with a step, the finished tasks and all tasks of it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Worked:
    """Paths and scores by asset, and the paths around episodes."""

    series: Mapping[str, AssetSeries]
    paths: Mapping[str, PathsByModel]
    scores: Mapping[str, AssetScores]
    episodes: Sequence[EpisodePaths]


def judge_thresholds(
    question: Question,
    terms: ThresholdTerms | None = None,
    executor: Executor | None = None,
    on_progress: Progress = lambda *_: None,
) -> ThresholdsAnswer:
    """Answers for the underlyings of a question, of which there is at least one.

    The result does not depend on the executor. Raises RequestError: a wrong name, level, horizon or
    size; NotObservedError: no underlying has a threshold; ArchiveError.
    """
    terms = terms or ThresholdTerms()
    _check(question, terms)
    reading, as_of = read_with_history(question)
    notes, question = reading_notes(question, reading), with_observed_names(question, reading)
    market = read_market(question, as_of)
    series, unanswered = _series(question.underlyings, market, as_of)
    pool = dict(series)
    if LEADER not in pool and isinstance(own := series_of(market, LEADER, as_of), AssetSeries):
        pool[LEADER] = own
    usable = {a: s for a, s in pool.items() if s.history.shortage() is None}
    asked = {a: s for a, s in series.items() if a in usable}
    if not asked:
        reasons = [*without_prices_of(question, as_of, unanswered, reading), *_short(series)]
        raise NotObservedError("; ".join(reasons))
    worked = _work(usable, asked, market, terms, as_of, executor, on_progress)
    judged = judge(worked.scores, terms.level)
    universe = _universe(question, reading, as_of)
    short = [s.history for a, s in series.items() if a not in usable]
    answer = ThresholdsAnswer(
        as_of=as_of,
        archive=reading.archive,
        terms=terms,
        assets=tuple(_asset(a, worked, judged, universe, market, terms, as_of) for a in asked),
        judged=judged.assets,
        not_judged=judged.not_judged,
        gate=judged.gate,
        candidates=judged.candidates,
        not_compared=judged.not_compared,
        default=judged.default,
        signals=signal_states(
            [signal_inputs(s.history, worked.paths[a]) for a, s in asked.items()], short
        ),
        episodes=_episodes(question, worked, universe, terms, as_of),
        unanswered={**unanswered, **dict(zip_short(series, usable))},
    )
    absent = tuple(f"{name}: {reason}" for name, reason in answer.unanswered.items())
    return replace(
        answer,
        missing=(*absent, *market.defects),
        notes=(
            *notes,
            *_notes(question, pool, terms),
            survivors_note(question, as_of, pool),
            *_disputes(asked),
            *_too_short(judged),
            *_ends(answer),
        ),
    )


def without_prices_of(
    question: Question, as_of: datetime, unanswered: Mapping[str, str], reading: Reading
) -> tuple[str, ...]:
    """Returns why the underlyings without prices have none. Raises ArchiveError."""
    if not unanswered:
        return ()
    similar = {name: similar_underlying(name, reading) for name in unanswered}
    return without_prices(question, as_of, tuple(unanswered), similar)


def zip_short(
    series: Mapping[str, AssetSeries], usable: Mapping[str, AssetSeries]
) -> list[tuple[str, str]]:
    """Returns the underlyings with too short a history, with the reason."""
    return [
        (asset, shortage.reason)
        for asset, own in series.items()
        if asset not in usable and (shortage := own.history.shortage()) is not None
    ]


def _short(series: Mapping[str, AssetSeries]) -> list[str]:
    return [f"{asset}: {reason}" for asset, reason in zip_short(series, {})]


def _check(question: Question, terms: ThresholdTerms) -> None:
    if not question.underlyings:
        message = "underlying: expected at least one, found none; name one, such as BTC"
        raise RequestError(message)
    check_terms(terms)


def check_terms(terms: ThresholdTerms) -> None:
    """Raises RequestError, which begins with the name of the term: a level or horizon out of range."""
    if not 0.5 <= terms.level < 1:  # noqa: PLR2004 - below it, a threshold would be a gain
        message = f"level: expected from 0.5 to below 1, found {terms.level:g}; use 0.99 for 99 %"
        raise RequestError(message)
    if shortage := window_shortage(365, (terms.level,)):
        message = f"level: {shortage.reason}; use a lower level"
        raise RequestError(message)
    if not 1 <= terms.horizon <= LONGEST_HORIZON:
        message = f"horizon: expected 1 to {LONGEST_HORIZON} days, found {terms.horizon}"
        raise RequestError(message)


def _series(
    assets: Sequence[str], market: ThresholdMarket, as_of: datetime
) -> tuple[dict[str, AssetSeries], dict[str, str]]:
    series: dict[str, AssetSeries] = {}
    unanswered: dict[str, str] = {}
    for asset in dict.fromkeys(assets):
        own = series_of(market, asset, as_of)
        if isinstance(own, Unknown):
            unanswered[asset] = own.reason
        else:
            series[asset] = own
    return series, unanswered


def _work(  # noqa: PLR0913, PLR0917 - inputs of the whole calculation
    usable: Mapping[str, AssetSeries],
    asked: Mapping[str, AssetSeries],
    market: ThresholdMarket,
    terms: ThresholdTerms,
    as_of: datetime,
    executor: Executor | None,
    on_progress: Progress,
) -> _Worked:
    first = {a: int(s.history.days[-1]) + 1 - TESTED_DAYS for a, s in usable.items()}
    levels = gate_levels(terms.level)
    tasks = [
        PathsTask(s.history, levels, market.implied.get(a), first[a]) for a, s in usable.items()
    ]
    found = map_tasks(executor, paths_of_asset, tasks, _counter("models", len(tasks), on_progress))
    own = dict(zip(usable, found, strict=True))
    pool = [s.inputs for s in usable.values()]
    paths = with_pooled_paths(pool, own, levels, is_learning=terms.is_learning)
    scoring = [
        ScoresTask(s.history, paths[a], levels, terms.horizon, first[a]) for a, s in asked.items()
    ]
    done = _counter("scores", len(scoring), on_progress)
    scores = map_tasks(executor, score_asset, scoring, done)
    stress = _stress_tasks(asked, market, terms, as_of)
    done = _counter("episodes", len(stress), on_progress)
    episodes = map_tasks(executor, episode_paths, stress, done)
    return _Worked(
        asked, paths, dict(zip(asked, scores, strict=True)), [e for e in episodes if e is not None]
    )


def _counter(step: str, total: int, on_progress: Progress) -> Callable[[], None]:
    finished = 0

    def count() -> None:
        nonlocal finished
        finished += 1
        on_progress(step, finished, total)

    return count


def _stress_tasks(
    asked: Mapping[str, AssetSeries],
    market: ThresholdMarket,
    terms: ThresholdTerms,
    as_of: datetime,
) -> list[EpisodeTask]:
    spot = {
        asset: own
        for asset in asked
        if isinstance(
            own := asset_series(market.prices[asset], asset, as_of, PriceKind.SPOT), AssetSeries
        )
    }
    return [
        EpisodeTask(episode, choices, terms.level, market.implied.get(asset))
        for asset, choices in sources_by_asset(asked, spot).items()
        for episode in EPISODES
    ]


def _universe(question: Question, reading: Reading, as_of: datetime) -> Universe:
    try:
        return baseline_universe(question, reading, as_of)
    except KeyError as error:
        message = no_instrument(question.instruments, reading, error.args[0])
        raise RequestError(message) from None


def default_path(answer_default: DefaultThreshold | Unknown) -> tuple[Model, Tool]:
    """Returns the model and tool of the default, or the benchmark without a tool if there is none."""
    if isinstance(answer_default, Unknown):
        return BENCHMARK, Tool.NONE
    return answer_default.candidate.model, answer_default.candidate.tool


def _asset(  # noqa: PLR0913, PLR0917 - the parts of an answer on one asset
    asset: str,
    worked: _Worked,
    judged: Judgement,
    universe: Universe,
    market: ThresholdMarket,
    terms: ThresholdTerms,
    as_of: datetime,
) -> AssetThresholds:
    series, scores = worked.series[asset], worked.scores[asset]
    model, tool = default_path(judged.default)
    paths = worked.paths[asset]
    age = as_of.date() - np.datetime64(int(series.history.days[-1]), "D").item()
    rates = venue_rates(universe, asset, terms.notional)
    reference = baseline_rate(universe, asset, terms.notional)
    volume, book = liquidity(asset, market, as_of)
    sizes = SizeInputs(
        path=tooled_path(series.history, paths, model, tool),
        tested=scores.tested,
        turnovers=turnovers_of(market.prices.get(asset, ()), asset, as_of),
        volume=volume,
        book=book,
    )
    basis = AdviceBasis(
        asset=asset,
        threshold=_interval(worked, asset, (model, tool), terms),
        covering=_covering(worked, asset, judged, terms),
        size_factor=volume_factor(terms.notional, volume),
        judged=len(judged.assets),
        age_days=age.days,
        as_of=as_of,
    )
    return AssetThresholds(
        asset=asset,
        parts=series.parts,
        returns=series.history.size,
        age_days=age.days,
        scores=scores,
        venues=rates,
        reference=reference,
        advice=advise(basis, terms, rates, reference),
        volume=volume,
        depth=book,
        by_size=thresholds_by_size(sizes, terms),
        recent=recent_path(series.history, paths, model, tool, sized_days(sizes, terms.notional)),
    )


def _interval(
    worked: _Worked, asset: str, chosen: tuple[Model, Tool], terms: ThresholdTerms
) -> ThresholdInterval | Unknown:
    model, tool = chosen
    paths = worked.paths[asset].get(model, Unknown(f"no path of {model}"))
    if isinstance(paths, Unknown):
        return paths
    return threshold_interval(worked.series[asset].history, paths[0], tool, terms.horizon)


def _covering(
    worked: _Worked, asset: str, judged: Judgement, terms: ThresholdTerms
) -> tuple[ThresholdInterval, ...]:
    """Returns the thresholds of the models that cover both sides without a tool, where they are known."""
    sides = 2 * len(judged.assets)
    covering = {c.model for c in judged.candidates if c.tool is Tool.NONE and not c.fails(sides)}
    found = (
        _interval(worked, asset, (model, Tool.NONE), terms) for model in Model if model in covering
    )
    return tuple(own for own in found if isinstance(own, ThresholdInterval))


def _episodes(
    question: Question,
    worked: _Worked,
    universe: Universe,
    terms: ThresholdTerms,
    as_of: datetime,
) -> tuple[EpisodeResult, ...]:
    rows = archived_tables(question, set(worked.series), as_of)
    return tuple(episode_result(own, rows, universe, terms.notional) for own in worked.episodes)


def _notes(question: Question, pool: Mapping[str, AssetSeries], terms: ThresholdTerms) -> list[str]:
    notes = []
    if LEADER in pool and LEADER not in question.underlyings:
        notes.append(f"{LEADER} was read as well: its volatility is a feature of the regressions")
    if terms.horizon > 1:
        notes.append(
            f"thresholds over {terms.horizon} days are daily ones times √{terms.horizon}, tested on windows that do not overlap; signals and episodes are about one day"
        )
    return notes


def benchmark_notes(answer: ThresholdsAnswer) -> tuple[str, ...]:
    """Returns on how many tested days another model stands in place of the benchmark; none: on none."""
    judged = [own.scores for own in answer.assets if own.asset in answer.judged]
    replaced = [(s.asset, s.replaced) for s in judged if s.replaced is not None]
    if not replaced:
        return ()
    total = sum(own.days for _, own in replaced)
    shares = ", ".join(f"{a} {own.days:,} of {own.of:,}" for a, own in replaced)
    first, tested = replaced[0][1], sum(scores.days for scores in judged)
    note = (
        f"the benchmark is {first.by}, in place of {first.model}, on {total:,} of {tested:,} tested days "
        f"of underlyings, because its fit failed: {shares}"
    )
    return (note,)


def _too_short(judged: Judgement) -> list[str]:
    """Returns a line per level at which underlyings do not count."""
    return [
        f"at {level * 100:g} %, {counted(len(assets), 'underlying')} with too few days for a test of "
        f"coverage do not count: {', '.join(assets)}"
        for level, assets in judged.too_short.items()
    ]


def _disputes(series: Mapping[str, AssetSeries]) -> list[str]:
    """Returns a line per move that touches a disputed close."""
    return [f"{asset}: {move}" for asset, own in series.items() for move in own.disputed]


def _ends(answer: ThresholdsAnswer) -> list[str]:
    """Returns a line per day on which the prices of underlyings end early, oldest first."""
    ends: dict[int, list[AssetThresholds]] = {}
    for own in answer.assets:
        if own.age_days > MAX_AGE_DAYS:
            ends.setdefault(own.parts[-1].last_day, []).append(own)
    return [
        f"{', '.join(own.asset for own in ended)}: prices end {np.datetime64(day, 'D')}, "
        f"{ended[0].age_days} days before the date of the answer: thresholds are those of the day after"
        for day, ended in sorted(ends.items())
    ]
