"""Measures the inputs that rule sets name from candles, with interval and observations."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import inf

import numpy as np

from harmonize.adequacy.factors import (
    DAY,
    VOLUME_DAYS,
    VenueVolume,
    realised_volatility,
    resampled_interval,
    series_volume,
    venue_volume,
)
from harmonize.adequacy.overlapping import overlapping_value_at_risk
from harmonize.adequacy.rolling import rolling_both_sides
from harmonize.adequacy.tail import CONFIDENCE, Floats, TailEstimate
from harmonize.core.instrument import AT_PAR_WITH_USD
from harmonize.core.schedule import Unknown
from harmonize.document.input_age import MAX_AGE_DAYS
from harmonize.market.aggregate import aggregate
from harmonize.market.prices import (
    MICROSECONDS,
    PriceKind,
    PriceSeries,
    SeriesId,
    microseconds,
    utc_time,
)
from harmonize.market.returns import simple_returns
from harmonize.policy.input_scale import MAX_ANNUAL_VOLATILITY
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

VOLATILITY = "vol_30d_annualised"

VOLATILITY_DAYS = 30
"""Days in a row whose returns give the realised volatility."""

_KINDS = (PriceKind.PERP, PriceKind.SPOT)
"""Kinds of prices that are measured; among series of one length, the first precedes."""


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """Input that the market data does not give, with the reason."""

    name: str
    underlying: str
    reason: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """Inputs measured from one series, or the reasons why it does not give them."""

    series: PriceSeries
    items: tuple[Input | NotMeasured, ...]


def measure_inputs(series: PriceSeries, as_of: datetime) -> Iterator[Input | NotMeasured]:
    """Yields each input from the daily candles that had closed by a time with a time zone.

    A 99 % move is that of the worse side, long or short. It is dated by the close of the last candle.
    An interval that is unbounded above is not stated. A move above 1 is refused, as in every input.
    Raises ValueError: not daily candles, or not prices.
    """
    yield from measure_moves(series, as_of)
    known = series.known_at(as_of)
    yield _input(known, VOLUME, _volume(known))


def measure_moves(series: PriceSeries, as_of: datetime) -> Iterator[Input | NotMeasured]:
    """Yields each 99 % move and the realised volatility, as ``measure_inputs``. Raises ValueError."""
    if series.id.interval != DAY:
        message = f"{series.id}: expected daily candles; choose a series of 1d"
        raise ValueError(message)
    if series.id.kind is PriceKind.VOLATILITY:
        message = f"{series.id}: expected prices, found percent per year; choose a series of prices"
        raise ValueError(message)
    known = series.known_at(as_of)
    for name, (horizon, count) in MOVES.items():
        yield _input(known, name, _last_move(known, horizon, count))
    for name, horizon in WORST_YEARS.items():
        yield _input(known, name, _worst_move(known, horizon))
    yield _input(known, VOLATILITY, _recent_volatility(known))


def measure_underlying(
    series: Sequence[PriceSeries],
    underlying: str,
    as_of: datetime,
    recent_from: datetime | None = None,
) -> tuple[Measurement, ...]:
    """Measures the inputs of an underlying: moves from one series, volume from one perpetual.

    Moves and volatility are those of the daily series with the most candles, of a perpetual or of spot,
    in a quote currency at par with USD. Volume is that of the perpetual with the largest one: spot is another
    market. Neither may end more than ``MAX_AGE_DAYS`` before the newest series of the underlying.
    Series that end before ``recent_from`` are chosen only if no later one can be; None: any age is equal.
    """
    own = [part for part in series if part.id.underlying.asset == underlying]
    known = [part.known_at(as_of) for part in own]
    current = _current(known)
    by_series: dict[SeriesId, Measurement] = {}
    if (daily := _recent_longest(current, recent_from)) is not None:
        by_series[daily.id] = Measurement(daily, tuple(measure_moves(daily, as_of)))
    elif (unused := _longest_in_any_currency(known)) is not None:
        reason = _why_unused(unused, known)
        missing = tuple(
            NotMeasured(name, underlying, reason) for name in (*MOVES, *WORST_YEARS, VOLATILITY)
        )
        by_series[own[0].id] = Measurement(own[0], missing)
    if (traded := _most_traded(current, underlying, as_of, recent_from)) is not None:
        perpetual, volume = traded
        moves = by_series.get(perpetual.id, Measurement(perpetual, ())).items
        item = _volume_input(perpetual, volume, underlying)
        by_series[perpetual.id] = Measurement(perpetual, (*moves, item))
    elif own:
        reason = _why_no_volume(known, current, underlying, as_of)
        by_series.setdefault(own[0].id, Measurement(own[0], ()))
        last = by_series[own[0].id]
        by_series[own[0].id] = replace(
            last, items=(*last.items, NotMeasured(VOLUME, underlying, reason))
        )
    return tuple(by_series.values())


def reference_series(
    series: Sequence[PriceSeries],
    underlying: str,
    as_of: datetime,
    recent_from: datetime | None = None,
) -> PriceSeries | None:
    """Returns the daily series that ``measure_underlying`` chooses for moves; None if there is none."""
    own = [part.known_at(as_of) for part in series if part.id.underlying.asset == underlying]
    return _recent_longest(_current(own), recent_from)


def _why_no_volume(
    known: Sequence[PriceSeries],
    current: Sequence[PriceSeries],
    underlying: str,
    as_of: datetime,
) -> str:
    """Returns why no perpetual gives a volume: there is none, or why the best ones do not count."""
    perpetuals = [part for part in known if part.id.kind is PriceKind.PERP]
    if not perpetuals:
        return "no perpetual with volume; spot is another market"
    if not any(part.times.size for part in perpetuals):
        return f"no candle of a perpetual had closed by {as_of:%Y-%m-%d}"
    ended = [s for s in perpetuals if s.times.size and _ended_days(s, known) > MAX_AGE_DAYS]
    reasons = []
    for parts in ([part for part in current if part.id.kind is PriceKind.PERP], ended):
        volumes = [(s, venue_volume([s], s.id.venue, underlying, as_of)) for s in parts]
        best = max(
            volumes,
            key=lambda pair: (isinstance(pair[1], VenueVolume), _end(pair[0]), str(pair[0].id)),
            default=None,
        )
        if best is not None:
            series, volume = best
            if isinstance(volume, Unknown) and is_at_par(series):
                reasons.append(volume.reason)
            else:
                reasons.append(_why_unused(series, known))
    return "; ".join(reasons)


def _why_unused(series: PriceSeries, known: Sequence[PriceSeries]) -> str:
    """Returns why a series is not chosen: its quote currency, or its end long before another's."""
    if not is_at_par(series):
        return f"{series.id} is priced in {series.id.quote}, which is not at par with USD"
    newest = max((part for part in known if part.times.size), key=_end)
    ends = (f"{utc_time(_end(part)):%Y-%m-%d}" for part in (series, newest))
    return (
        f"{series.id} ends on {next(ends)}, more than {MAX_AGE_DAYS} days before {newest.id}, which "
        f"ends on {next(ends)}; import newer candles, or measure as of an earlier day"
    )


