"""Are the margins enough: verdicts on the schedules of a question, from archived prices."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite

from harmonize.adequacy.clearing import DatedInterest
from harmonize.adequacy.close_out import PARTICIPATION
from harmonize.adequacy.contract_risk import LEVEL, VenueRisk
from harmonize.adequacy.factors import VenueVolume, venue_volume
from harmonize.adequacy.horizons import HorizonMove
from harmonize.adequacy.position import PositionMargins, position_margins
from harmonize.adequacy.severity import is_answered, severity
from harmonize.adequacy.venue_risks import RiskTerms, venue_risks
from harmonize.adequacy.verdict import Adequacy, PositionQuestion, assess
from harmonize.adequacy.volatility_trend import VolatilityTrend, volatility_trend
from harmonize.api.adequacy_history import (
    HistoryBacktest,
    archived_tables,
    history_backtests,
)
from harmonize.api.adequacy_interest import read_open_interest
from harmonize.api.adequacy_prices import IMPORT, read_prices, recent_prices, without_prices
from harmonize.api.archived_schedules import without_schedules
from harmonize.api.audit import (
    NotObservedError,
    Question,
    RequestError,
    missing,
    read_with_history,
    reading_notes,
    with_observed_names,
)
from harmonize.api.missing_schedule import no_instrument
from harmonize.audit.assemble import Reading
from harmonize.comparison.identity import with_identities
from harmonize.comparison.listing import Relation
from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.representative import VenueUnderlying, choose_representatives
from harmonize.comparison.shared_books import with_shared_books
from harmonize.comparison.trading import with_trading
from harmonize.core.open_interest import OpenInterestByContract, newest_by_contract
from harmonize.core.schedule import MarginSchedule, Unknown
from harmonize.market.card import SeriesCard, card_of
from harmonize.market.points import PointSeries
from harmonize.market.points_source import contract_open_interest
from harmonize.market.prices import PriceKind, PriceSeries

_MOST_REASONS = 3
"""Largest number of reasons in an error."""

Chosen = Mapping[str, Mapping[str, MarginSchedule]]
"""Representative schedules by underlying and venue."""


@dataclass(frozen=True, slots=True)
class AdequacyTerms:
    """Position sizes in USD, the level of the moves, and the share of volume that a close-out takes.

    Without ``include_disputed``, no move begins or ends at a candle with a disputed close.
    """

    notionals: tuple[float, ...] = (1e6,)
    level: float = LEVEL
    participation: float = PARTICIPATION
    include_disputed: bool = True


@dataclass(frozen=True, slots=True)
class NotObservable:
    """Position on which there is no verdict, and why; ``notional`` is None if no size has one."""

    underlying: str
    venue: str
    symbol: str
    notional: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class MoveCurve:
    """Moves at the level against time on an underlying, and the venues for which they speak.

    ``trend`` tells whether volatility rose, by the daily candles of the same prices.
    """

    underlying: str
    venues: tuple[str, ...]
    reasons: tuple[str, ...]
    moves: tuple[HorizonMove, ...]
    trend: VolatilityTrend | Unknown


@dataclass(frozen=True, slots=True)
class AdequacyAnswer:
    """Verdicts, worst first, and everything that they are based on.

    ``as_of`` is the time from which ages count back: no candle that closed later is used. ``cards``
    describe the series used. ``history`` holds moves against the margins of their day.
    ``without_prices`` are underlyings with an observed schedule but no prices. ``missing`` states what
    was requested but not observed.
    """

    as_of: datetime
    archive: str
    terms: AdequacyTerms
    verdicts: tuple[Adequacy, ...]
    curves: tuple[MoveCurve, ...]
    cards: tuple[SeriesCard, ...]
    history: tuple[HistoryBacktest, ...]
    not_observable: tuple[NotObservable, ...]
    without_prices: tuple[str, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """Cards of the archived series of a question, as of a time."""

    as_of: datetime
    archive: str
    cards: tuple[SeriesCard, ...]


@dataclass(frozen=True, slots=True)
class _Observed:
    """Schedules, prices and archived open interest of a question, and what cannot be read."""

    question: Question
    as_of: datetime
    reading: Reading
    chosen: Chosen
    prices: Mapping[str, tuple[PriceSeries, ...]]
    interests: tuple[PointSeries, ...]
    defects: tuple[str, ...]

    @property
    def without_prices(self) -> tuple[str, ...]:
        """Underlyings with a schedule but no prices."""
        return tuple(asset for asset in self.chosen if asset not in self.prices)


@dataclass(frozen=True, slots=True)
class _Judged:
    """Verdicts on one underlying, the positions without one, and the measured moves per venue."""

    verdicts: tuple[Adequacy, ...]
    not_observable: tuple[NotObservable, ...]
    risks: Mapping[str, VenueRisk | Unknown]


def judge_adequacy(question: Question, terms: AdequacyTerms | None = None) -> AdequacyAnswer:
    """Answers whether margins hold, survive the close-out and would do for clearing.

    Each venue is judged by its representative schedule on each underlying that has prices. A schedule
    that comparisons exclude is judged only if the question names its venue. Raises RequestError: a
    wrong name, size or level; NotObservedError: no verdict is possible; ArchiveError.
    """
    terms = terms or AdequacyTerms()
    _check(terms)
    reading, as_of = read_with_history(question)
    observed = _observe(with_observed_names(question, reading), reading, as_of)
    judged = _judge_all(observed, terms)
    unpriced = observed.without_prices
    absent = (*missing(question, reading), *map(str, reading.defects), *observed.defects)
    if unpriced and (question.underlyings or not judged):
        absent += without_prices(observed.question, as_of, unpriced)
    answer = replace(
        _answer(observed, judged, terms), missing=absent, notes=reading_notes(question, reading)
    )
    if not answer.verdicts:
        raise NotObservedError(without_schedules(question) or _nothing(answer))
    keys = _keys(answer)
    return replace(
        answer, history=_history(observed, judged, terms, keys) if len(keys) == 1 else ()
    )


def judge_reading(
    question: Question, reading: Reading, as_of: datetime, terms: AdequacyTerms
) -> AdequacyAnswer:
    """Answers the same on what was read for an audit, with the backtests of all schedules judged.

    Without prices there are no verdicts. ``missing`` states prices that cannot be read, and nothing
    else: the audit states what else was not observed. Raises RequestError, ArchiveError.
    """
    _check(terms)
    observed = _observe(question, reading, as_of)
    judged = _judge_all(observed, terms)
    answer = _answer(observed, judged, terms)
    history = _history(observed, judged, terms, _keys(answer))
    return replace(answer, history=history, missing=observed.defects)


def list_series(question: Question) -> SeriesAnswer:
    """Returns the cards of the archived series on the underlyings of a question, all without any.

    A question that names venues has the series of these alone. Raises RequestError: an unknown venue
    or underlying; NotObservedError: no such series; ArchiveError.
    """
    reading, as_of = read_with_history(question)
    question = with_observed_names(question, reading)
    assets = frozenset(question.underlyings) or None
    prices, _ = read_prices(question, as_of, assets, frozenset(PriceKind))
    venues = set(question.venues)
    cards = [
        card_of(part)
        for asset in sorted(prices)
        for part in prices[asset]
        if not venues or part.id.venue in venues
    ]
    if not cards:
        raise NotObservedError(_no_series(question, reading, as_of, is_any=bool(prices)))
    return SeriesAnswer(as_of, reading.archive, tuple(cards))


def _observe(question: Question, reading: Reading, as_of: datetime) -> _Observed:
    """Returns the schedules of a reading with their prices; names are those observed."""
    chosen = _representatives(question, reading, as_of)
    prices, defects = read_prices(question, as_of, frozenset(chosen))
    if not question.underlyings:
        prices = recent_prices(prices, as_of)
    interests, unread = read_open_interest(question, frozenset(prices))
    defects = tuple(dict.fromkeys((*defects, *unread)))
    return _Observed(question, as_of, reading, chosen, prices, interests, defects)


def _judge_all(observed: _Observed, terms: AdequacyTerms) -> dict[str, _Judged]:
    """Returns the verdicts by underlying that has prices."""
    return {
        asset: _judge(observed, asset, terms)
        for asset in observed.chosen
        if asset in observed.prices
    }


def _answer(
    observed: _Observed, judged: Mapping[str, _Judged], terms: AdequacyTerms
) -> AdequacyAnswer:
    """Returns the answer without its history, and without what was requested but not observed."""
    verdicts = (verdict for own in judged.values() for verdict in own.verdicts)
    return AdequacyAnswer(
        as_of=observed.as_of,
        archive=observed.reading.archive,
        terms=terms,
        verdicts=tuple(sorted(verdicts, key=severity)),
        curves=tuple(_curves(judged)),
        cards=_used_cards(judged),
        history=(),
        not_observable=tuple(x for own in judged.values() for x in own.not_observable),
        without_prices=observed.without_prices,
    )


def _no_series(question: Question, reading: Reading, as_of: datetime, *, is_any: bool) -> str:
    """Returns why a question has no series; ``is_any`` tells whether other venues have some."""
    if is_any:
        names = " and ".join(sorted(question.venues))
        return f"no candles of {names} in the archive; {IMPORT}, or omit the venue"
    absent = missing(question, reading) or without_prices(question, as_of, question.underlyings)
    return "; ".join(absent)


def _check(terms: AdequacyTerms) -> None:
    """Raises RequestError: a size, level or share of volume that is none."""
    for size in terms.notionals:
        if not (isfinite(size) and size > 0):
            message = f"notional: expected an amount in USD above 0, found {size:g}"
            raise RequestError(message)
    if not terms.notionals:
        message = "notional: expected at least one amount in USD, found none"
        raise RequestError(message)
    if not 0.5 <= terms.level < 1:  # noqa: PLR2004 - below it, a move would be a gain
        message = f"level: expected from 0.5 to below 1, found {terms.level:g}; use 0.99 for the 99 % move"
        raise RequestError(message)
    if not 0 < terms.participation <= 1:
        message = f"participation: expected above 0 and at most 1, found {terms.participation:g}; use 0.05 for 5 %"
        raise RequestError(message)


def _representatives(question: Question, reading: Reading, as_of: datetime) -> Chosen:
    """Returns the representative schedules. Raises RequestError: a preferred instrument is missing."""
    by_key = sorted(reading.schedules, key=lambda schedule: schedule.key)
    trading = with_trading(by_key, as_of.date(), reading.recent_history.unchanged_since)
    schedules = with_shared_books(with_identities(trading))
    try:
        return choose_representatives(schedules, question.instruments)
    except KeyError as error:
        message = no_instrument(question.instruments, reading, error.args[0])
        raise RequestError(message) from None


def _judge(observed: _Observed, asset: str, terms: AdequacyTerms) -> _Judged:
    series = observed.prices[asset]
    reasons = {
        venue: _why_not_judged(schedule, observed.question, series)
        for venue, schedule in observed.chosen[asset].items()
    }
    own = {v: s for v, s in observed.chosen[asset].items() if not reasons[v]}
    risks = venue_risks(
        series, own, asset, RiskTerms(observed.as_of, terms.level, terms.include_disputed)
    )
    interests = newest_by_contract(observed.reading.open_interest)
    asked: dict[int, list[PositionQuestion]] = {}
    for venue, schedule in own.items():
        volume = venue_volume(series, venue, asset, observed.as_of)
        asked.setdefault(id(risks[venue]), []).extend(
            _questions(schedule, terms, volume, _interest(schedule, observed, interests))
        )
    by_id = {id(risk): risk for risk in risks.values()}
    verdicts = [
        verdict
        for key, questions in asked.items()
        for verdict in assess(questions, by_id[key], terms.participation)
    ]
    answered = tuple(verdict for verdict in verdicts if is_answered(verdict))
    excluded = (
        NotObservable(asset, venue, schedule.instrument.symbol, None, reasons[venue])
        for venue, schedule in observed.chosen[asset].items()
        if reasons[venue]
    )
    unanswered = (_unanswered(verdict) for verdict in verdicts if not is_answered(verdict))
    return _Judged(answered, tuple(dict.fromkeys((*excluded, *unanswered))), risks)


def _why_not_judged(
    schedule: MarginSchedule, question: Question, series: Sequence[PriceSeries]
) -> str:
    """Returns why there is no verdict on a schedule; empty if there can be one.

    That a venue's asset was not compared with that of other venues does not matter where prices of
    its own perpetual speak for it.
    """
    venue = schedule.instrument.venue
    has_own = any(s.id.venue == venue and s.id.kind is PriceKind.PERP for s in series)
    is_unclear = schedule.identity_doubt.startswith(Relation.UNOBSERVED)
    if has_own and is_unclear:
        schedule = replace(schedule, identity_doubt="")
    reason = exclusion_reason(schedule)
    return "" if venue in question.venues and _is_testable(schedule) else reason


def _is_testable(schedule: MarginSchedule) -> bool:
    """Whether the prices of its underlying concern the schedule of a contract that trades."""
    return not schedule.not_trading and not schedule.identity_doubt


def _questions(
    schedule: MarginSchedule,
    terms: AdequacyTerms,
    volume: VenueVolume | Unknown,
    interest: DatedInterest | Unknown,
) -> Iterator[PositionQuestion]:
    for notional in terms.notionals:
        yield PositionQuestion(position_margins(schedule, notional), volume, interest)


def _interest(
    schedule: MarginSchedule, observed: _Observed, published: OpenInterestByContract
) -> DatedInterest | Unknown:
    """Returns the open interest published beside the margins, otherwise the archived one."""
    own = published.get((schedule.instrument.venue, schedule.instrument.id))
    if own is not None:
        return DatedInterest(float(own.value), own.observed_at)
    archived = contract_open_interest(observed.interests, schedule.instrument, observed.as_of)
    if isinstance(archived, Unknown):
        return archived
    return DatedInterest(archived.value, archived.observed_at)


def _unanswered(verdict: Adequacy) -> NotObservable:
    position = verdict.position
    return NotObservable(
        position.underlying, position.venue, position.symbol, position.notional, _reason(verdict)
    )


def _reason(verdict: Adequacy) -> str:
    """Returns why a verdict has no answer: there are no prices, or no margin is known."""
    if isinstance(verdict.prices, Unknown):
        return verdict.prices.reason
    position: PositionMargins = verdict.position
    margins = (position.initial, position.maintenance)
    reasons = [margin.reason for margin in margins if isinstance(margin, Unknown)]
    return "; ".join(dict.fromkeys(reasons)) or "too few moves to measure"


def _curves(judged: Mapping[str, _Judged]) -> Iterator[MoveCurve]:
    for asset, own in judged.items():
        by_id: dict[int, tuple[VenueRisk, list[str]]] = {}
        for venue, risk in own.risks.items():
            if isinstance(risk, VenueRisk):
                by_id.setdefault(id(risk), (risk, []))[1].append(venue)
        for risk, venues in by_id.values():
            yield MoveCurve(asset, tuple(venues), risk.basis.reasons, risk.horizons, _trend(risk))


def _trend(risk: VenueRisk) -> VolatilityTrend | Unknown:
    if not risk.clearing:
        return Unknown("no candles of a day or a part of it")
    return volatility_trend(risk.clearing[0].series)


def _used_cards(judged: Mapping[str, _Judged]) -> tuple[SeriesCard, ...]:
    cards = {
        card.id: card
        for own in judged.values()
        for risk in own.risks.values()
        if isinstance(risk, VenueRisk)
        for card in risk.basis.cards
    }
    return tuple(cards[name] for name in sorted(cards, key=str))


def _nothing(answer: AdequacyAnswer) -> str:
    """Returns the error of a question without any verdict."""
    unknown = [f"{x.venue} {x.symbol}: {x.reason}" for x in answer.not_observable]
    reasons = list(dict.fromkeys((*answer.missing, *unknown)))
    rest = len(reasons) - _MOST_REASONS
    more = f"; and {rest:,} more" if rest > 0 else ""
    return (
        "; ".join(reasons[:_MOST_REASONS]) + more or f"no schedule was observed in {answer.archive}"
    )


def _keys(answer: AdequacyAnswer) -> set[VenueUnderlying]:
    """Returns venue and underlying of every schedule with a verdict."""
    return {(v.position.venue, v.position.underlying) for v in answer.verdicts}


def _history(
    observed: _Observed,
    judged: Mapping[str, _Judged],
    terms: AdequacyTerms,
    keys: Collection[VenueUnderlying],
) -> tuple[HistoryBacktest, ...]:
    """Returns the backtests of schedules against their dated tables."""
    archived = archived_tables(observed.question, {asset for _, asset in keys}, observed.as_of)
    return tuple(
        backtest
        for asset, own in judged.items()
        for venue, risk in own.risks.items()
        if (venue, asset) in keys and isinstance(risk, VenueRisk)
        for backtest in history_backtests(
            archived, observed.chosen[asset][venue], risk, terms.notionals
        )
    )
