"""Paths: a fall by step, liquidations that are sold over time, and prices that differ by venue.

At each step, the flow that is due is sold first. It moves the pooled price by the impact of
everything sold so far, and the selling venue's price by its excess: the part of the step's impact
that its share of the flow exceeds its share of liquidity. That gap closes over a number of steps.
Then every position is liquidated whose fall the worst price of its venue has reached. Its sale is
spread evenly over the release time, from the next step on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from harmonize.stress.defaults import MOST_RELEASE_STEPS
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import Impact, require_known
from harmonize.stress.positions import Flags, Floats
from harmonize.stress.slices import SoldRows, pooled
from harmonize.stress.thresholds import TIE, Thresholds, check_moves


@dataclass(frozen=True, slots=True)
class PathTerms:
    """How liquidations are sold along a path.

    - ``release_steps``: steps over which a liquidation is sold.
    - ``closing_steps``: steps over which a gap between a venue's price and the pooled one closes. At
      1, venues have one price.
    - ``liquidity``: weight per venue of its own liquidity; None takes its open interest.
    - ``hold``: after the last step, its fall is held until everything triggered is sold. Without
      it, the path ends and the rest is unsold.
    """

    release_steps: int = 1
    closing_steps: float = 1.0
    liquidity: tuple[float, ...] | None = None
    hold: bool = True

    def __post_init__(self) -> None:
        """Raises StressInputError: a number of steps below 1, or too many."""
        check_release_steps(self.release_steps)
        if not 1.0 <= self.closing_steps < np.inf:
            message = f"closing steps: expected a number from 1, found {self.closing_steps}"
            raise StressInputError(message)


def check_release_steps(steps: int) -> None:
    """Raises StressInputError: the steps over which a liquidation is sold are below 1, or too many."""
    if not 1 <= steps <= MOST_RELEASE_STEPS:
        bound = f"from 1 to {MOST_RELEASE_STEPS:,}" if steps > 1 else "from 1"
        message = f"release steps: expected a number {bound}, found {steps}"
        raise StressInputError(message)


DEFAULT_TERMS = PathTerms()


@dataclass(frozen=True, slots=True)
class PathResult:
    """Outcome by step, and by venue.

    - ``move``: pooled price by step, as adverse move. ``move_by_venue``: one column per venue.
    - ``triggered``: notional liquidated by step and venue, in USD.
    - ``sold``: notional sold by step, in USD.
    - ``liquidated``, ``unsold``: notional by venue, in USD.
    - ``loss``: loss by venue of what was liquidated, in USD, at the mean execution price. It is paid
      ``from_margin``; the rest is ``beyond_margin``. ``left`` is the margin that liquidations leave.
    - ``execution``: mean execution move by row of the thresholds; NaN if the row was not sold.
    - ``share``: share of each row that was sold. ``beyond_by_row``: loss beyond margin by row, in USD.
    """

    venues: tuple[str, ...]
    move: Floats
    move_by_venue: Floats
    triggered: Floats
    sold: Floats
    liquidated: Floats
    unsold: Floats
    loss: Floats
    from_margin: Floats
    beyond_margin: Floats
    left: Floats
    execution: Floats
    share: Floats
    beyond_by_row: Floats


def run_path(
    given: Thresholds,
    impact: Impact,
    path: Iterable[float] | Floats,
    terms: PathTerms = DEFAULT_TERMS,
) -> PathResult:
    """Returns what a path of exogenous moves liquidates.

    ``path`` is the move since the first mark by step, without the liquidations of the path itself.
    Raises StressInputError: a move outside [0, 1), weights of liquidity that are not one number above
    0 per venue with positions, or more is sold than the impact covers.
    """
    exogenous = check_moves("path", path)
    state = _State(given, impact, _weights(given, terms), terms)
    for move in exogenous.tolist():
        state.step(move)
    while terms.hold and state.is_pending:
        state.step(float(exogenous[-1]))
    return _result(given, state)


class _Cohort(NamedTuple):
    """Rows of one venue that one step liquidates."""

    step: int
    venue: int
    rows: slice
    notional: float


@dataclass(slots=True)
class _State:
    """Prices, flows and pointers while a path runs; one entry per venue."""

    given: Thresholds
    impact: Impact
    weights: list[float]
    terms: PathTerms
    moves: list[float] = field(default_factory=list)
    moves_by_venue: list[list[float]] = field(default_factory=list)
    sales: list[float] = field(default_factory=list)
    due: dict[int, list[float]] = field(default_factory=dict)
    cohorts: list[_Cohort] = field(default_factory=list)
    sold: float = 0.0
    pushed: float = 0.0
    falls: list[Floats] = field(init=False)
    passed: list[int] = field(init=False)
    next_fall: list[float] = field(init=False)
    gap: list[float] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.given.venues)
        self.passed, self.gap = [0] * count, [0.0] * count
        self.falls = [self.given.fall[rows] for rows in self.given.rows]
        self.next_fall = [float(fall[0]) if fall.size else np.inf for fall in self.falls]

    @property
    def is_pending(self) -> bool:
        """True if some flow is still to be sold."""
        return bool(self.due)

    def step(self, exogenous: float) -> None:
        """Sells what is due, moves the prices, and triggers liquidations."""
        number = len(self.moves)
        flow = self.due.pop(number, None)
        if flow is not None:
            self._sell(flow)
        self.sales.append(sum(flow) if flow else 0.0)
        pooled = min(exogenous + self.pushed, self.given.direction.largest_move)
        if self.terms.closing_steps > 1.0:
            closed = 1.0 - 1.0 / self.terms.closing_steps
            own = [min(pooled + gap, self.given.direction.largest_move) for gap in self.gap]
            self.gap = [gap * closed for gap in self.gap]
        else:
            own = [pooled] * len(self.given.venues)
        self.moves.append(pooled)
        self.moves_by_venue.append(own)
        for code, move in enumerate(own):
            self._trigger(number, code, move + TIE)

    def _sell(self, flow: list[float]) -> None:
        """Adds the impact of a step's flow to the pooled price, and each venue's excess to its gap."""
        total = sum(flow)
        self.sold += total
        volume = np.array(self.sold)
        pushed = self.impact.move(volume)
        require_known(np.atleast_1d(volume), np.atleast_1d(pushed))
        change, self.pushed = float(pushed) - self.pushed, float(pushed)
        if self.terms.closing_steps > 1.0:
            closed = 1.0 - 1.0 / self.terms.closing_steps
            for code, (amount, weight) in enumerate(zip(flow, self.weights, strict=True)):
                if weight:
                    self.gap[code] += closed * change * (amount / total / weight - 1.0)

    def _trigger(self, number: int, code: int, reached: float) -> None:
        """Liquidates the rows of a venue up to a move, and schedules their sale."""
        if self.next_fall[code] > reached:
            return
        fall, first = self.falls[code], self.passed[code]
        last = first + int(fall[first:].searchsorted(reached, side="right"))
        self.passed[code] = last
        self.next_fall[code] = float(fall[last]) if last < fall.size else np.inf
        cumulative = self.given.cumulative[code]
        notional = float(cumulative[last] - cumulative[first])
        begin = self.given.start[code]
        self.cohorts.append(_Cohort(number, code, slice(begin + first, begin + last), notional))
        for later in range(number + 1, number + 1 + self.terms.release_steps):
            due = self.due.setdefault(later, [0.0] * len(self.given.venues))
            due[code] += notional / self.terms.release_steps


def _weights(given: Thresholds, terms: PathTerms) -> list[float]:
    """Returns each venue's share of liquidity."""
    own = given.open_interest
    weights = own if terms.liquidity is None else np.array(terms.liquidity, float)
    if (
        weights.shape != own.shape
        or not (np.isfinite(weights) & ((weights > 0.0) | (own == 0.0))).all()
    ):
        message = (
            f"liquidity: expected a number above 0 for each of {len(own)} venues,"
            f" found {terms.liquidity}; use None to weigh by open interest"
        )
        raise StressInputError(message)
    total = float(weights.sum())
    return [float(weight) / total if total else 0.0 for weight in weights]


