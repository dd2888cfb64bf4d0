"""Measures the inputs that rule sets name from daily candles, with interval and observations."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import inf

import numpy as np

from harmonize.adequacy.factors import series_volume
from harmonize.adequacy.overlapping import overlapping_value_at_risk
from harmonize.adequacy.rolling import rolling_both_sides
from harmonize.adequacy.tail import TailEstimate
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries, utc_time
from harmonize.market.returns import simple_returns
from harmonize.policy.inputs import Input, input_problem

LEVEL = 0.99
YEAR = 365

_DIGITS = 8
"""Significant digits of a measured number."""

MOVES = {
    "var_99_1d_365d": (1, YEAR),
    "var_99_1d_1095d": (1, 3 * YEAR),
    "var_99_2d_365d": (2, YEAR),
    "var_99_2d_10y": (2, 10 * YEAR),
}
"""Horizon in days, and number of the last moves, of each 99 % move; fewer moves count as they are."""

WORST_YEARS = {"var_99_1d_worst_365d": 1, "var_99_2d_worst_365d": 2}
"""Horizon in days of the 99 % moves in the worst 365 moves."""

VOLUME = "adv_30d_median"


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """Input that the candles do not give, with the reason."""

    name: str
    underlying: str
    reason: str


def measure_inputs(series: PriceSeries, as_of: datetime) -> Iterator[Input | NotMeasured]:
    """Yields each input from the daily candles that had closed by a time with a time zone.

    A 99 % move is that of the worse side, long or short. It is dated by the close of the last candle.
    An interval that is unbounded above is not stated. A move above 1 is refused, as in every input.
    Raises ValueError: not daily candles.
    """
    if series.id.interval != 86_400:  # noqa: PLR2004 - seconds of a day
        message = f"{series.id}: expected daily candles; choose a series of 1d"
        raise ValueError(message)
    known = series.known_at(as_of)
    for name, (horizon, count) in MOVES.items():
        yield _input(known, name, _last_move(known, horizon, count))
    for name, horizon in WORST_YEARS.items():
        yield _input(known, name, _worst_move(known, horizon))
    yield _input(known, VOLUME, _volume(known))


def _last_move(series: PriceSeries, horizon: int, count: int) -> TailEstimate | Unknown:
    returns = simple_returns(series, horizon)
    sides = [
        overlapping_value_at_risk(losses[-count:], LEVEL, horizon)
        for losses in (returns.long_losses, returns.short_losses)
    ]
    unknown = next((side for side in sides if isinstance(side, Unknown)), None)
    if unknown is not None:
        return unknown
    return max((s for s in sides if isinstance(s, TailEstimate)), key=lambda side: side.value)


def _worst_move(series: PriceSeries, horizon: int) -> TailEstimate | Unknown:
    values = simple_returns(series, horizon).values
    if values.size < YEAR:
        return Unknown(f"{values.size} observations, {YEAR} are required")
    sides = rolling_both_sides(values[:, None], YEAR, (LEVEL,))
    return TailEstimate(LEVEL, max(float(np.max(side.var)) for side in sides), YEAR)


def _volume(series: PriceSeries) -> TailEstimate | Unknown:
    volume = series_volume(series)
    if isinstance(volume, Unknown):
        return volume
    return TailEstimate(LEVEL, volume.value, volume.observations)


def _input(series: PriceSeries, name: str, estimate: TailEstimate | Unknown) -> Input | NotMeasured:
    underlying = series.id.underlying.asset
    if isinstance(estimate, Unknown):
        return NotMeasured(name, underlying, estimate.reason)
    if name != VOLUME and estimate.value > 1:
        reason = f"measured {estimate.value:.4g}; a move above 1 is refused as an input"
        return NotMeasured(name, underlying, reason)
    has_interval = estimate.lower is not None and estimate.upper not in {None, inf}
    measured = Input(
        name=name,
        underlying=underlying,
        value=_decimal(estimate.value),
        observed_at=utc_time(series.times[-1] + series.step),
        lower=_decimal(estimate.lower) if has_interval else None,
        upper=_decimal(estimate.upper) if has_interval else None,
        confidence=_decimal(estimate.confidence) if has_interval else None,
        observations=estimate.observations,
        origin="derived",
        source=f"{series.id}: {', '.join(series.sources)}",
    )
    problem = input_problem(measured)
    return NotMeasured(name, underlying, problem) if problem else measured


def _decimal(number: float | None) -> Decimal:
    """Returns a number rounded to significant digits."""
    return Decimal(f"{number:.{_DIGITS}g}")
