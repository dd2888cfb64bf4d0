"""Measured inputs of one asset with their evidence: series, window of days, and hash of the prices."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np

from harmonize.adequacy.factors import DAY, VOLUME_DAYS
from harmonize.adequacy.measured_inputs import (
    LEVEL,
    MOVES,
    VOLUME,
    WORST_YEARS,
    YEAR,
    Measurement,
    NotMeasured,
    is_at_par,
    measure_underlying,
)
from harmonize.adequacy.rolling import rolling_both_sides
from harmonize.adequacy.tail import Floats, TailEstimate, value_at_risk
from harmonize.core.schedule import Unknown
from harmonize.document.input_age import MAX_AGE, MAX_AGE_DAYS
from harmonize.market.aggregate import aggregate
from harmonize.market.candle_codec import encode
from harmonize.market.prices import PriceKind, PriceSeries, SeriesId, microseconds, utc_time
from harmonize.market.returns import contiguous_ends, simple_returns
from harmonize.policy.inputs import Input

LEAST_RETURNS = YEAR
"""Fewest returns behind a calibrated move, whatever the rule set requires."""

_DIGITS = 8
"""Significant digits of a bound, as of a measured value."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PriceWindow:
    """Candles behind one number: their series, first and last day (UTC), number and SHA-256."""

    series: SeriesId
    first: date
    last: date
    candles: int
    sha256: str


@dataclass(frozen=True, slots=True)
class MeasuredInput:
    """Input with the prices behind it, which any archive of the same candles restores."""

    input: Input
    window: PriceWindow

    @property
    def name(self) -> str:
        """Name of the input."""
        return self.input.name


@dataclass(frozen=True, slots=True)
class AssetEvidence:
    """What the prices of one asset give as of a day.

    ``daily`` are the candles behind its moves; None if there are none that are recent enough. ``returns``
    is the number of one-day moves in it. ``refused`` are the inputs that the prices do not give.
    ``earlier`` are candles of other series, for the years that begin before ``daily`` does.
    """

    asset: str
    daily: PriceSeries | None
    returns: int
    inputs: Mapping[str, MeasuredInput] = field(default_factory=dict)
    refused: tuple[NotMeasured, ...] = ()
    earlier: tuple[PriceSeries, ...] = ()


def last_day(as_of: datetime) -> date:
    """Returns the last whole day before a time in UTC."""
    return (as_of - timedelta(microseconds=1)).date()


def end_of_day(day: date) -> datetime:
    """Returns the end of a day in UTC, by which its candles have closed."""
    return datetime.combine(day + _ONE_DAY, time.min, UTC)


def oldest_end(as_of: datetime) -> datetime:
    """Returns the earliest end of a series that gives a number as of a time."""
    return as_of - MAX_AGE


def gather_evidence(
    series: Sequence[PriceSeries], asset: str, names: Sequence[str], as_of: datetime
) -> AssetEvidence:
    """Measures named inputs of an asset from its series, with candles that had closed by ``as_of``.

    A series that ends more than 30 days earlier gives no number, and stands back behind every later one.
    Fewer than 365 returns give none either. The worst year is also that of other series, where it begins before the series that gives the moves: a year of
    the past does not age.
    """
    own = with_days([part for part in series if part.id.underlying.asset == asset])
    return _evidence(asset, own, own, names, as_of)


def earlier_evidence(
    item: AssetEvidence, names: Sequence[str], as_of: datetime
) -> AssetEvidence | None:
    """Returns the evidence by the same series at an earlier time; None without recent prices."""
    if item.daily is None:
        return None
    return _evidence(item.asset, [item.daily], item.earlier, names, as_of)


