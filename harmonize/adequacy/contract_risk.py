"""The moves of one contract, prepared once: every margin on it is then answered by binary search."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from itertools import chain

import numpy as np

from harmonize.adequacy.coverage import Moves, Price, Rows
from harmonize.adequacy.horizons import (
    HORIZONS,
    GrowthExponent,
    HorizonMove,
    Side,
    check_contract,
    growth_exponents,
    losses_by_side,
    moves_by_horizon,
)
from harmonize.adequacy.tail import Floats, TailEstimate, least_observations
from harmonize.core.schedule import Unknown
from harmonize.market.aggregate import aggregate
from harmonize.market.card import SeriesCard, card_of
from harmonize.market.prices import PriceSeries
from harmonize.market.returns import contiguous_ends, simple_returns

LEVEL = 0.99

DAY = 86_400

CLEARING_DAYS = (1, 2, 5)
"""Horizons of clearing margin, in days."""

WINDOWS = (900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400, 172_800, 432_000)
"""Lengths of close-out that are measured, in seconds: 15 minutes to 5 days."""


LONGEST_CLOSE_OUT_CANDLE = 3_600
"""Longest candle, in seconds, that another venue's shorter ones do not replace in a close-out."""


@dataclass(frozen=True, eq=False)
class CloseOutMoves:
    """Excursions of one side over close-out windows of ``candles`` candles of a series.

    They are measured when they are first used, and kept: most positions need few of the windows.
    """

    series: PriceSeries
    side: Side
    candles: int

    @property
    def seconds(self) -> int:
        """Length of the window."""
        return self.candles * self.series.id.interval

    @cached_property
    def moves(self) -> Moves:
        """Excursions over the window."""
        return excursion_moves(self.series, self.side, self.candles)

    @property
    def prior_losses(self) -> Floats:
        """Losses over the candle that ends where a window begins, largest first."""
        return self._prior[0]

    @property
    def after(self) -> Rows:
        """Windows that follow the prior losses, as indices of ``moves.losses``.

        A window without a candle before its first close has no prior loss.
        """
        return self._prior[1]

    @cached_property
    def _prior(self) -> tuple[Floats, Rows]:
        returns = simple_returns(self.series)
        losses = losses_by_side(returns)[self.side]
        loss_at = np.full(self.series.times.size, np.nan)
        loss_at[np.searchsorted(self.series.times, returns.times)] = losses
        before = loss_at[self.moves.starts]
        (has_prior,) = (~np.isnan(before)).nonzero()
        after = has_prior[np.argsort(-before[has_prior], kind="stable")]
        return before[after], after


@dataclass(frozen=True, eq=False)
class ContractRisk:
    """Moves of one contract at ``level``, from candles that had closed by ``as_of``.

    ``series`` are candles of one contract, with daily ones made of shorter ones if none are daily;
    ``daily`` is None if there are none. ``close_out`` are excursions of the shortest candles; a reason,
    if highs and lows were not observed. Each measure is taken when it is first used, and kept: a
    contract speaks only for what those before it cannot measure.
    """

    as_of: datetime
    level: float
    series: tuple[PriceSeries, ...]
    daily: PriceSeries | None
    close_out: tuple[CloseOutMoves, ...] | Unknown

    @property
    def finest(self) -> PriceSeries:
        """Series with the shortest candles."""
        return min(self.series, key=lambda s: s.id.interval)

    @cached_property
    def cards(self) -> tuple[SeriesCard, ...]:
        """Cards of the series, shortest candles first."""
        return tuple(card_of(part) for part in sorted(self.series, key=lambda s: s.id.interval))

    @cached_property
    def moves_over(self) -> Callable[[int], tuple[HorizonMove, ...]]:
        """Function that returns the move of each side over a horizon in seconds."""
        return cache(lambda horizon: moves_by_horizon(self.series, self.level, (horizon,)))

    @property
    def horizons(self) -> tuple[HorizonMove, ...]:
        """Moves of each side over every horizon, shortest first."""
        return tuple(move for horizon in HORIZONS for move in self.moves_over(horizon))

    @cached_property
    def exponents(self) -> tuple[GrowthExponent, ...]:
        """Exponents of the moves against time, of the shortest candles alone."""
        return growth_exponents(self.finest, self.level)

    @cached_property
    def clearing(self) -> tuple[Moves, ...]:
        """Daily moves by days and side; none without daily candles."""
        daily = self.daily
        if daily is None:
            return ()
        return tuple(return_moves(daily, side, days) for days in CLEARING_DAYS for side in Side)