def _result(given: Thresholds, state: _State) -> PathResult:
    prices = np.array(state.moves_by_venue)
    triggered, unsold = np.zeros_like(prices), np.zeros(prices.shape[1])
    for cohort in state.cohorts:
        triggered[cohort.step, cohort.venue] = cohort.notional
    for flow in state.due.values():
        unsold += flow
    execution, share = _execution(state, prices)
    exposure = given.exposure * share
    loss = exposure * execution
    excess = execution - given.bankrupt
    beyond = exposure * np.where(
        excess > TIE, excess, 0.0
    )  # a mean of equal moves is off by a digit
    left = np.maximum(given.margin * share - loss, 0.0)
    if given.slices > 1:
        beyond, left = pooled(SoldRows(given, _triggered(state), share, loss, beyond))
    by_venue = {
        name: given.sum_by_venue(amount)
        for name, amount in (("loss", loss), ("beyond_margin", beyond), ("left", left))
    }
    return PathResult(
        venues=given.venues,
        move=np.array(state.moves),
        move_by_venue=prices,
        triggered=triggered,
        sold=np.array(state.sales),
        liquidated=triggered.sum(axis=0),
        unsold=unsold,
        from_margin=by_venue["loss"] - by_venue["beyond_margin"],
        execution=np.where(share > 0.0, execution, np.nan),
        share=share,
        beyond_by_row=beyond,
        **by_venue,
    )


