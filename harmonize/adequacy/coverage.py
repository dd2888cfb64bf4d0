"""How far a margin rate covered past moves: breaches, uncovered amounts, and the candles of the worst.

The moves of a series are sorted once. Each margin rate is then answered by a binary search.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.backtests import rule_of_three
from harmonize.adequacy.horizons import Side
from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries, SeriesId, utc_time
from harmonize.text.messages import counted

WORST = 5
"""Number of the worst breaches that a coverage names."""

Rows = NDArray[np.int64]


class Price(StrEnum):
    """Price of a candle at which a move ends."""

    CLOSE = "close"
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Adverse moves of one side over ``candles`` candles, in order of time, and sorted.

    A loss is a fraction of the close of the candle at ``starts``, a row of ``series``. ``price`` is
    where it ends: at the close of the last candle, or at the lowest low or highest high on the way.
    ``order`` leads to the losses in rising order, which are ``ascending``.
    """

    series: PriceSeries
    side: Side
    candles: int
    price: Price
    starts: Rows
    losses: Floats
    order: Rows
    ascending: Floats

    @classmethod
    def of(  # noqa: PLR0913 - the parts of a move
        cls,
        series: PriceSeries,
        side: Side,
        candles: int,
        *,
        price: Price,
        starts: Rows,
        losses: Floats,
    ) -> "Moves":
        """Returns moves with their order. Arrays become read-only."""
        order = np.argsort(losses, kind="stable")
        ascending = losses[order]
        for column in (starts, losses, order, ascending):
            column.setflags(write=False)
        return cls(series, side, candles, price, starts, losses, order, ascending)

    @property
    def seconds(self) -> int:
        """Length of a move."""
        return self.candles * self.series.id.interval

    def breaches(self, rate: float) -> int:
        """Returns the number of moves above a margin rate."""
        return self.ascending.size - int(np.searchsorted(self.ascending, rate, side="right"))


@dataclass(frozen=True, slots=True)
class Breach:
    """One move above the margin, to be checked by hand against two candles.

    ``start`` and ``end`` are the openings of the two candles, in UTC, and ``sources`` the files of
    ``series``. The move goes from the close of the first to ``price`` of the second. ``uncovered`` is
    the loss above ``margin_rate``, both as fractions of the position. ``disputed``: another source
    contradicts the close of one of the candles.
    """

    series: SeriesId
    sources: tuple[str, ...]
    side: Side
    start: datetime
    start_close: float
    end: datetime
    end_price: float
    price: Price
    loss: float
    margin_rate: float
    uncovered: float
    disputed: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """Breaches of a margin rate by past moves of one side.

    These are the items of CPMI-IOSCO disclosure 6.5 and of ISO 20022 auth.066. Uncovered amounts are
    fractions of the position, over breaches; None without a breach. ``rate_at_most`` is then the
    highest rate of breaches that the moves still permit at 95 %, from as many as do not overlap.
    ``separate`` is the number of moves that do not overlap one another. ``first`` and ``last`` are the
    openings of the first and last candle used.
    """

    series: SeriesId
    side: Side
    seconds: int
    margin_rate: float
    observations: int
    breaches: int
    largest_uncovered: float | None
    average_uncovered: float | None
    rate_at_most: float | None
    worst: tuple[Breach, ...]
    first: datetime
    last: datetime
    separate: int

    @property
    def achieved(self) -> float:
        """Share of moves that the margin covered."""
        return 1 - self.breaches / self.observations

    @property
    def breach_rate(self) -> float:
        """Share of moves above the margin."""
        return self.breaches / self.observations

    def uncovered_usd(self, notional: float) -> tuple[float, float] | None:
        """Returns the largest and average uncovered amount of a position, in USD; None: no breach."""
        if self.largest_uncovered is None or self.average_uncovered is None:
            return None
        return self.largest_uncovered * notional, self.average_uncovered * notional


def checked_rate(rate: float) -> float:
    """Returns a margin rate. Raises ValueError: not above 0 and at most 1, as a percentage may be."""
    if not 0 < rate <= 1:
        message = f"margin rate: expected above 0 and at most 1, found {rate:g}; use 0.05 for 5 %"
        raise ValueError(message)
    return rate


