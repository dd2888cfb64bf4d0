"""Cross margin: positions that share an account are liquidated together, over several underlyings.

An account is at one venue: no venue takes margin that lies at another.

With relative prices p, an account's health is its equity minus MM and fee. It is linear in p:
``Σ (M − s·N − fixed) + Σ (s − m − f)·N·p`` over its linear contracts, with s = 1 for a long, and MM =
``fixed + m·N·p`` on the tier of the first mark. An inverse contract adds ``(M + s·N)·p − s·N − MM``:
its margin is in coins, and its MM in dollars does not move. A later step thus needs one sparse
product, and only for accounts whose health the path can have exhausted since their last look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import Impact, require_known
from harmonize.stress.paths import check_release_steps
from harmonize.stress.positions import NO_ACCOUNT, Codes, Flags, Floats, Positions
from harmonize.stress.thresholds import TIE, check_moves
from harmonize.stress.tiers import VenueMargins

_DENSE = 0.25
"""Share of accounts above which all of them are looked at: selecting rows then costs more."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts with their positions; health is ``constant + weights @ prices``, in USD.

    ``account`` is the index of each row's account. ``equity`` and ``price_weight`` give the equity of
    a row: ``equity + price_weight·p``. ``weights`` is a sparse matrix: accounts by underlyings.
    ``immediate`` accounts have no health left at the first mark.
    """

    underlyings: tuple[str, ...]
    account: Codes
    underlying: Codes
    side: Floats
    notional: Floats
    equity: Floats
    price_weight: Floats
    constant: Floats
    weights: Any
    immediate: Flags


@dataclass(frozen=True, slots=True)
class AccountsResult:
    """Outcome by step, underlying and account.

    - ``prices``: relative prices, one row per step and one column per underlying.
    - ``step``: step at which each account is liquidated; −1 if it is not.
    - ``liquidated``: liquidated notional by underlying, in USD: longs, then shorts.
    - ``beyond_margin``: loss beyond the margin of each account, in USD, at mean execution prices.
    - ``looks``: number of accounts whose health was calculated, over all steps.
    """

    prices: Floats
    step: Codes
    liquidated: Floats
    beyond_margin: Floats
    looks: int


def build_accounts(
    positions: Positions, margins: Mapping[tuple[str, str], VenueMargins]
) -> Accounts:
    """Returns accounts; ``margins`` are those by venue and underlying.

    A position without an account forms its own. Raises StressInputError: a position without margins.
    """
    account = account_codes(positions)
    total = positions.total
    fixed, rate, inverse = _requirements(positions, margins)
    own_margin = positions.margin * positions.count
    signed = positions.side * total
    equity = np.where(inverse, 0.0, own_margin) - signed
    price_weight = signed + np.where(inverse, own_margin, 0.0)
    constant_mm = np.where(inverse, fixed + rate * total, fixed)
    weight = price_weight - np.where(inverse, 0.0, rate * total)
    size = int(account.max()) + 1
    constant = np.bincount(account, equity - constant_mm, minlength=size).astype(float)
    weights = _sparse(account, positions.underlying, weight, (size, len(positions.underlyings)))
    health = constant + np.asarray(weights.sum(axis=1)).ravel()
    return Accounts(
        positions.underlyings,
        account,
        positions.underlying,
        positions.side,
        total,
        equity,
        price_weight,
        constant,
        weights,
        health <= 0.0,
    )


def run_accounts(
    accounts: Accounts,
    impacts: Sequence[Impact],
    paths: Mapping[str, Sequence[float]],
    release_steps: int = 1,
) -> AccountsResult:
    """Returns what exogenous falls liquidate; ``impacts`` are those by underlying, in order.

    After the last step, its falls are held until everything is sold. Raises StressInputError: a path
    outside [0, 1), paths of unequal length, an underlying without a path, or too large a sale.
    """
    exogenous = _joint_path(accounts.underlyings, paths)
    state = _Run(accounts, impacts, release_steps)
    for falls in exogenous:
        state.advance(falls)
    while state.due:
        state.advance(exogenous[-1])
    return state.result()


def account_codes(positions: Positions) -> Codes:
    """Returns the account of each row as consecutive numbers, one per account and venue.

    Positions without an account follow one by one.
    """
    alone = positions.account == NO_ACCOUNT
    key = positions.account[~alone] * len(positions.venues) + positions.venue[~alone]
    _, codes = np.unique(key, return_inverse=True)
    account = np.empty(len(positions), np.intp)
    account[~alone] = codes
    account[alone] = np.arange(int(alone.sum())) + (int(codes.max()) + 1 if codes.size else 0)
    return account


def _requirements(
    positions: Positions, margins: Mapping[tuple[str, str], VenueMargins]
) -> tuple[Floats, Floats, Flags]:
    """Returns MM and fee of each row as ``fixed + rate·N·p``, and whether its contract is inverse.

    A tier with a power of N is replaced by its tangent at the first mark.
    """
    fixed, rate = np.zeros(len(positions)), np.zeros(len(positions))
    inverse = np.zeros(len(positions), bool)
    key = positions.venue * len(positions.underlyings) + positions.underlying
    for code in np.unique(key).tolist():
        venue, asset = divmod(code, len(positions.underlyings))
        names = (positions.venues[venue], positions.underlyings[asset])
        if names not in margins:
            message = f"{names[0]} {names[1]}: margins are not observed; remove its positions"
            raise StressInputError(message)
        terms, rows = margins[names], np.flatnonzero(key == code)
        notional = positions.notional[rows]
        tiers = terms.maintenance
        piece = tiers.piece(notional)
        power = tiers.power[piece]
        slope = tiers.rate[piece] + tiers.coefficient[piece] * power * notional ** (power - 1.0)
        fixed[rows] = (tiers.margin(notional) - slope * notional) * positions.count[rows]
        rate[rows] = slope + terms.fee
        inverse[rows] = terms.is_inverse
    return fixed, rate, inverse


def _sparse(rows: Codes, columns: Codes, amounts: Floats, shape: tuple[int, int]) -> Any:  # noqa: ANN401 - scipy has no types here
    from scipy import sparse  # noqa: PLC0415 - heavy

    return sparse.csr_array((amounts, (rows, columns)), shape=shape)


def _joint_path(underlyings: Sequence[str], paths: Mapping[str, Sequence[float]]) -> Floats:
    """Returns falls by step and underlying."""
    missing = [name for name in underlyings if name not in paths]
    if missing:
        message = f"path: missing for {', '.join(missing)}; add its falls by step"
        raise StressInputError(message)
    columns = [check_moves(f"path of {name}", paths[name]) for name in underlyings]
    lengths = sorted({column.size for column in columns})
    if len(lengths) > 1:
        message = f"path: expected one length for every underlying, found {lengths}; cut them alike"
        raise StressInputError(message)
    return np.stack(columns, axis=1)


class _Run:
    """Prices, sales and the next look at each account while the paths run."""

    def __init__(self, accounts: Accounts, impacts: Sequence[Impact], release_steps: int) -> None:
        check_release_steps(release_steps)
        self.accounts, self.impacts, self.release = accounts, impacts, release_steps
        count = accounts.constant.size
        self.sensitivity = np.asarray(abs(accounts.weights).sum(axis=1)).ravel()
        self.next_look, self.length = np.zeros(count), 0.0
        self.step_of = np.full(count, -1, np.intp)
        self.order = np.argsort(accounts.account, kind="stable")
        self.ends = np.searchsorted(accounts.account[self.order], np.arange(count + 1))
        self.prices: list[Floats] = []
        self.sold = np.zeros(len(accounts.underlyings))
        self.due: dict[int, Floats] = {}
        self.looks = 0

    def advance(self, falls: Floats) -> None:
        """Sells what is due, moves the prices, and liquidates accounts without health."""
        number = len(self.prices)
        self.sold = self.sold + self.due.pop(number, 0.0)
        prices = np.maximum(1.0 - falls - self._moves(), 0.0)
        if self.prices:
            self.length += float(np.abs(prices - self.prices[-1]).max())
        self.prices.append(prices)
        self._liquidate(number, self._exhausted(prices))

    def _moves(self) -> Floats:
        """Returns the impact by underlying: sales of longs press, purchases of shorts lift."""
        moves = np.zeros(self.sold.size)
        for code in np.flatnonzero(self.sold).tolist():
            volume = np.abs(self.sold[code : code + 1])
            move = self.impacts[code].move(volume)
            require_known(volume, move)
            moves[code] = np.sign(self.sold[code]) * move[0]
        return moves

    def _exhausted(self, prices: Floats) -> Codes:
        """Returns the accounts without health, and sets when the others must be looked at again."""
        looked = np.flatnonzero(self.next_look <= self.length + TIE)
        if not looked.size:
            return looked
        weights = self.accounts.weights
        if looked.size > _DENSE * self.next_look.size:
            health = (self.accounts.constant + weights @ prices)[looked]
        else:
            health = self.accounts.constant[looked] + weights[looked] @ prices
        self.looks += looked.size
        with np.errstate(divide="ignore", invalid="ignore"):
            self.next_look[looked] = self.length + health / self.sensitivity[looked]
        exhausted: Codes = looked[health <= TIE * self.sensitivity[looked]]
        self.next_look[exhausted] = np.inf
        return exhausted

    def _liquidate(self, number: int, exhausted: Codes) -> None:
        if not exhausted.size:
            return
        self.step_of[exhausted] = number
        rows = self._rows_of(exhausted)
        accounts = self.accounts
        flow = np.bincount(
            accounts.underlying[rows],
            accounts.side[rows] * accounts.notional[rows],
            minlength=len(accounts.underlyings),
        )
        for later in range(number + 1, number + 1 + self.release):
            self.due[later] = self.due.get(later, 0.0) + flow / self.release

    def _rows_of(self, selected: Codes) -> Codes:
        """Returns the rows of some accounts."""
        sizes = self.ends[selected + 1] - self.ends[selected]
        offsets = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows: Codes = self.order[np.repeat(self.ends[selected], sizes) + offsets]
        return rows

    def result(self) -> AccountsResult:
        """Returns the outcome after the last step."""
        accounts, prices = self.accounts, np.array(self.prices)
        closed = self.step_of >= 0
        rows = np.flatnonzero(closed[accounts.account])
        sums = np.vstack([np.zeros(prices.shape[1]), np.cumsum(prices, axis=0)])
        begin, asset = self.step_of[accounts.account[rows]] + 1, accounts.underlying[rows]
        execution = (sums[begin + self.release, asset] - sums[begin, asset]) / self.release
        left = accounts.equity[rows] + accounts.price_weight[rows] * execution
        final = np.bincount(accounts.account[rows], left, minlength=closed.size)
        liquidated = np.zeros((len(accounts.underlyings), 2))
        is_short = (accounts.side[rows] < 0.0).astype(np.intp)
        np.add.at(liquidated, (asset, is_short), accounts.notional[rows])
        return AccountsResult(prices, self.step_of, liquidated, np.maximum(-final, 0.0), self.looks)