def _evidence(
    asset: str,
    own: Sequence[PriceSeries],
    others: Sequence[PriceSeries],
    names: Sequence[str],
    as_of: datetime,
) -> AssetEvidence:
    """Measures inputs of an asset from its own series, and the worst year from the others as well."""
    measurements = measure_underlying(own, asset, as_of, oldest_end(as_of))
    daily = _recent_daily(measurements, as_of)
    earlier = () if daily is None else tuple(_earlier(others, daily, as_of))
    items = {item.name: item for item in _items(measurements, earlier, as_of)}
    known = [name for name in names if is_measurable(name)]
    inputs = {name: item for name in known if isinstance(item := items.get(name), MeasuredInput)}
    missing = [_missing(items.get(name), name, asset) for name in known if name not in inputs]
    returns = 0 if daily is None else simple_returns(daily).values.size
    return AssetEvidence(asset, daily, returns, inputs, tuple(missing), earlier)


def _earlier(
    series: Sequence[PriceSeries], daily: PriceSeries, as_of: datetime
) -> Iterator[PriceSeries]:
    """Yields undisputed candles of other series, for the years that begin before the first one of ``daily``.

    Later years are those of ``daily`` alone: a second venue must not speak for days that it states.
    """
    for part in series:
        is_daily = part.id.interval == DAY and part.id.kind in {PriceKind.PERP, PriceKind.SPOT}
        if not is_daily or not is_at_par(part) or part.id == daily.id:
            continue
        known = part.known_at(as_of).undisputed()
        before = int(np.searchsorted(known.times, daily.times[0]))
        years = known.select(slice(0, before + YEAR))
        if before and simple_returns(years, max(WORST_YEARS.values())).values.size >= YEAR:
            yield years


def with_days(series: Sequence[PriceSeries]) -> list[PriceSeries]:
    """Returns series with daily candles made of shorter ones, where a contract has no others."""
    contracts = {
        (part.id.venue, part.id.kind, part.id.symbol) for part in series if part.id.interval == DAY
    }
    made: dict[tuple[str, PriceKind, str], PriceSeries] = {}
    for part in sorted(series, key=lambda part: -part.id.interval):
        key = (part.id.venue, part.id.kind, part.id.symbol)
        if key not in contracts and DAY % part.id.interval == 0:
            daily = aggregate(part, DAY)
            if key not in made or daily.times.size > made[key].times.size:
                made[key] = daily
    return [*series, *made.values()]


def is_measurable(name: str) -> bool:
    """Returns whether candles can give an input of this name."""
    return name in MOVES or name in WORST_YEARS or name == VOLUME


def _missing(item: "MeasuredInput | NotMeasured | None", name: str, asset: str) -> NotMeasured:
    return item if isinstance(item, NotMeasured) else NotMeasured(name, asset, "no daily candles")


def _recent_daily(measurements: Sequence[Measurement], as_of: datetime) -> PriceSeries | None:
    for measurement in measurements:
        if any(item.name != VOLUME for item in measurement.items):
            daily = measurement.series.known_at(as_of)
            return None if _shortfall(daily, as_of) else daily
    return None


def _items(
    measurements: Sequence[Measurement], earlier: Sequence[PriceSeries], as_of: datetime
) -> Iterator[MeasuredInput | NotMeasured]:
    for measurement in measurements:
        known = measurement.series.known_at(as_of)
        for item in measurement.items:
            if isinstance(item, NotMeasured):
                yield item
            elif problem := _shortfall(known, as_of) or _too_few(item):
                yield NotMeasured(item.name, item.underlying, problem)
            elif item.name in WORST_YEARS:
                yield _worst_of(item, known, earlier)
            else:
                yield MeasuredInput(_with_interval(item, known), _window(item.name, known))


def _worst_of(
    item: Input, known: PriceSeries, earlier: Sequence[PriceSeries]
) -> MeasuredInput | NotMeasured:
    """Returns the worst year of a series and of those before it, dated by the end of the series."""
    for years in earlier:
        move = _quantile(worse_sample(item.name, years))
        if move > 1:
            reason = f"measured {move:.4g} by {years.id}; a move above 1 is refused as an input"
            return NotMeasured(item.name, item.underlying, reason)
        if _decimal(move) > item.value:
            source = f"{years.id}: {', '.join(years.sources)}"
            item, known = replace(item, value=_decimal(move), source=source), years
    return MeasuredInput(_with_interval(item, known), _window(item.name, known))


