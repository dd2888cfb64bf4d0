"""The three answers on one position: how long it holds, whether it survives, whether it would clear.

They are never added or averaged.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from harmonize.adequacy.clearing import ClearingHorizon, DatedInterest, clearing
from harmonize.adequacy.close_out import (
    PARTICIPATION,
    CloseOut,
    buffer_of,
    close_out,
    close_out_time,
    has_headline,
    window_coverage,
)
from harmonize.adequacy.contract_risk import PriceBasis, VenueRisk
from harmonize.adequacy.factors import VenueVolume
from harmonize.adequacy.holding_time import HoldingTime, holding_time
from harmonize.adequacy.horizons import GrowthExponent, Side
from harmonize.adequacy.position import PositionMargins
from harmonize.core.schedule import Unknown

Clearing = tuple[ClearingHorizon, ...] | Unknown


@dataclass(frozen=True, slots=True)
class Holding:
    """Time over which each margin covers the move at the level; the buffer is IM − MM."""

    buffer: HoldingTime | Unknown
    initial: HoldingTime | Unknown
    maintenance: HoldingTime | Unknown


@dataclass(frozen=True, slots=True)
class Adequacy:
    """Verdict on one schedule, side and position size; ``prices`` is a reason if there are none.

    ``exponents`` are those of the moves of this side against time.
    """

    position: PositionMargins
    side: Side
    prices: PriceBasis | Unknown
    exponents: tuple[GrowthExponent, ...]
    holding: Holding
    close_out: CloseOut
    clearing: Clearing


@dataclass(frozen=True, slots=True)
class PositionQuestion:
    """Position to be judged, with what is known of its market.

    ``volume`` is the average daily volume of the venue's own perpetual and ``open_interest`` that of
    the contract, both in USD.
    """

    position: PositionMargins
    volume: VenueVolume | Unknown
    open_interest: DatedInterest | Unknown


def assess(
    questions: Iterable[PositionQuestion],
    risk: VenueRisk | Unknown,
    participation: float = PARTICIPATION,
) -> tuple[Adequacy, ...]:
    """Returns the verdict on each side of each position, from the prices that speak for its venue.

    Equal rates are answered once. Raises ValueError: a rate, size or share of volume that is none.
    """
    if isinstance(risk, Unknown):
        return tuple(
            _not_observable(q, side, risk, participation) for q in questions for side in Side
        )
    answers = _Answers(risk, participation)
    return tuple(_verdict(question, side, answers) for question in questions for side in Side)


class _Answers:
    """Answers from one set of prices, each kept for positions with the same rates."""

    def __init__(self, risk: VenueRisk, participation: float) -> None:
        self.risk = risk
        self.participation = participation
        self._holding = cache(self._find_holding)
        self._clearing = cache(self._find_clearing)
        self._coverage = cache(window_coverage)

    def holding(self, side: Side, rate: float | Unknown) -> HoldingTime | Unknown:
        return rate if isinstance(rate, Unknown) else self._holding(side, rate)

    def clearing(
        self, side: Side, initial: float | Unknown, open_interest: DatedInterest | Unknown
    ) -> Clearing:
        return self._clearing(side, initial, open_interest)

    def close_out(self, side: Side, question: PositionQuestion) -> CloseOut:
        position = question.position
        time = close_out_time(position.notional, question.volume, self.participation)
        rates = (position.initial, position.maintenance)
        first = close_out(self.risk.close_out, side, rates, time, self._coverage)
        if has_headline(first):
            return first
        others = (
            close_out(windows, side, rates, time, self._coverage)
            for windows in self.risk.other_close_outs
        )
        return next(filter(has_headline, others), first)

    def _find_holding(self, side: Side, rate: float) -> HoldingTime | Unknown:
        return holding_time(self.risk.moves_of(side), rate)

    def _find_clearing(
        self, side: Side, initial: float | Unknown, open_interest: DatedInterest | Unknown
    ) -> Clearing:
        moves, measured = self.risk.clearing_of(side), self.risk.moves_of(side)
        return clearing(moves, measured, initial, self.risk.basis.level, open_interest)


def _verdict(question: PositionQuestion, side: Side, answers: _Answers) -> Adequacy:
    position = question.position
    return Adequacy(
        position=position,
        side=side,
        prices=answers.risk.basis,
        exponents=tuple(e for e in answers.risk.exponents if e.side is side),
        holding=Holding(
            buffer=answers.holding(side, buffer_of(position.initial, position.maintenance)),
            initial=answers.holding(side, position.initial),
            maintenance=answers.holding(side, position.maintenance),
        ),
        close_out=answers.close_out(side, question),
        clearing=answers.clearing(side, position.initial, question.open_interest),
    )


def _not_observable(
    question: PositionQuestion, side: Side, reason: Unknown, participation: float
) -> Adequacy:
    """Returns the verdict without prices: every answer is the reason why there are none."""
    time = close_out_time(question.position.notional, question.volume, participation)
    return Adequacy(
        position=question.position,
        side=side,
        prices=reason,
        exponents=(),
        holding=Holding(reason, reason, reason),
        close_out=CloseOut(reason, reason, time),
        clearing=reason,
    )
