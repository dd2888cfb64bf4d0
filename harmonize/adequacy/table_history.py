"""Backtest against dated margin tables: breaches of the table that was in force on the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.contract_risk import CloseOutMoves
from harmonize.adequacy.coverage import Breach, Moves, Rows, breach_of, checked_rate, largest_apart
from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.market.prices import microseconds

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TableStep:
    """Margin rates of one position size from a time on, as fractions of notional.

    The step ends where the next one begins, or at ``valid_until`` if that is earlier: the table of a
    longer pause between observations is not known. Times have a time zone.
    """

    valid_from: datetime
    initial: float | Unknown
    maintenance: float | Unknown
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class YearBreaches:
    """Breaches among the moves that begin in one calendar year (UTC).

    ``lowest_rate`` and ``highest_rate`` are those in force on these moves. Uncovered amounts are
    fractions of the position, over breaches; None without a breach.
    """

    year: int
    observations: int
    breaches: int
    lowest_rate: float
    highest_rate: float
    largest_uncovered: float | None
    average_uncovered: float | None

    @property
    def achieved(self) -> float:
        """Share of moves that the margin of the day covered."""
        return 1 - self.breaches / self.observations


@dataclass(frozen=True, slots=True)
class TableBacktest:
    """Breaches of the margin in force when each move began, for one position size and side.

    ``not_observed`` counts moves on days without a known rate: before the first table, after a table
    lapsed, or with an unknown rate. ``worst`` are the largest uncovered amounts.
    """

    notional: float
    years: tuple[YearBreaches, ...]
    not_observed: int
    worst: tuple[Breach, ...]

    @property
    def observations(self) -> int:
        """Number of moves on days with a known rate."""
        return sum(year.observations for year in self.years)

    @property
    def breaches(self) -> int:
        """Number of moves above the rate of the day."""
        return sum(year.breaches for year in self.years)


def backtest_initial(
    moves: Moves, steps_by_size: Mapping[float, Sequence[TableStep]]
) -> tuple[TableBacktest, ...]:
    """Returns the backtest of moves against IM of the day, per size in USD, smallest first.

    Raises ValueError: steps that are not in order of time or without time zone, or see
    ``checked_rate``.
    """
    return tuple(
        _backtest(size, moves, _rates(moves, steps)[0])
        for size, steps in sorted(steps_by_size.items())
    )


def backtest_maintenance(
    window: CloseOutMoves,
    steps_by_size: Mapping[float, Sequence[TableStep]],
    *,
    after_liquidation: bool,
) -> tuple[TableBacktest, ...]:
    """Returns the backtest of excursions against MM of the day, per size in USD, smallest first.

    With ``after_liquidation``, only windows count that follow a candle which closed beyond IM − MM of
    the day. Windows without that candle, or without IM, are not observed. Raises ValueError, as
    ``backtest_initial``.
    """
    moves, results = window.moves, []
    prior = np.full(moves.losses.size, np.nan)
    prior[window.after] = window.prior_losses
    for size, steps in sorted(steps_by_size.items()):
        initial, maintenance = _rates(moves, steps)
        if not after_liquidation:
            results.append(_backtest(size, moves, maintenance))
            continue
        distance = initial - maintenance
        is_observed = ~np.isnan(prior) & (distance > 0)
        rates = np.where(is_observed, maintenance, np.nan)
        is_liquidated = is_observed & (prior > np.where(is_observed, distance, 0.0))
        results.append(_backtest(size, moves, rates, is_liquidated | ~is_observed))
    return tuple(results)


def _rates(moves: Moves, steps: Sequence[TableStep]) -> tuple[Floats, Floats]:
    """Returns IM and MM in force at the close from which each move begins; NaN where unknown."""
    froms = np.array([microseconds(step.valid_from) for step in steps], dtype=np.int64)
    unordered = np.flatnonzero(np.diff(froms) <= 0)
    if unordered.size:
        step = steps[int(unordered[0]) + 1]
        message = f"tables: step of {step.valid_from}: expected a later time than the step before; sort the steps"
        raise ValueError(message)
    begins = moves.series.times[moves.starts] + moves.series.step
    index = np.searchsorted(froms, begins, side="right") - 1
    limits = [
        np.iinfo(np.int64).max if step.valid_until is None else microseconds(step.valid_until)
        for step in steps
    ]
    initial = _column([step.initial for step in steps], index)
    maintenance = _column([step.maintenance for step in steps], index)
    has_lapsed = begins >= np.array([*limits, 0], dtype=np.int64)[index]
    initial[has_lapsed] = maintenance[has_lapsed] = np.nan
    return initial, maintenance


def _column(rates: Sequence[float | Unknown], index: Rows) -> Floats:
    """Returns the rate of each step in a list of indices; −1 is before the first step."""
    known = [np.nan if isinstance(rate, Unknown) else checked_rate(rate) for rate in rates]
    return np.array([*known, np.nan])[index]


def _backtest(
    size: float, moves: Moves, rates: Floats, counted: Flags | None = None
) -> TableBacktest:
    """Returns the backtest of the moves that are ``counted``, all if it is None."""
    is_counted = np.ones(rates.size, dtype=bool) if counted is None else counted
    is_observed = ~np.isnan(rates) & is_counted
    years = moves.series.times[moves.starts].astype("datetime64[us]").astype("datetime64[Y]")
    excess = np.where(is_observed, moves.losses - np.where(is_observed, rates, 0.0), -np.inf)
    rows = [
        _year(int(str(year)), excess, rates, is_observed & (years == year))
        for year in np.unique(years[is_observed])
    ]
    breaching = np.flatnonzero(excess > 0)
    breaching = breaching[np.argsort(excess[breaching], kind="stable")]
    worst = tuple(
        breach_of(moves, float(rates[index]), index) for index in largest_apart(moves, breaching)
    )
    missing = int(np.count_nonzero(is_counted & np.isnan(rates)))
    return TableBacktest(size, tuple(rows), missing, worst)


def _year(year: int, excess: Floats, rates: Floats, rows: Flags) -> YearBreaches:
    own = excess[rows]
    breaches = own[own > 0]
    return YearBreaches(
        year=year,
        observations=own.size,
        breaches=breaches.size,
        lowest_rate=float(rates[rows].min()),
        highest_rate=float(rates[rows].max()),
        largest_uncovered=float(breaches.max()) if breaches.size else None,
        average_uncovered=float(breaches.mean()) if breaches.size else None,
    )