@dataclass(frozen=True, slots=True)
class PriceBasis:
    """Prices behind a verdict: the cards of their series, why each contract was chosen, the level."""

    cards: tuple[SeriesCard, ...]
    reasons: tuple[str, ...]
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class VenueRisk:
    """Measured moves that speak for the contracts of a venue on an underlying.

    Fields are those of ``ContractRisk``, each from the best contract that measures it. Further
    contracts with candles of an hour or less supply ``other_close_outs``, best first, for margins
    beyond which the first one has too few liquidations.
    """

    basis: PriceBasis
    horizons: tuple[HorizonMove, ...]
    exponents: tuple[GrowthExponent, ...]
    clearing: tuple[Moves, ...]
    close_out: tuple[CloseOutMoves, ...] | Unknown
    other_close_outs: tuple[tuple[CloseOutMoves, ...], ...] = ()

    def moves_of(self, side: Side) -> tuple[HorizonMove, ...]:
        """Returns the moves of one side, shortest horizon first."""
        return tuple(move for move in self.horizons if move.side is side)

    def clearing_of(self, side: Side) -> tuple[Moves, ...]:
        """Returns the daily moves of one side, shortest horizon first."""
        return tuple(moves for moves in self.clearing if moves.side is side)


def combine(
    risks: Sequence[tuple[ContractRisk, str]], ranks: Sequence[int] = ()
) -> VenueRisk | Unknown:
    """Returns the risk from prepared contracts, best first, each with the reason for its choice.

    Each horizon uses the first contract that has enough moves of it. Clearing uses, of the
    contracts with the lowest of ``ranks`` that have enough days, the one with the most.
    Excursions are those of the first contract with candles of an hour or less, otherwise of the first
    one with highs and lows: a position is not closed out over a whole day. Exponents are those of the
    shortest candles. Unknown: no contract.
    """
    if not risks:
        return Unknown("no prices; import or gather candles")
    contracts = [risk for risk, _ in risks]
    level = contracts[0].level
    finest = min(contracts, key=lambda risk: risk.finest.id.interval)
    close_outs = _close_outs([risk.close_out for risk in contracts])
    return VenueRisk(
        basis=PriceBasis(
            cards=tuple(card for risk in contracts for card in risk.cards),
            reasons=tuple(reason for _, reason in risks),
            level=level,
        ),
        horizons=tuple(
            _first_measured(risk.moves_over(horizon)[place] for risk in contracts)
            for horizon in HORIZONS
            for place, _ in enumerate(Side)
        ),
        exponents=finest.exponents,
        clearing=_first_testable(_clearing(contracts, ranks), level),
        close_out=close_outs[0] if close_outs else contracts[0].close_out,
        other_close_outs=close_outs[1:],
    )


def prepare(
    series: Sequence[PriceSeries],
    as_of: datetime,
    level: float = LEVEL,
    *,
    include_disputed: bool = True,
) -> ContractRisk | Unknown:
    """Returns the risk of the contract to which all series belong, as of a time with a time zone.

    Days are those of daily candles, made of the longest shorter ones if no series is daily. Without
    disputed candles, no move begins or ends at one. Unknown: no candle had closed. Raises ValueError: series of several contracts, or with prices that no
    market produces.
    """
    _check_prices(series)
    wanted = series if include_disputed else [part.undisputed() for part in series]
    known = [part for part in (s.known_at(as_of) for s in wanted) if part.times.size]
    if not known:
        return Unknown(f"no candle had closed by {as_of:%Y-%m-%d}")
    daily = _daily(known)
    used = known if daily is None or daily in known else [*known, daily]
    return ContractRisk(as_of, level, tuple(used), daily, close_out_moves(known))


def _check_prices(series: Sequence[PriceSeries]) -> None:
    """Raises ValueError: series of several contracts, or with closes that no market produces."""
    check_contract(series)
    for part in series:
        (bad,) = np.nonzero(~(np.isfinite(part.close) & (part.close > 0)))
        if bad.size:
            message = f"{part.id}: row {bad[0]}: expected a close above 0, found {part.close[bad[0]]:g}; correct or remove the row"
            raise ValueError(message)
        if part.close.size > 1 and part.close.min() == part.close.max():
            message = f"{part.id}: all {part.close.size} closes are {part.close[0]:g}; use a series of traded prices"
            raise ValueError(message)


