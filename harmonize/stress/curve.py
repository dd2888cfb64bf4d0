"""One price for all venues: the move that a shock ends at, for every shock at once.

The move u is the least solution of ``u = u₀ + I(Q(u))``, with the shock u₀, the impact I and Q(u)
the notional whose fall is at most u. With falls sorted, k liquidations are consistent if the next
fall exceeds ``u₀ + I(Q_k)``. A shock thus ends at the first k with ``h_k = d_{k+1} − I(Q_k) > u₀``,
which is a search in the running maximum of h.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import Impact, require_known
from harmonize.stress.positions import Codes, Floats
from harmonize.stress.thresholds import (
    TIE,
    Thresholds,
    check_moves,
    running_sum,
)

_BEYOND_TABLE = 1e300
"""Impact of a sale that a depth table does not cover, which can be taken from a fall that never comes."""

LEAST_AMPLIFIED = 0.01
"""Smallest shock with an amplification: a square root moves c² even without a shock."""

CLIFF = 0.01
"""Smallest jump of the move, as a fraction of the first mark, that is a cliff."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Outcome by shock, and by shock and venue.

    ``move`` is that of the price, ``liquidated`` in USD. ``liquidated_by_venue`` and
    ``loss_by_venue`` have one row per shock, in USD. The loss is that beyond the margins, with every
    position closed at the final price.
    """

    venues: tuple[str, ...]
    shocks: Floats
    move: Floats
    liquidated: Floats
    liquidated_by_venue: Floats
    loss_by_venue: Floats

    @property
    def amplification(self) -> Floats:
        """Move over shock; NaN for shocks below ``LEAST_AMPLIFIED``."""
        large = self.shocks >= LEAST_AMPLIFIED
        amplification = np.full(large.shape, np.nan)
        amplification[large] = self.move[large] / self.shocks[large]
        return amplification

    @property
    def loss(self) -> Floats:
        """Loss beyond the margins by shock, in USD."""
        return np.asarray(self.loss_by_venue.sum(axis=1))


@dataclass(frozen=True, slots=True)
class Cliff:
    """Shock at which the move jumps, the moves just before and at it, and what more is liquidated."""

    shock: float
    move_before: float
    move_after: float
    notional: float

    @property
    def jump(self) -> float:
        """Jump of the move."""
        return self.move_after - self.move_before


@dataclass(frozen=True, slots=True)
class ReverseStress:
    """Least shock at which a venue's losses exceed its resources; None if no shock below 1 does.

    ``liquidated`` is the venue's notional, in USD, that is liquidated there, and decides the figure.
    """

    venue: str
    shock: float | None
    liquidated: float = 0.0


@dataclass(frozen=True, slots=True)
class _Cascade:
    """Sorted falls; ``stop[k]`` is the smallest shock that passes k liquidations, or any before."""

    order: Codes
    fall: Floats
    volume: Floats
    impact: Floats
    stop: Floats

    def liquidations(self, shocks: Floats) -> Codes:
        """Returns the number of liquidated rows by shock."""
        return np.searchsorted(self.stop, shocks + TIE, side="right")


def curve(given: Thresholds, impact: Impact, shocks: Iterable[float] | Floats) -> Curve:
    """Returns where each shock ends.

    Raises StressInputError: a shock outside [0, 1), or more is sold than the impact covers.
    """
    starts = check_moves("shock", shocks)
    cascade = _cascade(given, impact)
    count = cascade.liquidations(starts)
    require_known(cascade.volume[count], cascade.impact[count])
    raw = starts + cascade.impact[count]
    move = np.minimum(raw, given.direction.largest_move)
    return Curve(
        given.venues,
        starts,
        move,
        cascade.volume[count],
        given.liquidated_by_venue(raw),
        losses_at(given, move),
    )


def losses_at(given: Thresholds, moves: Floats) -> Floats:
    """Returns the losses beyond margin, in USD, by move and venue, if all close at that move.

    No position is bankrupt before it is liquidated, so that the bankruptcies alone decide.
    """
    columns = []
    for rows in given.rows:
        own = np.flatnonzero(given.bankrupt[rows] < moves.max()) + rows.start
        own = own[np.argsort(given.bankrupt[own])]
        count = np.searchsorted(given.bankrupt[own], moves)
        exposure, margin = (
            running_sum(column[own])[count] for column in (given.exposure, given.margin)
        )
        columns.append(np.maximum(moves * exposure - margin, 0.0))
    return np.stack(columns, axis=1)


def cliffs(given: Thresholds, impact: Impact, least_jump: float = CLIFF) -> tuple[Cliff, ...]:
    """Returns the shocks below 1 at which the move jumps by at least ``least_jump``, smallest first.

    A cliff beyond the end of a depth table has an infinite move.
    """
    cascade = _cascade(given, impact)
    records = _records(cascade)
    after = np.append(records[1:], cascade.fall.size)
    shocks = cascade.stop[records]
    before_impact, after_impact = cascade.impact[records], cascade.impact[after]
    is_jump = after_impact >= before_impact + least_jump - TIE
    is_cliff = (shocks >= 0.0) & (shocks < 1.0) & is_jump
    return tuple(
        Cliff(
            float(shocks[k]),
            float(shocks[k] + before_impact[k]),
            float(shocks[k] + after_impact[k]),
            float(cascade.volume[after[k]] - cascade.volume[records[k]]),
        )
        for k in np.flatnonzero(is_cliff)
    )


def reverse_stress(
    given: Thresholds, impact: Impact, funds: Sequence[float]
) -> tuple[ReverseStress, ...]:
    """Returns per venue the least shock at which losses exceed what liquidations leave plus the fund.

    ``funds`` are the stated insurance funds by venue, in USD; 0 without one. The result is a limit:
    any larger shock of the same stage exceeds the resources. Raises StressInputError: a fund is not a
    number from 0, or there is not one per venue.
    """
    amounts = _check_funds(given, funds)
    cascade = _cascade(given, impact)
    stages = np.append(_records(cascade), cascade.fall.size)
    begin = np.maximum(np.append(-np.inf, cascade.stop[stages[:-1]]), 0.0)
    end = np.append(cascade.stop[stages[:-1]], 1.0)
    known = np.isfinite(cascade.impact[stages]) & (begin < np.minimum(end, 1.0))
    results, codes = [], given.venue[cascade.order]
    for code, venue in enumerate(given.venues):
        own = codes == code
        exposure = np.where(own, given.exposure[cascade.order], 0.0)
        margin = np.where(own, given.margin[cascade.order], 0.0)
        volume = running_sum(exposure)[stages]
        resources = running_sum(margin)[stages] + amounts[code]
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = resources / volume
        beyond = np.where(np.isfinite(cascade.impact[stages]), cascade.impact[stages], 0.0)
        shock = np.maximum(begin, needed - beyond)
        reached = known & (volume > 0.0) & (shock < np.minimum(end, 1.0))
        reached &= needed < given.direction.largest_move
        if not reached.any():
            results.append(ReverseStress(venue, None))
            continue
        least = int(np.argmin(np.where(reached, shock, np.inf)))
        sold = given.notional[cascade.order[: stages[least]]][own[: stages[least]]].sum()
        results.append(ReverseStress(venue, float(shock[least]), float(sold)))
    return tuple(results)


def _cascade(given: Thresholds, impact: Impact) -> _Cascade:
    order = np.argsort(given.fall, kind="stable")  # merges the sorted falls of the venues
    fall = given.fall[order]
    volume = running_sum(given.notional[order])
    moves = impact.move(volume)
    known = np.where(np.isfinite(moves[:-1]), moves[:-1], _BEYOND_TABLE)
    return _Cascade(order, fall, volume, moves, np.maximum.accumulate(fall - known))


def _records(cascade: _Cascade) -> Codes:
    """Returns the numbers of liquidations at which a shock can end, except all of them."""
    return np.flatnonzero(cascade.stop > np.append(-np.inf, cascade.stop[:-1]))


def _check_funds(given: Thresholds, funds: Sequence[float]) -> Floats:
    amounts = np.array(funds, float)
    if amounts.shape != (len(given.venues),) or not (amounts >= 0.0).all():
        message = (
            f"fund: expected a number from 0 per venue, found {list(funds)}; use 0 without a fund"
        )
        raise StressInputError(message)
    return amounts
