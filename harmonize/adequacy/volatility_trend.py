"""Whether risk rose: realised volatility of the last 30 days against that of the 30 days before."""

from dataclasses import dataclass
from datetime import datetime

from harmonize.adequacy.factors import realised_volatility
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries, SeriesId, utc_time
from harmonize.market.returns import simple_returns

TREND_DAYS = 30

_DAYS_PER_YEAR = 365.0

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class VolatilityTrend:
    """Annualised volatility of ``recent`` and of ``previous`` 30 days, as fractions.

    ``last`` is the close of the last daily candle of ``series``, in UTC.
    """

    series: SeriesId
    last: datetime
    recent: float
    previous: float


def volatility_trend(daily: PriceSeries) -> VolatilityTrend | Unknown:
    """Returns the volatilities of the last two periods of 30 days of daily candles.

    Unknown: fewer than 60 returns, or one of the days is missing. Raises ValueError: candles that are
    not daily.
    """
    if daily.id.interval != _DAY:
        message = f"{daily.id}: expected candles of one day; aggregate shorter ones"
        raise ValueError(message)
    returns = simple_returns(daily)
    times, values = returns.times[-2 * TREND_DAYS :], returns.values[-2 * TREND_DAYS :]
    if values.size < 2 * TREND_DAYS:
        return Unknown(f"{values.size} daily returns, {2 * TREND_DAYS} are required")
    if times[-1] - times[0] != (values.size - 1) * daily.step:
        return Unknown(f"one of the last {2 * TREND_DAYS} days is missing")
    previous = realised_volatility(values[:TREND_DAYS], _DAYS_PER_YEAR)
    recent = realised_volatility(values[TREND_DAYS:], _DAYS_PER_YEAR)
    if isinstance(previous, Unknown) or isinstance(recent, Unknown):
        return Unknown(f"fewer than {TREND_DAYS} returns")
    return VolatilityTrend(daily.id, utc_time(times[-1] + daily.step), recent.value, previous.value)