def _triggered(state: _State) -> Flags:
    """Returns which rows were liquidated."""
    flags = np.zeros(state.given.fall.size, bool)
    for cohort in state.cohorts:
        flags[cohort.rows] = True
    return flags


def _execution(state: _State, prices: Floats) -> tuple[Floats, Floats]:
    """Returns the mean execution move of each row, and the share of it that was sold."""
    sums = np.vstack([np.zeros(prices.shape[1]), np.cumsum(prices, axis=0)])
    execution, share = np.zeros_like(state.given.fall), np.zeros_like(state.given.fall)
    release = state.terms.release_steps
    for cohort in state.cohorts:
        begin = cohort.step + 1
        steps = min(len(prices) - begin, release)
        if steps:
            total = sums[begin + steps, cohort.venue] - sums[begin, cohort.venue]
            execution[cohort.rows] = total / steps
            share[cohort.rows] = steps / release
    return execution, share


def settle(
    beyond_margin: Sequence[float] | Floats, funds: Sequence[float]
) -> tuple[Floats, Floats]:
    """Returns what insurance funds pay of losses beyond margin, and the haircuts left, by venue.

    Raises StressInputError: there is not one fund from 0 per venue.
    """
    losses, amounts = np.array(beyond_margin, float), np.array(funds, float)
    if amounts.shape != losses.shape or not (amounts >= 0.0).all():
        message = (
            f"fund: expected a number from 0 per venue, found {list(funds)}; use 0 without a fund"
        )
        raise StressInputError(message)
    paid = np.minimum(losses, amounts)
    return paid, losses - paid


def to_deleverage(given: Thresholds, result: PathResult, haircuts: Floats) -> Floats:
    """Returns by venue the notional, in USD, that auto-deleveraging closes at the bankruptcy price.

    It is the part of the notional sold beyond bankruptcy, the same of every position of a venue, that
    saves the loss which no fund pays if it is closed at the bankruptcy price instead. What triggers
    auto-deleveraging is not identified by public data: this covers losses, and no more.
    """
    is_bankrupt = result.beyond_by_row > 0.0
    beyond = np.where(is_bankrupt, result.execution - given.bankrupt, 0.0)
    saved = given.sum_by_venue(given.exposure * result.share * beyond)
    notional = given.sum_by_venue(np.where(is_bankrupt, given.notional * result.share, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(saved > 0.0, haircuts / saved, 0.0)
    return notional * part


def deleverage(opposite: Thresholds, leverage: Floats, amount: Sequence[float] | Floats) -> Floats:
    """Returns the notional, in USD, that auto-deleveraging closes of each opposite row.

    The positions with the largest effective leverage are closed first: at one first mark, all have the
    same relative profit. Raises StressInputError: a venue has fewer opposite positions than that.
    """
    closed = np.zeros(opposite.notional.size)
    for code, wanted in enumerate(np.array(amount, float).tolist()):
        rows = opposite.rows[code]
        own = np.argsort(-leverage[rows], kind="stable") + rows.start
        before = np.cumsum(opposite.notional[own]) - opposite.notional[own]
        closed[own] = np.clip(wanted - before, 0.0, opposite.notional[own])
        total = float(opposite.notional[own].sum())
        if wanted > total * (1.0 + TIE):
            message = (
                f"{opposite.venues[code]}: ${wanted:,.0f} to deleverage exceed the opposite side's"
                f" ${total:,.0f}; state longs and shorts of equal notional"
            )
            raise StressInputError(message)
    return closed
