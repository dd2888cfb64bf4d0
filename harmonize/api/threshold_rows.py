"""Daily thresholds as rows of the audit document."""

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from statistics import median

from harmonize.api.adequacy_prices import IMPORT, LONGEST_PAST, last_closes
from harmonize.api.audit import NotObservedError, Question, age_reference
from harmonize.api.threshold_review import baseline_review
from harmonize.api.threshold_size_rows import size_row, volume_row
from harmonize.api.threshold_terms import (
    AssetThresholds,
    EpisodeResult,
    EpisodeVenue,
    RecentPath,
    SignalState,
    ThresholdsAnswer,
    VenueRate,
)
from harmonize.api.thresholds import benchmark_notes, default_path, judge_thresholds
from harmonize.api.thresholds_table import day_text
from harmonize.audit.assemble import Reading
from harmonize.calibration.evidence import last_day
from harmonize.core.schedule import Unknown, known_or_none, reason_of
from harmonize.document import (
    EpisodeModelRow,
    EpisodeRow,
    GateConditionRow,
    GateRow,
    HitRateRow,
    NoThresholdRow,
    SignalEvidenceRow,
    SignalRow,
    ThresholdAdviceRow,
    ThresholdLossRow,
    ThresholdModelRow,
    ThresholdPathRow,
    ThresholdRow,
    ThresholdSection,
    ThresholdSeriesRow,
    ThresholdValueRow,
    ThresholdVenueRow,
    UncomparedModelRow,
)
from harmonize.market.prices import PriceKind
from harmonize.numerics.rounding import rounded, rounded_or_none
from harmonize.text.messages import counted, iso_utc
from harmonize.thresholds.choice import MOST_RISE, Candidate, DefaultThreshold
from harmonize.thresholds.comparison import HitRate
from harmonize.thresholds.evaluation import ScoredPath
from harmonize.thresholds.gate import BENCHMARK, GateResult
from harmonize.thresholds.path import Tool

_KINDS = frozenset({PriceKind.PERP, PriceKind.SPOT})


def audited_thresholds(
    question: Question, reading: Reading, executor: Executor | None = None
) -> tuple[ThresholdSection, tuple[str, ...]]:
    """Returns the thresholds of the underlyings that an audit read, and what is missing of them.

    Without named underlyings, those with schedules and archived prices are tested, except those whose
    prices ended long ago. Raises RequestError, ArchiveError.
    """
    names, ended = _tested(question, reading)
    if not names:
        return ThresholdSection(without=ended), (
            f"thresholds: no prices of an observed underlying; {IMPORT}",
        )
    try:
        answer = judge_thresholds(replace(question, underlyings=names), executor=executor)
    except NotObservedError as error:
        return ThresholdSection(), (f"thresholds: {error}",)
    section = threshold_section(answer)
    without = sorted((*section.without, *ended), key=lambda row: row.underlying)
    review = baseline_review(question, answer.as_of)
    return replace(section, without=tuple(without), review=review), tuple(
        f"thresholds: {line}" for line in answer.missing
    )


def _tested(
    question: Question, reading: Reading
) -> tuple[tuple[str, ...], tuple[NoThresholdRow, ...]]:
    """Returns the named underlyings, or all with schedules and prices; and those whose prices are old."""
    if question.underlyings:
        return question.underlyings, ()
    as_of = age_reference(question)
    observed = {schedule.instrument.underlying.asset for schedule in reading.schedules}
    closes = {a: t for a, t in sorted(last_closes(question, _KINDS).items()) if a in observed}
    ended = {a: t for a, t in closes.items() if as_of - t > LONGEST_PAST}
    return (
        tuple(asset for asset in closes if asset not in ended),
        tuple(NoThresholdRow(asset, _ended(as_of, last)) for asset, last in ended.items()),
    )


def _ended(as_of: datetime, last: datetime) -> str:
    """Returns why prices that end at a time are too old to be tested unless they are requested."""
    day = last_day(last)
    age = counted((as_of.date() - day).days, "day")
    return f"prices end {day}, {age} before: tested only if the underlying is named"