def close_out_moves(series: Sequence[PriceSeries]) -> tuple[CloseOutMoves, ...] | Unknown:
    """Returns the excursions over each window, from the shortest candles with highs and lows.

    Unknown: no series has highs and lows that liquidate a position; those of spot trades do not.
    """
    usable = [s for s in series if s.high is not None and s.low is not None]
    if not usable:
        return Unknown(f"{series[0].id} has closes only, no highs and lows of a contract")
    finest = min(usable, key=lambda s: s.id.interval)
    interval = finest.id.interval
    return tuple(
        CloseOutMoves(finest, side, window // interval)
        for window in WINDOWS
        if window % interval == 0
        for side in Side
    )


def return_moves(series: PriceSeries, side: Side, candles: int) -> Moves:
    """Returns the moves from close to close of one side over some candles."""
    returns = simple_returns(series, candles)
    losses = losses_by_side(returns)[side]
    starts = np.searchsorted(series.times, returns.times) - candles
    return Moves.of(series, side, candles, price=Price.CLOSE, starts=starts, losses=losses)


def excursion_moves(series: PriceSeries, side: Side, candles: int) -> Moves:
    """Returns the farthest moves of one side within some candles, from the close before them.

    A window with a candle whose high or low was not observed has none. Raises ValueError: a series
    without highs and lows.
    """
    column = series.low if side is Side.LONG else series.high
    if column is None:
        message = f"{series.id}: expected highs and lows of a contract; use closes"
        raise ValueError(message)
    starts = contiguous_ends(series, candles) - candles
    extremes = _extremes(column, side, candles)[starts + 1]
    is_observed = ~np.isnan(extremes)
    starts, extremes = starts[is_observed], extremes[is_observed]
    ratio = extremes / series.close[starts]
    losses = 1 - ratio if side is Side.LONG else ratio - 1
    price = Price.LOW if side is Side.LONG else Price.HIGH
    return Moves.of(series, side, candles, price=price, starts=starts, losses=losses)


def _clearing(contracts: Sequence[ContractRisk], ranks: Sequence[int]) -> list[tuple[Moves, ...]]:
    """Returns the daily moves of contracts by rank, of equal ones that with the most days first."""
    ranked = zip(ranks or range(len(contracts)), contracts, strict=True)
    ordered = sorted(ranked, key=lambda pair: (pair[0], -_days(pair[1])))
    return [risk.clearing for _, risk in ordered if risk.daily is not None]


def _days(risk: ContractRisk) -> int:
    return 0 if risk.daily is None else risk.daily.times.size


def _first_measured(moves: Iterable[HorizonMove]) -> HorizonMove:
    """Returns the first of the moves over one horizon and side that has an estimate."""
    following = iter(moves)
    first = next(following)
    candidates = chain([first], following)
    return next((move for move in candidates if isinstance(move.estimate, TailEstimate)), first)


def _first_testable(choices: Sequence[tuple[Moves, ...]], level: float) -> tuple[Moves, ...]:
    """Returns the first moves of each horizon and side that are enough to test the level."""
    least = least_observations(level)
    return tuple(
        next((moves for moves in same if moves.losses.size >= least), same[0])
        for same in zip(*choices, strict=True)
    )


def _close_outs(
    results: Sequence[tuple[CloseOutMoves, ...] | Unknown],
) -> tuple[tuple[CloseOutMoves, ...], ...]:
    """Returns the windows of contracts with short candles, otherwise those of the first contract."""
    known = [windows for windows in results if not isinstance(windows, Unknown)]
    short = [w for w in known if w[0].series.id.interval <= LONGEST_CLOSE_OUT_CANDLE]
    return tuple(short or known[:1])


def _daily(known: Sequence[PriceSeries]) -> PriceSeries | None:
    """Returns the daily series, or one made of the longest candles that divide a day."""
    parts = [s for s in known if DAY % s.id.interval == 0]
    if not parts:
        return None
    longest = max(parts, key=lambda s: s.id.interval)
    return longest if longest.id.interval == DAY else aggregate(longest, DAY)


def _extremes(column: Floats, side: Side, candles: int) -> Floats:
    """Returns the extreme of the ``candles`` rows from each row on; NaN if one of them is NaN.

    Extremes of twice the length follow from two of half of it. The last rows, which have fewer
    successors, are NaN.
    """
    combine = np.minimum if side is Side.LONG else np.maximum
    result, length = column, 1
    while length < candles:
        step = min(length, candles - length)
        result = combine(result[:-step], result[step:]) if step < result.size else result[:0]
        length += step
    padding = np.full(column.size - result.size, np.nan)
    return np.concatenate([result, padding])
