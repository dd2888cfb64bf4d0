"""Rows of the audit document on whether margins are enough, tested against past prices.

Rates and shares are fractions, times in seconds or ISO 8601 in UTC. A number of ``None`` is not
observable; the reason beside it states why.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class HoldingRow:
    """Time over which a margin rate covers the move at the level, on one side.

    ``margin`` is ``buffer`` (IM − MM), ``maintenance`` or ``initial``. ``bound`` is ``measured``,
    ``shorter`` (than ``seconds``) or ``longer``; ``shortest`` and ``longest``, each with its bound,
    follow from the interval of the moves. ``by_square_root`` is the time if moves grew with the square
    root of time from that over ``root_seconds``. ``observations`` is the smallest number of moves behind
    the time, ``series`` are their series.
    """

    margin: str
    rate: float | None
    bound: str
    seconds: float | None
    shortest_bound: str
    shortest: float | None
    longest_bound: str
    longest: float | None
    by_square_root: float | None
    root_seconds: float | None
    observations: int | None
    series: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BreachRow:
    """One move above the margin: from the close of a candle to a price of a later one.

    ``start`` and ``end`` are the openings of the two candles, ``price`` is ``close``, ``low`` or
    ``high``. ``loss`` and ``uncovered``, the loss above the margin, are fractions of the position.
    ``disputed``: another source contradicts the close of one of the candles.
    """

    start: str
    start_close: float
    end: str
    end_price: float
    price: str
    loss: float
    uncovered: float
    series: str
    sources: tuple[str, ...]
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class CoverageTest:
    """Breaches of a margin rate by past moves over ``seconds``.

    ``separate`` of the observations do not overlap one another. ``rate_at_most``, if there is no breach, is the highest rate of breaches that the moves permit at
    95 %. The items are those of CPMI-IOSCO quantitative disclosure 6.5. ``worst`` are the five worst
    breaches after liquidations, or in all windows if there are none; of every other test, the worst.
    """

    seconds: int
    margin_rate: float | None
    observations: int | None
    breaches: int | None
    largest_uncovered: float | None
    average_uncovered: float | None
    rate_at_most: float | None
    first: str
    last: str
    series: str
    worst: tuple[BreachRow, ...]
    reason: str = ""
    separate: int | None = None

    @property
    def breach_rate(self) -> float | None:
        """Share of moves above the margin; None if not observable."""
        if self.breaches is None or not self.observations:
            return None
        return self.breaches / self.observations


@dataclass(frozen=True, slots=True)
class ClearingRow:
    """Coverage by IM over ``days``, its tests, and the move at the level beside it.

    P-values are those of the worst phase, multiplied by the number of phases. ``zone`` is the worst
    traffic light. ``under`` and ``over`` are open interest times the missing or excess margin, in USD.
    ``after_breach`` and ``after_calm`` are the shares of breaches among the moves after a breach, or
    after none. ``open_interest_day`` is the day of the open interest, empty if it is unknown.
    """

    days: int
    test: CoverageTest
    zone: str
    kupiec: float | None
    christoffersen: float | None
    conditional: float | None
    shortfall: float | None
    move: float | None
    move_lower: float | None
    move_upper: float | None
    under: float | None
    over: float | None
    after_breach: float | None = None
    after_calm: float | None = None
    open_interest_day: str = ""


@dataclass(frozen=True, slots=True)
class AdequacyRow:
    """Verdict on one schedule, side and position size, in three answers that are never averaged.

    Holding times and clearing are measured by moves at the ``level``, such as 0.99.
    ``every_window`` counts the close-outs that MM did not cover, ``after_liquidation`` those after a
    candle that would have liquidated a position at full leverage. ``close_out_seconds`` is the time in
    which the position is closed at ``participation`` of ``volume`` (USD a day); without a volume, the
    windows are one candle and ``volume_reason`` states why. If closing takes longer than the windows,
    ``is_at_least`` is true: the shares beyond MM are lower bounds.
    """

    venue: str
    symbol: str
    profile: str
    underlying: str
    side: str
    notional: float
    level: float
    observed_at: str
    observed_from: str
    date_kind: str
    initial: float | None
    maintenance: float | None
    series: tuple[str, ...]
    price_reason: str
    holding: tuple[HoldingRow, ...]
    every_window: CoverageTest
    after_liquidation: CoverageTest
    close_out_seconds: float | None
    participation: float
    volume: float | None
    volume_day: str
    volume_reason: str
    clearing: tuple[ClearingRow, ...]
    clearing_reason: str
    reason: str = ""
    is_at_least: bool = False

    @property
    def has_windows(self) -> bool:
        """Whether the close-out was tested in windows of time."""
        return self.every_window.seconds > 0


@dataclass(frozen=True, slots=True)
class MoveRow:
    """Move at the level over one horizon on an underlying, for one side, with its interval.

    ``upper`` is None if the interval has no upper bound, ``move`` if there are too few observations.
    """

    underlying: str
    venues: tuple[str, ...]
    side: str
    seconds: int
    move: float | None
    lower: float | None
    upper: float | None
    observations: int | None
    series: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VolatilityRow:
    """Annualised realised volatility of the 30 days up to ``last``, and of the 30 days before.

    The daily candles of ``series`` speak for the contracts of ``venues`` on the underlying.
    """

    underlying: str
    venues: tuple[str, ...]
    series: str
    last: str
    recent: float
    previous: float


@dataclass(frozen=True, slots=True)
class UnjudgedRow:
    """Schedule without a verdict, and why; ``notional`` is None if no size has one."""

    underlying: str
    venue: str
    symbol: str
    notional: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class YearRow:
    """Breaches of the margin in force on the day, among moves that begin in one calendar year."""

    year: int
    observations: int
    breaches: int
    lowest_rate: float
    highest_rate: float
    largest_uncovered: float | None
    average_uncovered: float | None


@dataclass(frozen=True, slots=True)
class DatedBacktestRow:
    """Backtest of one schedule against its own dated tables, for one size and side.

    ``measure`` is ``initial over 1 day``, ``maintenance over one candle`` or ``maintenance after a
    liquidation``. ``not_observed`` counts the moves on days without a known table. A move takes
    ``seconds``, by the candles of ``series``.
    """

    venue: str
    symbol: str
    underlying: str
    side: str
    measure: str
    notional: float
    years: tuple[YearRow, ...]
    not_observed: int
    worst: tuple[BreachRow, ...]
    seconds: int = 0
    series: str = ""


@dataclass(frozen=True, slots=True)
class AdequacySection:
    """Tests of margins against past prices, worst first; empty if none were requested.

    ``level`` is that of the moves, such as 0.99. ``without_prices`` are underlyings with schedules but
    no archived prices.
    """

    level: float | None = None
    rows: tuple[AdequacyRow, ...] = ()
    moves: tuple[MoveRow, ...] = ()
    backtests: tuple[DatedBacktestRow, ...] = ()
    unjudged: tuple[UnjudgedRow, ...] = ()
    without_prices: tuple[str, ...] = ()
    volatilities: tuple[VolatilityRow, ...] = ()

    def only(self, keys: Collection[tuple[str, str, str]]) -> "AdequacySection":
        """Returns the section with the verdicts on schedules by venue, symbol and profile."""
        rows = (row for row in self.rows if (row.venue, row.symbol, row.profile) in keys)
        return replace(self, rows=tuple(rows))