def _longest_in_any_currency(series: Iterable[PriceSeries]) -> PriceSeries | None:
    """Returns the longest daily series of prices with a candle, in whatever currency."""
    daily = [s for s in series if s.id.interval == DAY and s.id.kind in _KINDS and s.times.size]
    return max(daily, key=lambda part: (part.times.size, str(part.id)), default=None)


def longest_daily(series: Iterable[PriceSeries]) -> PriceSeries | None:
    """Returns the daily series at par with USD that has the most candles; None if there is none."""
    daily = (
        part
        for part in series
        if part.id.interval == DAY and part.id.kind in _KINDS and is_at_par(part)
    )
    return min(
        daily,
        key=lambda part: (-part.times.size, _KINDS.index(part.id.kind), str(part.id)),
        default=None,
    )


def _recent_longest(
    series: Sequence[PriceSeries], recent_from: datetime | None
) -> PriceSeries | None:
    """Returns the longest daily series of those that are recent, otherwise of all."""
    recent = longest_daily(part for part in series if _is_recent(part, recent_from))
    return longest_daily(series) if recent is None else recent


def _is_recent(series: PriceSeries, recent_from: datetime | None) -> bool:
    return recent_from is None or _end(series) >= microseconds(recent_from)


def _current(series: Sequence[PriceSeries]) -> list[PriceSeries]:
    """Returns the series that end at most ``MAX_AGE_DAYS`` before the newest one."""
    known = [part for part in series if part.times.size]
    return [part for part in known if _ended_days(part, known) <= MAX_AGE_DAYS]


def _ended_days(series: PriceSeries, known: Sequence[PriceSeries]) -> float:
    """Returns how many days before the newest series one ends."""
    newest = max(_end(part) for part in known if part.times.size)
    return (newest - _end(series)) / (DAY * MICROSECONDS)


def _end(series: PriceSeries) -> int:
    return int(series.times[-1]) + series.step


def is_at_par(series: PriceSeries) -> bool:
    """Returns whether prices are in USD: a table without a quote currency states prices in USD."""
    return series.id.quote in AT_PAR_WITH_USD or not series.id.quote


