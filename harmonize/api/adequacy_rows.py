"""Verdicts on margins as rows of the audit document."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from math import isfinite

from harmonize.adequacy.clearing import ClearingHorizon, PhaseResults
from harmonize.adequacy.close_out import CloseOut, CloseOutTime, WindowCoverage, buffer_of
from harmonize.adequacy.contract_risk import DAY
from harmonize.adequacy.coverage import WORST, Breach, Coverage
from harmonize.adequacy.holding_time import HoldingTime
from harmonize.adequacy.horizons import HorizonMove, Side
from harmonize.adequacy.table_history import TableBacktest, YearBreaches
from harmonize.adequacy.tail import TailEstimate
from harmonize.adequacy.verdict import Adequacy
from harmonize.adequacy.volatility_trend import VolatilityTrend
from harmonize.api.adequacy import (
    AdequacyAnswer,
    AdequacyTerms,
    MoveCurve,
    NotObservable,
    judge_reading,
)
from harmonize.api.adequacy_history import HistoryBacktest
from harmonize.api.question import ADEQUACY_NOTIONALS, Question
from harmonize.audit.assemble import Reading
from harmonize.core.schedule import Unknown, known_or_none, reason_of
from harmonize.document.adequacy import (
    AdequacyRow,
    AdequacySection,
    BreachRow,
    ClearingRow,
    CoverageTest,
    DatedBacktestRow,
    HoldingRow,
    MoveRow,
    UnjudgedRow,
    VolatilityRow,
    YearRow,
)
from harmonize.document.adequacy_sentences import Sentences, sentences
from harmonize.numerics.rounding import rounded, rounded_or_none
from harmonize.text.messages import iso_utc

_SIDES = tuple(Side)


def audited_adequacy(
    question: Question, reading: Reading, as_of: datetime
) -> tuple[AdequacySection, tuple[str, ...]]:
    """Returns the tests of what was read for an audit, and which prices cannot be read.

    Raises RequestError, ArchiveError.
    """
    answer = judge_reading(question, reading, as_of, AdequacyTerms(notionals=ADEQUACY_NOTIONALS))
    return adequacy_section(answer), answer.missing


def adequacy_section(answer: AdequacyAnswer) -> AdequacySection:
    """Returns verdicts as rows, worst first, with everything that was not observable."""
    return AdequacySection(
        level=answer.terms.level,
        rows=tuple(adequacy_row(verdict, answer.terms) for verdict in answer.verdicts),
        moves=_moves(answer.curves),
        backtests=_backtests(answer.history),
        unjudged=_unjudged(answer.not_observable),
        without_prices=tuple(sorted(answer.without_prices)),
        volatilities=_volatilities(answer.curves),
    )


def verdict_sentences(verdict: Adequacy, terms: AdequacyTerms) -> Sentences:
    """Returns a verdict in words: one sentence per question."""
    return sentences(adequacy_row(verdict, terms))


def adequacy_row(verdict: Adequacy, terms: AdequacyTerms) -> AdequacyRow:
    """Returns a verdict as a row of the audit document."""
    position, close_out = verdict.position, verdict.close_out
    clearing, prices = verdict.clearing, verdict.prices
    time = close_out.time
    maintenance = _number(position.maintenance)
    every, after = _close_out_tests(close_out, maintenance)
    return AdequacyRow(
        venue=position.venue,
        symbol=position.symbol,
        profile=position.profile,
        underlying=position.underlying,
        side=verdict.side.value,
        notional=position.notional,
        level=terms.level,
        observed_at=iso_utc(position.observed_at),
        observed_from=position.precision.earliest_text(position.observed_at),
        date_kind=position.precision.kind.value,
        initial=_number(position.initial),
        maintenance=maintenance,
        series=() if isinstance(prices, Unknown) else tuple(str(card.id) for card in prices.cards),
        price_reason=reason_of(prices) or "; ".join(getattr(prices, "reasons", ())),
        holding=_holding(verdict),
        every_window=every,
        after_liquidation=after,
        close_out_seconds=None if isinstance(time, Unknown) else rounded(time.seconds),
        participation=terms.participation,
        volume=None if isinstance(time, Unknown) else rounded(time.volume.value),
        volume_day="" if isinstance(time, Unknown) else time.volume.last_day.date().isoformat(),
        volume_reason=_volume_reason(close_out),
        clearing=()
        if isinstance(clearing, Unknown)
        else tuple(_clearing(horizon, _number(position.initial)) for horizon in clearing),
        clearing_reason=reason_of(clearing),
        reason=reason_of(prices),
        is_at_least=close_out.is_at_least,
    )


def _holding(verdict: Adequacy) -> tuple[HoldingRow, ...]:
    position, holding = verdict.position, verdict.holding
    buffer = buffer_of(position.initial, position.maintenance)
    return (
        _holding_row("buffer", buffer, holding.buffer),
        _holding_row("maintenance", position.maintenance, holding.maintenance),
        _holding_row("initial", position.initial, holding.initial),
    )


def _holding_row(margin: str, rate: float | Unknown, answer: HoldingTime | Unknown) -> HoldingRow:
    if isinstance(answer, Unknown):
        return _unknown_holding(margin, _number(rate), answer.reason)
    return HoldingRow(
        margin=margin,
        rate=rounded(answer.margin_rate),
        bound=answer.time.bound.value,
        seconds=rounded(answer.time.seconds),
        shortest_bound=answer.shortest.bound.value,
        shortest=rounded(answer.shortest.seconds),
        longest_bound=answer.longest.bound.value,
        longest=rounded(answer.longest.seconds),
        by_square_root=rounded(answer.by_square_root),
        root_seconds=float(answer.root_horizon),
        observations=answer.observations,
        series=tuple(map(str, answer.series)),
    )


def _unknown_holding(margin: str, rate: float | None, reason: str) -> HoldingRow:
    return HoldingRow(
        margin=margin,
        rate=rate,
        bound="",
        seconds=None,
        shortest_bound="",
        shortest=None,
        longest_bound="",
        longest=None,
        by_square_root=None,
        root_seconds=None,
        observations=None,
        series=(),
        reason=reason,
    )


def _close_out_tests(
    close_out: CloseOut, maintenance: float | None
) -> tuple[CoverageTest, CoverageTest]:
    """Returns the coverage by MM in all windows, and in those after a liquidation."""
    result = close_out.result
    if isinstance(result, Unknown):
        unknown = _untested(0, maintenance, result.reason)
        return unknown, unknown
    after = _test(result.after_liquidation, result.seconds, maintenance, worst=WORST)
    every = _test(
        result.every_window, result.seconds, maintenance, worst=1 if after.worst else WORST
    )
    return every, after


def _volume_reason(close_out: CloseOut) -> str:
    """Returns why the windows are not those of the position's own close-out; empty if they are."""
    if not isinstance(close_out.time, CloseOutTime):
        return close_out.time.reason
    has_windows = isinstance(close_out.one_candle, WindowCoverage)
    return reason_of(close_out.own_time) if has_windows else ""


