"""Contribution of each venue to what a shock liquidates: leave-one-out and Shapley values.

The value of a set of venues is the notional liquidated in a market of these venues alone, with the
same impact. A Shapley value is a venue's mean marginal value over all orders in which venues join.

What a venue adds to the liquidations of others is small. On synthetic positions, whole rows of others
would decide it, so that their notional is spread over the falls between rows.
"""

from dataclasses import dataclass
from math import factorial

import numpy as np

from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import Impact, require_known
from harmonize.stress.positions import Codes, Flags, Floats
from harmonize.stress.thresholds import TIE, Thresholds, check_moves

EXACT_VENUES = 12
"""Largest number of venues with exact Shapley values; more are sampled."""

PERMUTATIONS = 2000
"""Orders of venues that are sampled."""

_SETTLED = 1e-10
"""Growth in a pass, relative to open interest, at which a smooth market has settled."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """Contribution by venue at one shock, in USD.

    ``liquidated`` is the venue's own part of the total. ``leave_one_out`` is what less would be
    liquidated without the venue. ``shapley`` sums to the total; ``is_exact`` is False if sampled.
    """

    venues: tuple[str, ...]
    shock: float
    open_interest: Floats
    liquidated: Floats
    leave_one_out: Floats
    shapley: Floats
    is_exact: bool

    @property
    def total(self) -> float:
        """Liquidated notional of all venues, in USD."""
        return float(self.liquidated.sum())

    @property
    def shapley_to_open_interest(self) -> Floats:
        """Share of the total by Shapley value over share of open interest; NaN without either."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (self.shapley / self.total) / (self.open_interest / self.open_interest.sum())
        return np.where(np.isfinite(ratio), ratio, np.nan)


def contributions(  # noqa: PLR0913 - the terms of a decomposition
    given: Thresholds,
    impact: Impact,
    shock: float,
    *,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
    is_smooth: bool = False,
) -> Contributions:
    """Returns the contribution of each venue to what a shock liquidates.

    Up to ``EXACT_VENUES`` venues with positions, Shapley values are exact. Otherwise they are means
    over seeded permutations. ``is_smooth`` spreads rows, for synthetic positions; the values still sum
    to what the rows liquidate. Raises StressInputError: a shock outside [0, 1), no permutation, or more
    is sold than the impact covers.
    """
    (start,) = check_moves("shock", [shock]).tolist()
    if permutations < 1:
        message = f"permutations: expected a number from 1, found {permutations}"
        raise StressInputError(message)
    players = np.flatnonzero(given.open_interest > 0.0)
    everyone = np.isin(np.arange(len(given.venues)), players)
    rows = _Market(given, impact, start, is_smooth=False)
    liquidated = rows.liquidated(everyone[None, :])[0]
    market = _Market(given, impact, start, is_smooth)
    total = market.liquidated(everyone[None, :]).sum()
    if not total:  # the move ends before the first node
        market, total = rows, liquidated.sum()
    is_exact = players.size <= EXACT_VENUES
    shapley, left_out = np.zeros((2, everyone.size))
    all_but_one = everyone & ~np.eye(everyone.size, dtype=bool)[players]
    left_out[players] = total - market.liquidated(all_but_one).sum(axis=1)
    if is_exact:
        shapley[players] = _exact(market, players)
    else:
        rng = np.random.default_rng(seed)
        orders = np.stack([rng.permutation(players) for _ in range(permutations)])
        shapley = _sampled(market, orders)
    scale = liquidated.sum() / total if total else 1.0
    return Contributions(
        *(given.venues, start, given.open_interest, liquidated),
        *(scale * left_out, scale * shapley, is_exact),
    )


@dataclass(frozen=True, slots=True)
class _Market:
    """Markets of some of the venues, at one shock."""

    given: Thresholds
    impact: Impact
    shock: float
    is_smooth: bool

    def liquidated(self, members: Flags) -> Floats:
        """Returns the notional liquidated by set (one row) and venue, in USD.

        Each pass liquidates what the last move reaches. Moves only grow, and end at the least solution.
        """
        result = np.zeros(members.shape)
        least = _SETTLED * self.given.open_interest.sum() if self.is_smooth else 0.0
        sets, moves = np.arange(len(members)), np.full(len(members), self.shock)
        while sets.size:
            reached = np.where(members[sets], self._notional_at(moves), 0.0)
            grown = reached.sum(axis=1) - result[sets].sum(axis=1) > least
            result[sets] = reached
            sets, volume = sets[grown], reached[grown].sum(axis=1)
            change = self.impact.move(volume)
            require_known(volume, change)
            moves = self.shock + change
        return result

    def _notional_at(self, moves: Floats) -> Floats:
        reached = np.minimum(moves, self.given.direction.largest_move + TIE)
        if self.is_smooth:
            return self.given.smoothed_by_venue(reached)
        return self.given.liquidated_by_venue(reached)


def _exact(market: _Market, players: Codes) -> Floats:
    """Returns Shapley values from the values of all sets of players."""
    count = players.size
    codes = np.arange(1 << count)
    joined = (codes[:, None] >> np.arange(count)) & 1 == 1
    members = np.zeros((codes.size, len(market.given.venues)), bool)
    members[:, players] = joined
    value = market.liquidated(members).sum(axis=1)
    size = joined.sum(axis=1)
    weight = np.array([factorial(s) * factorial(count - s - 1) for s in range(count)], float)
    shapley = np.zeros(count)
    for player in range(count):
        before = codes[~joined[:, player]]
        marginal = value[before | (1 << player)] - value[before]
        shapley[player] = (weight[size[before]] * marginal).sum() / factorial(count)
    return shapley


def _sampled(market: _Market, orders: Codes) -> Floats:
    """Returns mean marginal values over orders of players, one order per row."""
    (runs, count), venues = orders.shape, len(market.given.venues)
    members = np.zeros((runs, count + 1, venues), bool)
    for place in range(count):
        members[:, place + 1] = members[:, place]
        members[np.arange(runs), place + 1, orders[:, place]] = True
    distinct, where = np.unique(members.reshape(-1, venues), axis=0, return_inverse=True)
    value = market.liquidated(distinct).sum(axis=1)[where].reshape(runs, count + 1)
    marginal = np.diff(value, axis=1)
    sums = np.bincount(orders.ravel(), marginal.ravel(), minlength=venues)
    mean: Floats = sums / runs
    return mean