def _most_traded(
    series: Sequence[PriceSeries],
    underlying: str,
    as_of: datetime,
    recent_from: datetime | None,
) -> tuple[PriceSeries, VenueVolume] | None:
    """Returns the perpetual with the largest volume of those that are recent, otherwise of all."""
    volumes = [
        (part, volume)
        for part in series
        if is_at_par(part)
        and isinstance(
            volume := venue_volume([part], part.id.venue, underlying, as_of), VenueVolume
        )
    ]
    recent = [pair for pair in volumes if _is_recent(pair[0], recent_from)]
    return max(recent or volumes, key=lambda pair: (pair[1].value, str(pair[0].id)), default=None)


def _volume_input(series: PriceSeries, volume: VenueVolume, underlying: str) -> Input | NotMeasured:
    daily = series if series.id.interval == DAY else aggregate(series, DAY)
    lower, upper = _volume_interval(daily, volume.value)
    measured = Input(
        name=VOLUME,
        underlying=underlying,
        value=decimal_of(volume.value),
        observed_at=volume.last_day + timedelta(days=1),
        lower=decimal_of(lower),
        upper=decimal_of(upper),
        confidence=decimal_of(CONFIDENCE),
        observations=volume.observations,
        origin="derived",
        source=f"{series.id}: {', '.join(volume.sources)}",
    )
    problem = input_problem(measured)
    return NotMeasured(VOLUME, underlying, problem) if problem else measured


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
    interval = _volume_interval(series, volume.value)
    return TailEstimate(LEVEL, volume.value, volume.observations, *interval, CONFIDENCE)


def _volume_interval(daily: PriceSeries, median: float) -> tuple[float, float]:
    """Returns the interval of the median turnover of the last days, all of which are observed."""
    turnover = daily.turnover if daily.turnover is not None else daily.close[:0]
    return resampled_interval(turnover[-VOLUME_DAYS:], _medians, median)


def _medians(samples: Floats) -> Floats:
    return np.asarray(np.median(samples, axis=1))


def _recent_volatility(series: PriceSeries) -> TailEstimate | Unknown:
    """Returns the realised volatility of the last days of daily candles, without a level."""
    returns = simple_returns(series)
    values = returns.values[-VOLATILITY_DAYS:]
    if values.size < VOLATILITY_DAYS:
        return Unknown(f"{values.size} daily returns, {VOLATILITY_DAYS} are required")
    first, last = returns.times[-values.size], series.times[-1]
    if last - first != (values.size - 1) * series.step:
        return Unknown(f"one of the last {VOLATILITY_DAYS} days is missing")
    if values.min() == values.max():
        return Unknown(f"the last {VOLATILITY_DAYS} daily returns are all equal")
    volatility = realised_volatility(values, YEAR)
    if isinstance(volatility, Unknown):
        return volatility
    interval = resampled_interval(values**2, _volatilities, volatility.value)
    return TailEstimate(0, volatility.value, volatility.observations, *interval, CONFIDENCE)


def _volatilities(squares: Floats) -> Floats:
    return np.asarray(np.sqrt(np.mean(squares, axis=1) * YEAR))


def _input(series: PriceSeries, name: str, estimate: TailEstimate | Unknown) -> Input | NotMeasured:
    underlying = series.id.underlying.asset
    if isinstance(estimate, Unknown):
        return NotMeasured(name, underlying, estimate.reason)
    if name == VOLATILITY and estimate.value > MAX_ANNUAL_VOLATILITY:
        reason = f"measured {estimate.value:.4g}; a volatility above 10 is refused as an input"
        return NotMeasured(name, underlying, reason)
    if name not in {VOLUME, VOLATILITY} and estimate.value > 1:
        reason = f"measured {estimate.value:.4g}; a move above 1 is refused as an input"
        return NotMeasured(name, underlying, reason)
    has_interval = estimate.lower is not None and estimate.upper not in {None, inf}
    measured = Input(
        name=name,
        underlying=underlying,
        value=decimal_of(estimate.value),
        observed_at=utc_time(series.times[-1] + series.step),
        lower=decimal_of(estimate.lower) if has_interval else None,
        upper=decimal_of(estimate.upper) if has_interval else None,
        confidence=decimal_of(estimate.confidence) if has_interval else None,
        observations=estimate.observations,
        origin="derived",
        source=f"{series.id}: {', '.join(series.sources)}",
    )
    problem = input_problem(measured)
    return NotMeasured(name, underlying, problem) if problem else measured


def decimal_of(number: float | None) -> Decimal:
    """Returns a number rounded to significant digits."""
    return Decimal(f"{number:.{_DIGITS}g}")