def _test(
    covered: Coverage | Unknown, seconds: int, margin_rate: float | None, worst: int = 1
) -> CoverageTest:
    """Returns a test with so many of its worst breaches."""
    if isinstance(covered, Unknown):
        return _untested(seconds, margin_rate, covered.reason)
    return CoverageTest(
        seconds=covered.seconds,
        margin_rate=rounded(covered.margin_rate),
        observations=covered.observations,
        breaches=covered.breaches,
        largest_uncovered=rounded_or_none(covered.largest_uncovered),
        average_uncovered=rounded_or_none(covered.average_uncovered),
        rate_at_most=rounded_or_none(covered.rate_at_most),
        first=iso_utc(covered.first),
        last=iso_utc(covered.last),
        series=str(covered.series),
        worst=tuple(_breach(breach) for breach in covered.worst[:worst]),
        separate=covered.separate,
    )


def _untested(seconds: int, margin_rate: float | None, reason: str) -> CoverageTest:
    return CoverageTest(seconds, margin_rate, None, None, None, None, None, "", "", "", (), reason)


def _breach(breach: Breach) -> BreachRow:
    return BreachRow(
        start=iso_utc(breach.start),
        start_close=rounded(breach.start_close),
        end=iso_utc(breach.end),
        end_price=rounded(breach.end_price),
        price=breach.price.value,
        loss=rounded(breach.loss),
        uncovered=rounded(breach.uncovered),
        series=str(breach.series),
        sources=breach.sources,
        disputed=breach.disputed,
    )


def _clearing(horizon: ClearingHorizon, initial: float | None) -> ClearingRow:
    tests, move, gap = horizon.tests, horizon.move, horizon.gap
    known = tests if isinstance(tests, PhaseResults) else None
    return ClearingRow(
        days=horizon.days,
        test=_clearing_test(horizon, initial),
        zone="" if known is None else known.zone.value,
        kupiec=None if known is None else rounded(known.number.lowest),
        christoffersen=None if known is None else rounded(known.order.lowest),
        conditional=None if known is None else rounded(known.joint.lowest),
        shortfall=None if known is None else rounded(known.shortfall.lowest),
        move=None if isinstance(move, Unknown) else rounded(move.value),
        move_lower=None if isinstance(move, Unknown) else rounded_or_none(move.lower),
        move_upper=None if isinstance(move, Unknown) else _bounded(move.upper),
        under=None if isinstance(gap, Unknown) else rounded(gap.under),
        over=None if isinstance(gap, Unknown) else rounded(gap.over),
        after_breach=None if known is None else rounded_or_none(known.after_breach),
        after_calm=None if known is None else rounded_or_none(known.after_calm),
        open_interest_day="" if isinstance(gap, Unknown) else gap.observed_at.date().isoformat(),
    )