def _shortfall(series: PriceSeries, as_of: datetime) -> str:
    """Returns that a series ends too early for a day; empty if it does not."""
    if not series.times.size:
        return "no candle had closed by then"
    end = utc_time(series.times[-1] + series.step)
    if end >= oldest_end(as_of):
        return ""
    return f"{series.id} ends on {last_day(end)}, more than {MAX_AGE_DAYS} days before the calibration; import newer candles"


def _too_few(item: Input) -> str:
    if item.name == VOLUME or (item.observations or 0) >= LEAST_RETURNS:
        return ""
    return f"{item.observations} returns, {LEAST_RETURNS} are required; import a longer history"


def _window(name: str, known: PriceSeries) -> PriceWindow:
    part = known.select(_rows(name, known))
    return PriceWindow(
        part.id,
        utc_time(part.times[0]).date(),
        utc_time(part.times[-1]).date(),
        part.times.size,
        hashlib.sha256(encode(part)).hexdigest(),
    )


def _rows(name: str, known: PriceSeries) -> slice:
    """Returns the candles behind a number: all for the worst year, which any candle may decide."""
    if name == VOLUME:
        last = utc_time(known.times[-1]).replace(hour=0, minute=0, second=0, microsecond=0)
        first = microseconds(last - (VOLUME_DAYS - 1) * _ONE_DAY)
        return slice(int(np.searchsorted(known.times, first)), known.times.size)
    if name in WORST_YEARS:
        return slice(0, known.times.size)
    horizon, count = MOVES[name]
    ends = contiguous_ends(known, horizon)[-count:]
    return slice(int(ends[0]) - horizon, int(ends[-1]) + 1)


def _with_interval(item: Input, known: PriceSeries) -> Input:
    """Returns an input with the interval of order statistics of its own sample.

    The sample of the worst year is that year. Overlapping moves count as if they were independent,
    as the tolerance of rule sets defines it, so that their true interval is wider. A bound above 1, or
    none, leaves the input without an interval: such a bound is refused as an input is.
    """
    if item.lower is not None or item.name == VOLUME:
        return item
    estimate = value_at_risk(worse_sample(item.name, known), LEVEL)
    if isinstance(estimate, Unknown) or estimate.upper is None or estimate.upper > 1:
        return item
    return replace(
        item,
        lower=min(_decimal(estimate.lower), item.value),
        upper=max(_decimal(estimate.upper), item.value),
        confidence=_decimal(estimate.confidence),
    )


def worse_sample(name: str, known: PriceSeries) -> Floats:
    """Returns the losses behind a move, of the worse side and in order of time."""
    if name in WORST_YEARS:
        return _worst_year(simple_returns(known, WORST_YEARS[name]).values)
    horizon, count = MOVES[name]
    returns = simple_returns(known, horizon)
    samples = [returns.long_losses[-count:], returns.short_losses[-count:]]
    return max(samples, key=_quantile)


def _worst_year(values: Floats) -> Floats:
    long, short = rolling_both_sides(values[:, None], YEAR, (LEVEL,))
    side = short if short.var.max() > long.var.max() else long
    losses = values if side is short else -values
    last = int(side.ends[int(np.argmax(side.var[0, :, 0]))])
    return np.asarray(losses[last + 1 - YEAR : last + 1])


def _quantile(losses: Floats) -> float:
    estimate = value_at_risk(losses, LEVEL)
    return estimate.value if isinstance(estimate, TailEstimate) else 0.0


def _decimal(number: float | None) -> Decimal:
    return Decimal(f"{number:.{_DIGITS}g}")
