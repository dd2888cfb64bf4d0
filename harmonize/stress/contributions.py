"""Contribution of each venue to what a shock liquidates: leave-one-out and Shapley values.

The value of a set of venues is the notional liquidated in a market of these venues alone, with the
same impact. A Shapley value is a venue's mean marginal value over all orders in which venues join.
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


def contributions(
    given: Thresholds,
    impact: Impact,
    shock: float,
    *,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> Contributions:
    """Returns the contribution of each venue to what a shock liquidates.

    Up to ``EXACT_VENUES`` venues with positions, Shapley values are exact. Otherwise they are means
    over seeded permutations. Raises StressInputError: a shock outside [0, 1), no permutation, or more is
    sold than the impact covers.
    """
    (start,) = check_moves("shock", [shock]).tolist()
    if permutations < 1:
        message = f"permutations: expected a number from 1, found {permutations}"
        raise StressInputError(message)
    players = np.flatnonzero(given.open_interest > 0.0)
    everyone = np.isin(np.arange(len(given.venues)), players)
    all_but_one = np.array([everyone & (np.arange(everyone.size) != venue) for venue in players])
    liquidated, without = (
        _liquidated(given, impact, start, members)
        for members in (everyone[None, :], all_but_one.reshape(-1, everyone.size))
    )
    is_exact = players.size <= EXACT_VENUES
    shapley = np.zeros(everyone.size)
    if is_exact:
        shapley[players] = _exact(given, impact, start, players)
    else:
        rng = np.random.default_rng(seed)
        orders = np.stack([rng.permutation(players) for _ in range(permutations)])
        shapley = _sampled(given, impact, start, orders)
    left_out = np.zeros(everyone.size)
    left_out[players] = liquidated.sum() - without.sum(axis=1)
    return Contributions(
        given.venues, start, given.open_interest, liquidated[0], left_out, shapley, is_exact
    )


def _liquidated(given: Thresholds, impact: Impact, shock: float, members: Flags) -> Floats:
    """Returns the notional liquidated by set (one row) and venue, in USD.

    Each pass liquidates what the last move reaches. Moves only grow, and end at the least solution.
    """
    result = np.zeros(members.shape)
    sets, moves = np.arange(len(members)), np.full(len(members), shock)
    while sets.size:
        reached = np.where(members[sets], _notional_at(given, moves), 0.0)
        grown = (reached != result[sets]).any(axis=1)
        result[sets] = reached
        sets, volume = sets[grown], reached[grown].sum(axis=1)
        change = impact.move(volume)
        require_known(volume, change)
        moves = shock + change
    return result


def _notional_at(given: Thresholds, moves: Floats) -> Floats:
    return given.liquidated_by_venue(np.minimum(moves, given.direction.largest_move + TIE))


def _exact(given: Thresholds, impact: Impact, shock: float, players: Codes) -> Floats:
    """Returns Shapley values from the values of all sets of players."""
    count = players.size
    codes = np.arange(1 << count)
    joined = (codes[:, None] >> np.arange(count)) & 1 == 1
    members = np.zeros((codes.size, len(given.venues)), bool)
    members[:, players] = joined
    value = _liquidated(given, impact, shock, members).sum(axis=1)
    size = joined.sum(axis=1)
    weight = np.array([factorial(s) * factorial(count - s - 1) for s in range(count)], float)
    shapley = np.zeros(count)
    for player in range(count):
        before = codes[~joined[:, player]]
        marginal = value[before | (1 << player)] - value[before]
        shapley[player] = (weight[size[before]] * marginal).sum() / factorial(count)
    return shapley


def _sampled(given: Thresholds, impact: Impact, shock: float, orders: Codes) -> Floats:
    """Returns mean marginal values over orders of players, one order per row."""
    runs, count = orders.shape
    members = np.zeros((runs, count + 1, len(given.venues)), bool)
    for place in range(count):
        members[:, place + 1] = members[:, place]
        members[np.arange(runs), place + 1, orders[:, place]] = True
    distinct, where = np.unique(members.reshape(-1, members.shape[2]), axis=0, return_inverse=True)
    value = _liquidated(given, impact, shock, distinct).sum(axis=1)[where].reshape(runs, count + 1)
    marginal = np.diff(value, axis=1)
    sums = np.bincount(orders.ravel(), marginal.ravel(), minlength=len(given.venues))
    mean: Floats = sums / runs
    return mean