def threshold_section(answer: ThresholdsAnswer) -> ThresholdSection:
    """Returns an answer as the section of the audit document, without the review of a rule set."""
    model, tool = default_path(answer.default)
    return ThresholdSection(
        level=answer.terms.level,
        horizon_days=answer.terms.horizon,
        notional=answer.terms.notional,
        calm_rise=MOST_RISE,
        has_default=isinstance(answer.default, DefaultThreshold),
        default_model=model.value,
        default_tool=tool.value,
        default_reason=answer.default.reason,
        rows=tuple(_row(own, answer) for own in answer.assets),
        models=_models(answer),
        gate=tuple(map(gate_row, answer.gate)),
        not_compared=tuple(UncomparedModelRow(str(m), r) for m, r in answer.not_compared.items()),
        signals=tuple(_signal(state) for state in answer.signals),
        episodes=tuple(_episode(own) for own in answer.episodes),
        without=tuple(NoThresholdRow(a, r) for a, r in sorted(answer.unanswered.items())),
        not_judged=tuple(NoThresholdRow(a, r) for a, r in answer.not_judged.items()),
        notes=(*answer.notes, *benchmark_notes(answer)),
        fast_model=BENCHMARK.value,
        benchmark_fallback=_benchmark_fallback(answer),
    )


def _benchmark_fallback(answer: ThresholdsAnswer) -> str:
    """Returns the model that stands in place of the benchmark on some tested days; empty: none does."""
    names = {own.scores.replaced.by.value for own in answer.assets if own.scores.replaced}
    return "; ".join(sorted(names))


def _row(own: AssetThresholds, answer: ThresholdsAnswer) -> ThresholdRow:
    chosen = default_path(answer.default)
    path = next((p for p in own.scores.paths if (p.model, p.tool) == chosen), None)
    margin = Unknown(f"no path of {chosen[0]}") if path is None else path.margin
    rates = {rate.venue: rate.rate for rate in own.venues if isinstance(rate.rate, float)}
    lowest = min(rates, key=lambda venue: rates[venue], default="")
    highest = max(rates, key=lambda venue: rates[venue], default="")
    shown = [p for p in own.scores.paths if p.tool is Tool.NONE or (p.model, p.tool) == chosen]
    return ThresholdRow(
        underlying=own.asset,
        day=day_text(path.day) if path else "",
        threshold=_number(margin),
        threshold_reason=reason_of(margin),
        values=tuple(_value(p) for p in shown),
        series=tuple(
            ThresholdSeriesRow(
                str(part.id), day_text(part.first_day), day_text(part.last_day), part.returns
            )
            for part in own.parts
        ),
        returns=own.returns,
        age_days=own.age_days,
        tested_days=own.scores.days,
        first_tested=day_text(own.scores.first_day),
        last_tested=day_text(own.scores.last_day),
        reference=_number(own.reference),
        reference_reason=reason_of(own.reference),
        venues=len(rates),
        venues_unknown=sum(not rate.is_excluded for rate in own.venues) - len(rates),
        lowest=rounded(rates[lowest]) if rates else None,
        lowest_venue=lowest,
        median=rounded(median(rates.values())) if rates else None,
        highest=rounded(rates[highest]) if rates else None,
        highest_venue=highest,
        advice=advice_rows(own),
        path=_path(own.recent),
        venue_rates=tuple(map(_venue_rate, own.venues)),
        size_reason=reason_of(own.volume),
        sizes=tuple(map(size_row, own.by_size.sizes)),
        size_volumes=tuple(map(volume_row, own.by_size.sources)),
        size_notes=own.by_size.notes,
        benchmark_replaced=0 if own.scores.replaced is None else own.scores.replaced.days,
    )


def _path(own: RecentPath) -> ThresholdPathRow:
    return ThresholdPathRow(
        day_text(own.first_day),
        own.default,
        own.fast,
        tuple(
            ThresholdLossRow(day_text(loss.day), loss.side.value, loss.loss) for loss in own.losses
        ),
        own.default_fallback,
        own.fast_fallback,
        own.sized,
        own.volume,
    )


def _venue_rate(rate: VenueRate) -> ThresholdVenueRow:
    return ThresholdVenueRow(
        venue=rate.venue,
        symbol=rate.symbol,
        initial=_number(rate.rate),
        observed_at=iso_utc(rate.observed_at),
        observed_from=rate.precision.earliest_text(rate.observed_at),
        date_kind=rate.precision.kind.value,
        reason=reason_of(rate.rate),
        is_excluded=rate.is_excluded,
    )


def _value(path: ScoredPath) -> ThresholdValueRow:
    return ThresholdValueRow(
        path.model.value,
        path.tool.value,
        _number(path.margin),
        _number(path.long),
        _number(path.short),
        reason_of(path.margin),
        "" if path.replaced is None else str(path.replaced),
    )