def _clearing_test(horizon: ClearingHorizon, initial: float | None) -> CoverageTest:
    """Returns the coverage over a horizon; its reason also states why it was not tested."""
    row = _test(horizon.coverage, horizon.days * DAY, initial)
    return row if row.reason else replace(row, reason=reason_of(horizon.tests))


def _moves(curves: Iterable[MoveCurve]) -> tuple[MoveRow, ...]:
    rows = [_move(curve, move) for curve in curves for move in curve.moves]
    return tuple(
        sorted(rows, key=lambda r: (r.underlying, r.venues, _SIDES.index(Side(r.side)), r.seconds))
    )


def _move(curve: MoveCurve, move: HorizonMove) -> MoveRow:
    estimate = move.estimate if isinstance(move.estimate, TailEstimate) else None
    return MoveRow(
        underlying=curve.underlying,
        venues=tuple(sorted(curve.venues)),
        side=move.side.value,
        seconds=move.horizon,
        move=None if estimate is None else rounded(estimate.value),
        lower=None if estimate is None else rounded_or_none(estimate.lower),
        upper=None if estimate is None else _bounded(estimate.upper),
        observations=None if estimate is None else estimate.observations,
        series="" if move.series is None else str(move.series),
        reason=reason_of(move.estimate),
    )


def _volatilities(curves: Iterable[MoveCurve]) -> tuple[VolatilityRow, ...]:
    rows = [
        VolatilityRow(
            underlying=curve.underlying,
            venues=tuple(sorted(curve.venues)),
            series=str(curve.trend.series),
            last=iso_utc(curve.trend.last),
            recent=rounded(curve.trend.recent),
            previous=rounded(curve.trend.previous),
        )
        for curve in curves
        if isinstance(curve.trend, VolatilityTrend)
    ]
    return tuple(sorted(rows, key=lambda row: (row.underlying, row.venues)))


def _backtests(history: Iterable[HistoryBacktest]) -> tuple[DatedBacktestRow, ...]:
    rows = [_backtest(backtest, size) for backtest in history for size in backtest.sizes]
    return tuple(
        sorted(
            rows,
            key=lambda r: (r.underlying, r.venue, r.symbol, r.measure, r.side, r.notional),
        )
    )


def _backtest(backtest: HistoryBacktest, size: TableBacktest) -> DatedBacktestRow:
    return DatedBacktestRow(
        venue=backtest.venue,
        symbol=backtest.symbol,
        underlying=backtest.underlying,
        side=backtest.side.value,
        measure=_measure(backtest),
        notional=size.notional,
        years=tuple(_year(year) for year in size.years),
        not_observed=size.not_observed,
        worst=tuple(_breach(breach) for breach in size.worst),
        seconds=backtest.seconds,
        series=str(backtest.series),
    )


def _measure(backtest: HistoryBacktest) -> str:
    if backtest.margin_type == "initial":
        return "initial over 1 day"
    if backtest.after_liquidation:
        return "maintenance after a liquidation"
    return "maintenance over one candle"


def _year(year: YearBreaches) -> YearRow:
    return YearRow(
        year=year.year,
        observations=year.observations,
        breaches=year.breaches,
        lowest_rate=rounded(year.lowest_rate),
        highest_rate=rounded(year.highest_rate),
        largest_uncovered=rounded_or_none(year.largest_uncovered),
        average_uncovered=rounded_or_none(year.average_uncovered),
    )


def _unjudged(positions: Iterable[NotObservable]) -> tuple[UnjudgedRow, ...]:
    rows = (UnjudgedRow(p.underlying, p.venue, p.symbol, p.notional, p.reason) for p in positions)
    return tuple(sorted(rows, key=_unjudged_key))


def _unjudged_key(row: UnjudgedRow) -> tuple[str, str, str, float, str]:
    return (row.underlying, row.venue, row.symbol, row.notional or 0.0, row.reason)


def _number(value: float | Unknown) -> float | None:
    return rounded_or_none(known_or_none(value))


def _bounded(upper: float | None) -> float | None:
    """Returns an upper bound; None if there is none."""
    return None if upper is None or not isfinite(upper) else rounded(upper)