def coverage(moves: Moves, rate: float, least: int) -> Coverage | Unknown:
    """Returns the coverage of moves by a margin rate.

    Unknown: fewer than ``least`` moves. Raises ValueError: see ``checked_rate``.
    """
    if moves.ascending.size < least:
        return too_few(moves.ascending.size, least)
    count = moves.breaches(checked_rate(rate))
    return summarised(moves, rate, moves.order[moves.order.size - count :], moves.starts)


def summarised(
    moves: Moves, rate: float, breaching: Rows, observed_starts: Rows, separate: int | None = None
) -> Coverage:
    """Returns the coverage of the moves that begin at some rows, of which some breach the rate.

    ``breaching`` are the breaching moves, smallest loss first, as indices of ``moves.losses``. ``separate``
    of the moves do not overlap; if None, the moves follow one another candle by candle.
    """
    losses = moves.losses[breaching]
    count, total = losses.size, observed_starts.size
    apart = max(1, total // moves.candles) if separate is None else separate
    return Coverage(
        series=moves.series.id,
        side=moves.side,
        seconds=moves.seconds,
        margin_rate=rate,
        observations=total,
        breaches=count,
        largest_uncovered=float(losses[-1]) - rate if count else None,
        average_uncovered=float(np.mean(losses)) - rate if count else None,
        rate_at_most=None if count else rule_of_three(apart),
        worst=tuple(breach_of(moves, rate, index) for index in largest_apart(moves, breaching)),
        first=utc_time(moves.series.times[observed_starts.min()]),
        last=utc_time(moves.series.times[observed_starts.max() + moves.candles]),
        separate=apart,
    )


def too_few(observations: int, least: int) -> Unknown:
    """Returns the reason why so many observations give no number."""
    return Unknown(f"{counted(observations, 'observation')}, {least:,} are required")


def largest_apart(moves: Moves, breaching: Rows) -> list[int]:
    """Returns the last of some breaching moves, last first, that share no candle with one another.

    The breaches are in rising order of what counts, and indices of ``moves.losses``.
    """
    # A breach overlaps at most 2 * candles - 1 others, so that these suffice.
    remaining = breaching[-2 * moves.candles * WORST :]
    largest: list[int] = []
    while remaining.size and len(largest) < WORST:
        index = int(remaining[-1])
        largest.append(index)
        distance = np.abs(moves.starts[remaining] - moves.starts[index])
        remaining = remaining[distance >= moves.candles]
    return largest


def breach_of(moves: Moves, rate: float, index: int) -> Breach:
    """Returns the breach of a margin rate by one move, an index of ``moves.losses``."""
    series, start = moves.series, int(moves.starts[index])
    end = _end_row(moves, start)
    column = {Price.CLOSE: series.close, Price.LOW: series.low, Price.HIGH: series.high}[
        moves.price
    ]
    if column is None:
        message = f"{series.id}: expected a column of {moves.price} prices; use closes"
        raise ValueError(message)
    loss = float(moves.losses[index])
    return Breach(
        series=series.id,
        sources=series.sources,
        side=moves.side,
        start=utc_time(series.times[start]),
        start_close=float(series.close[start]),
        end=utc_time(series.times[end]),
        end_price=float(column[end]),
        price=moves.price,
        loss=loss,
        margin_rate=rate,
        uncovered=loss - rate,
        disputed=series.disputed is not None and bool(series.disputed[[start, end]].any()),
    )


def _end_row(moves: Moves, start: int) -> int:
    """Returns the row at whose price a move ends: the last one, or the extreme on the way."""
    window = slice(start + 1, start + 1 + moves.candles)
    if moves.price is Price.LOW and moves.series.low is not None:
        return start + 1 + int(np.argmin(moves.series.low[window]))
    if moves.price is Price.HIGH and moves.series.high is not None:
        return start + 1 + int(np.argmax(moves.series.high[window]))
    return start + moves.candles
