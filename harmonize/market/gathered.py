"""Turns market data that was gathered from a venue into series and payloads, as imported ones."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from harmonize.core.payload import Origin, Payload, Provenance
from harmonize.market import quality
from harmonize.market.candle_codec import payloads_of
from harmonize.market.candle_file import CandleError, Candles
from harmonize.market.points import PointSeries, PointsId, Quantity, to_minute
from harmonize.market.points_codec import point_payloads
from harmonize.market.prices import (
    MICROSECONDS,
    DefectKind,
    Floats,
    PriceKind,
    PriceSeries,
    SeriesDefect,
    microseconds,
    utc_time,
)
from harmonize.market.series_table import SeriesException, SeriesFile
from venues.gathering.market_series import DAY, GatheredSeries, MissingSeries, SeriesKind
from venues.gathering.responses import MAX_CLOCK_SKEW

_COLUMNS = ("open", "high", "low", "close", "volume")

_MAX_HASHES = 3
"""Number of responses whose hashes the provenance states."""


@dataclass(frozen=True, slots=True)
class ConvertedMarketData:
    """Payloads of the series of one venue, the series, and what could not be read, with reasons."""

    payloads: tuple[Payload, ...]
    series: tuple[PriceSeries | PointSeries, ...]
    missing: tuple[MissingSeries, ...]


def convert(gathered: Iterable[GatheredSeries]) -> ConvertedMarketData:
    """Returns gathered series as payloads. A series with an impossible row is missing, with the row."""
    payloads: list[Payload] = []
    converted: list[PriceSeries | PointSeries] = []
    missing: list[MissingSeries] = []
    daily: dict[str, PriceSeries] = {}
    for raw in sorted(gathered, key=_candles_first):
        try:
            for series in _series_of(raw, daily):
                converted.append(series)
                payloads += _payloads(series, raw)
                is_daily = raw.key.kind is SeriesKind.PERP and raw.key.interval == DAY
                if is_daily and isinstance(series, PriceSeries):
                    daily[raw.key.contract.id] = series
        except CandleError as error:
            missing.append(MissingSeries(raw.key.venue, str(raw.key), str(error)))
    return ConvertedMarketData(tuple(payloads), tuple(converted), tuple(missing))


def _candles_first(raw: GatheredSeries) -> tuple[bool, str]:
    """Candles precede open interest, which some venues state in coins."""
    return raw.key.kind is SeriesKind.OPEN_INTEREST, str(raw.key)


def _series_of(
    raw: GatheredSeries, daily: dict[str, PriceSeries]
) -> Iterator[PriceSeries | PointSeries]:
    """Yields the series of gathered rows. Raises CandleError: there is none, with the reason."""
    if raw.key.kind is SeriesKind.FUNDING:
        yield _funding(raw)
    elif raw.key.kind is SeriesKind.OPEN_INTEREST:
        yield _open_interest(raw, daily.get(raw.key.contract.id))
    else:
        yield from _candles(raw)


def _candles(raw: GatheredSeries) -> list[PriceSeries]:
    key, contract = raw.key, raw.key.contract
    times = np.array([int(row[0] or 0) * 1000 for row in raw.rows], dtype=np.int64)
    # A candle has closed if its end precedes the last request, whose clock may be fast.
    limit = microseconds(raw.asked_at - timedelta(seconds=MAX_CLOCK_SKEW))
    closed = times + key.interval * MICROSECONDS <= limit
    label = f"{key.venue} {key}"
    if not closed.any():
        raise _refused(raw, "no finished candle")
    numbers = _numbers(raw)
    has_volume = key.kind is SeriesKind.PERP and raw.units.volume_in_coins and contract.is_linear
    if not has_volume:
        del numbers["volume"]
    rows = np.flatnonzero(closed)
    candles = Candles(
        label, key.venue, contract.id, rows + 1, times[rows], {n: c[rows] for n, c in numbers.items()}
    )  # fmt: skip
    defects = _unfinished(times[~closed])
    if key.kind is SeriesKind.PERP and not has_volume:
        note = "the venue's unit of volume is not stated in venues/gathering/market_data.yaml"
        defects.append(SeriesDefect(DefectKind.UNIT, rows.size, utc_time(times[rows[0]]), note))
    return [
        replace(series, defects=(*series.defects, *defects), sources=(_source(raw),))
        for series in quality.series_of(candles, _entry(raw, label))
    ]


def _numbers(raw: GatheredSeries) -> dict[str, Floats]:
    table = np.array(
        [[np.nan if value is None else value for value in row[1:]] for row in raw.rows],
        dtype=np.float64,
    )
    return {name: table[:, index] for index, name in enumerate(_COLUMNS)}


def _unfinished(times: np.ndarray) -> list[SeriesDefect]:
    if not times.size:
        return []
    return [SeriesDefect(DefectKind.UNFINISHED, times.size, utc_time(times.min()))]


def _entry(raw: GatheredSeries, label: str) -> SeriesFile:
    """Returns the statements on gathered candles, in the form of those on a file."""
    contract = raw.key.contract
    code = contract.underlying
    base = code.asset if code.multiplier == 1 else f"{code.multiplier}{code.asset}"
    exception = SeriesException((contract.id,), "the venue's list of contracts", underlying=base)
    return SeriesFile(
        label,
        raw.key.venue,
        PriceKind(raw.key.kind.value),
        raw.key.interval,
        contract.id,
        contract.quote,
        last_is_finished=True,
        source=raw.source,
        exceptions=(exception,),
    )


def _funding(raw: GatheredSeries) -> PointSeries:
    exact, values = _points(raw, 1)
    times = to_minute(exact)
    return PointSeries(
        _points_id(raw, Quantity.FUNDING),
        times,
        values,
        hours=_hours(times),
        sources=(_source(raw),),
    )


def _hours(times: np.ndarray) -> Floats:
    """Returns the hours for which each rate is paid, by its distance from the rate before.

    It is known only where the distance is that of most rates, since a missing rate doubles it.
    """
    distances = np.rint(np.diff(times) / (3600 * MICROSECONDS))
    hours = np.full(times.size, np.nan)
    if distances.size:
        values, counts = np.unique(distances, return_counts=True)
        usual = values[np.argmax(counts)]
        hours[1:][distances == usual] = usual
        hours[0] = hours[1]
    return hours


def _open_interest(raw: GatheredSeries, daily: PriceSeries | None) -> PointSeries:
    """Returns open interest in USD: as stated, otherwise coins times the close at that time."""
    stated = any(row[2] is not None for row in raw.rows)
    in_coins = raw.units.open_interest_in_coins and raw.key.contract.is_linear
    if not stated and not in_coins:
        raise _refused(raw, "states no value in USD")
    times, values = _points(raw, 2 if stated else 1)
    identity, source = _points_id(raw, Quantity.OPEN_INTEREST), _source(raw)
    if stated:
        return PointSeries(identity, times, values, sources=(source,))
    if daily is None:
        raise _refused(raw, "in coins, without daily candles")
    places = np.searchsorted(daily.times, times - daily.step)
    is_priced = np.isin(times - daily.step, daily.times)
    if not is_priced.any():
        raise _refused(raw, "in coins, without a close")
    defects: tuple[SeriesDefect, ...] = ()
    if not is_priced.all():
        first = utc_time(times[~is_priced][0])
        defects = (SeriesDefect(DefectKind.UNPRICED, int((~is_priced).sum()), first),)
    dollars = values[is_priced] * daily.close[places[is_priced]]
    note = "coins × the close of the day before the time"
    return PointSeries(identity, times[is_priced], dollars, None, (note,), defects, (source,))


def _points(raw: GatheredSeries, column: int) -> tuple[np.ndarray, Floats]:
    """Returns times and values of the rows that have one. Raises CandleError: no number, or none."""
    rows = [row for row in raw.rows if row[column] is not None]
    if not rows:
        raise _refused(raw, "no values in the responses")
    times = np.array([int(row[0] or 0) * 1000 for row in rows], dtype=np.int64)
    values = np.array([row[column] for row in rows], dtype=np.float64)
    bad = ~np.isfinite(values)
    if raw.key.kind is SeriesKind.OPEN_INTEREST:
        bad |= values < 0
    else:
        bad |= np.abs(values) >= 1
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        problem = (
            f"expected {_EXPECTED[raw.key.kind]}, found {values[row]:g}; compare the venue's page"
        )
        raise _refused(raw, problem, row + 1)
    return times, values


_EXPECTED = {
    SeriesKind.OPEN_INTEREST: "an amount of at least 0",
    SeriesKind.FUNDING: "a rate between -1 and 1",
}


def _refused(raw: GatheredSeries, problem: str, row: int | None = None) -> CandleError:
    return CandleError(f"{raw.key.venue} {raw.key}", row, problem)


def _points_id(raw: GatheredSeries, quantity: Quantity) -> PointsId:
    contract = raw.key.contract
    return PointsId(raw.key.venue, quantity, contract.id, contract.underlying)


def _source(raw: GatheredSeries) -> str:
    return f"gathered from {raw.key.venue}: {raw.request}"


def _payloads(series: PriceSeries | PointSeries, raw: GatheredSeries) -> Iterator[Payload]:
    hashes = ", ".join(raw.responses[:_MAX_HASHES])
    more = len(raw.responses) - _MAX_HASHES
    source = (
        f"{raw.source}; {len(raw.responses)} responses, sha256 {hashes}"
        f"{f' and {more} more' if more > 0 else ''}"
    )
    provenance = Provenance(Origin.LIVE, source, f"{_DATING}; {raw.dating}", raw.request)
    if isinstance(series, PriceSeries):
        yield from payloads_of(series, provenance)
    else:
        yield from point_payloads(series, provenance)


_DATING = "last candle or value"


def last_time(payloads: Iterable[Payload]) -> datetime:
    """Returns the newest time of payloads. Raises ValueError: there is none."""
    return max(payload.observed_at for payload in payloads)
