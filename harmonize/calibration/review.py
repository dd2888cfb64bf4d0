"""The review of a margin: coverage of later moves on both sides, its cost, and the worst breach."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.backtests import LikelihoodRatio, unconditional_coverage
from harmonize.adequacy.horizons import Side
from harmonize.adequacy.measured_inputs import LEVEL
from harmonize.adequacy.overlapping import phase_tests
from harmonize.adequacy.tail import Floats, least_observations
from harmonize.calibration.evidence import end_of_day
from harmonize.calibration.walk_forward import DailyMargins, first_from
from harmonize.market.prices import Times, microseconds, utc_time
from harmonize.market.returns import contiguous_ends

REVIEW_DAYS = 91
"""Days from a calibration to the next review. A design choice: a quarter of a year."""

SIGNIFICANCE = 0.05
"""p-value below which a test rejects the coverage."""

_BREACH_RATE = 1 - LEVEL


@dataclass(frozen=True, slots=True)
class WorstBreach:
    """Largest loss above the margin. ``day`` (UTC) is that of the close at which the move ends."""

    day: date
    loss: float
    margin: float

    @property
    def uncovered(self) -> float:
        """Loss above the margin, as a share of the position."""
        return self.loss - self.margin


@dataclass(frozen=True, slots=True)
class SideReview:
    """How a margin did on one side of one asset.

    ``first`` and ``last`` are the days at whose close the first tested move begins and the last one ends;
    None without moves. ``p_value`` is that of Kupiec's test; None for fewer moves than one expected
    breach. ``mean_margin`` is the mean of the margins over the tested moves; None without moves.
    """

    asset: str
    side: Side
    days: int
    observations: int
    breaches: int
    first: date | None = None
    last: date | None = None
    p_value: float | None = None
    mean_margin: float | None = None
    worst: WorstBreach | None = None

    @property
    def coverage(self) -> float | None:
        """Share of moves within the margin; None for fewer moves than one expected breach."""
        if self.observations < least_observations(LEVEL):
            return None
        return 1 - self.breaches / self.observations

    @property
    def is_rejected(self) -> bool:
        """Whether the test rejects the coverage because there are too many breaches."""
        is_short = self.breaches > self.observations * _BREACH_RATE
        return is_short and self.p_value is not None and self.p_value < SIGNIFICANCE


def review_sides(
    asset: str, margins: DailyMargins, days: int, since: date | None = None
) -> tuple[SideReview, ...]:
    """Returns how margins covered the moves over ``days`` days that began when they were known.

    With ``since``, only moves that begin at the close of that day or later count. A move without a
    known margin at its beginning is not tested.
    """
    series = margins.series
    ends = contiguous_ends(series, days)
    starts = ends - days
    is_tested = ~np.isnan(margins.rates[starts])
    if since is not None:
        is_tested &= starts >= first_from(series, _close_of(since))
    starts, ends = starts[is_tested], ends[is_tested]
    values = series.close[ends] / series.close[starts] - 1
    rates = margins.rates[starts]
    if not values.size:
        return tuple(SideReview(asset, side, days, 0, 0) for side in Side)
    tested = _TestedMoves(asset, days, rates, series.times[ends], utc_day(series.times[starts[0]]))
    return (_side(tested, Side.LONG, -values), _side(tested, Side.SHORT, values))


def least_moves_for_too_few(days: int) -> int:
    """Returns the fewest moves over ``days`` days at which the test rejects a coverage without breaches."""
    count = days * least_observations(LEVEL)
    while p_without_breaches(count, days) >= SIGNIFICANCE:
        count += 1
    return count


def p_without_breaches(moves: int, days: int) -> float:
    """Returns the p-value of the test for moves over ``days`` days of which none breaches."""
    p_value = _p_value(np.zeros(moves, dtype=np.bool_), days)
    return 1.0 if p_value is None else p_value


def next_review(as_of: date) -> date:
    """Returns the day of the next review."""
    return as_of + timedelta(days=REVIEW_DAYS)


def utc_day(time: int) -> date:
    """Returns the day of a time in microseconds."""
    return utc_time(time).date()


@dataclass(frozen=True, slots=True, eq=False)
class _TestedMoves:
    """Moves with the margin at the beginning of each; ``times`` are those of the last candles."""

    asset: str
    days: int
    rates: Floats
    times: Times
    first: date


def _side(tested: _TestedMoves, side: Side, losses: Floats) -> SideReview:
    breaches = losses > tested.rates
    count = int(np.count_nonzero(breaches))
    return SideReview(
        asset=tested.asset,
        side=side,
        days=tested.days,
        observations=losses.size,
        breaches=count,
        first=tested.first,
        last=utc_day(tested.times[-1]),
        p_value=_p_value(breaches, tested.days),
        mean_margin=float(np.mean(tested.rates)),
        worst=_worst(tested, losses) if count else None,
    )


def _p_value(breaches: NDArray[np.bool_], days: int) -> float | None:
    """Returns the smallest p-value of the phases, times their number; moves of a phase do not overlap."""
    if breaches.size // days < least_observations(LEVEL):
        return None
    return phase_tests(breaches, days, _kupiec).lowest


def _kupiec(breaches: NDArray[np.bool_]) -> float:
    result = unconditional_coverage(breaches, _BREACH_RATE)
    return result.p_value if isinstance(result, LikelihoodRatio) else 1.0


def _worst(tested: _TestedMoves, losses: Floats) -> WorstBreach:
    row = int(np.argmax(losses - tested.rates))
    return WorstBreach(utc_day(tested.times[row]), float(losses[row]), float(tested.rates[row]))


def _close_of(day: date) -> int:
    """Returns the end of a day, in microseconds."""
    return microseconds(end_of_day(day))