def advice_rows(own: AssetThresholds) -> tuple[ThresholdAdviceRow, ...]:
    """Returns the statements on the margins of an asset."""
    return tuple(
        ThresholdAdviceRow(
            subject=advice.subject,
            required=_number(advice.required),
            lower=rounded_or_none(advice.lower),
            upper=rounded_or_none(advice.upper),
            move=advice.move.value,
            certainty=advice.certainty.value,
            agreeing=advice.agreeing,
            models=advice.statements.total,
            sentence=advice.sentence,
            threshold=_number(advice.threshold),
            sample=advice.sample,
            falling=advice.statements.falling,
            staying=advice.statements.staying,
            rising=advice.statements.rising,
            certainty_text=advice.certainty_text,
        )
        for advice in own.advice
    )


def _models(answer: ThresholdsAnswer) -> tuple[ThresholdModelRow, ...]:
    """Returns the compared paths, cheapest first."""
    ordered = sorted(answer.candidates, key=lambda own: (own.mean_margin, own.model, own.tool))
    return tuple(_model(own, answer) for own in ordered)


def _model(own: Candidate, answer: ThresholdsAnswer) -> ThresholdModelRow:
    default = answer.default
    return ThresholdModelRow(
        model=own.model.value,
        tool=own.tool.value,
        mean_margin=own.mean_margin,
        rise_30d=own.rise_30,
        is_calm=own.is_calm,
        is_default=isinstance(default, DefaultThreshold) and default.candidate == own,
        hits=tuple(_hits(name, side) for name, side in (("long", own.long), ("short", own.short))),
        too_many=own.too_many,
        sides=own.sides,
        fails=own.fails(answer.sides),
    )


def _hits(side: str, hits: HitRate | Unknown) -> HitRateRow:
    if isinstance(hits, Unknown):
        return HitRateRow(side, None, None, None, hits.reason)
    return HitRateRow(side, hits.rate, hits.lower, hits.upper)


def gate_row(result: GateResult) -> GateRow:
    """Returns the result of the gate on a model."""
    return GateRow(
        result.model.value,
        result.is_offered,
        result.is_benchmark,
        tuple(
            GateConditionRow(own.name, own.is_met, _number(own.figure), own.text, own.requirement)
            for own in result.conditions
        ),
        result.level,
        result.required // 2,
    )


def _signal(state: SignalState) -> SignalRow:
    evidence = tuple(
        SignalEvidenceRow(
            found.asset,
            day_text(found.day),
            found.observed,
            found.required,
            found.proposal,
            found.text,
            found.fallback,
        )
        for found in state.now
    )
    record = state.record
    if isinstance(record, Unknown):
        absent = (None,) * 9
        row = SignalRow(state.signal, *absent, "", evidence, record.reason)
        return replace(row, not_judged=state.not_judged)
    return SignalRow(
        signal=state.signal,
        days=record.days,
        days_on=record.days_on,
        runs=record.episodes,
        followed=_number(record.follow_rate),
        any_day=_number(record.base_rate),
        first_breaches=record.first_breaches,
        foretold=record.foretold,
        by_chance=_number(record.chance_rate),
        p_value=_number(record.p_value),
        foresight=record.foresight.value,
        evidence=evidence,
        separate_runs=record.separate_runs,
        confirming_p=_number(record.confirming_p),
        not_judged=state.not_judged,
    )


def _episode(own: EpisodeResult) -> EpisodeRow:
    row = EpisodeRow(
        episode=own.name,
        underlying=own.asset,
        first_day=day_text(own.first_day),
        last_day=day_text(own.last_day),
        series=own.series,
        worst_day=day_text(own.fall_day),
        worst_return=_number(own.fall),
        models=tuple(
            EpisodeModelRow(m.model, m.eve, m.largest, day_text(m.rose_on), m.mover, m.fallback)
            for m in own.models
        ),
        venue="",
        symbol="",
        venue_eve=None,
        venue_eve_at="",
        rose_after="",
        rose_by="",
        venue_largest=None,
        venue_reason=reason_of(own.venue),
    )
    return row if isinstance(own.venue, Unknown) else _with_venue(row, own.venue)


def _with_venue(row: EpisodeRow, venue: EpisodeVenue) -> EpisodeRow:
    return replace(
        row,
        venue=venue.venue,
        symbol=venue.symbol,
        venue_eve=_number(venue.eve),
        venue_eve_at=_time(venue.eve_at),
        rose_after=_time(venue.before),
        rose_by=_time(venue.after),
        venue_largest=_number(venue.largest),
        venue_next_at=_time(venue.next_at),
        venue_reason="; ".join(_reasons((venue.eve, venue.largest))),
    )


def _reasons(values: Iterable[object]) -> Iterable[str]:
    return dict.fromkeys(filter(None, map(reason_of, values)))


def _time(time: datetime | None) -> str:
    return "" if time is None else iso_utc(time)


def _number(value: float | Unknown) -> float | None:
    return rounded_or_none(known_or_none(value))
