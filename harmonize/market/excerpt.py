"""A compact excerpt of archived candles for the assets of a rule set, to ship with the package.

It holds what measures of margin need: closes; highs and lows of contracts; daily turnover of
contracts. Prices are exact. Opening prices and volumes are left out, and turnover is rounded.
Of failed assets it holds daily spot closes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from harmonize.core.payload import PRICES, Origin, Provenance, Snapshot
from harmonize.market.aggregate import aggregate
from harmonize.market.candle_codec import payload_of
from harmonize.market.merge import latest_end
from harmonize.market.prices import Floats, PriceKind, PriceSeries

DAY, HOUR, QUARTER = 86_400, 3_600, 900

_SPOT_HOURS = frozenset({"BTC", "ETH"})
"""Assets whose hourly spot closes, from 2017 on, are the only long history of hours."""

_TURNOVER_DIGITS = 4
"""Significant digits of a turnover: the median of 30 days needs no more."""


def excerpt(series: Iterable[PriceSeries], assets: Collection[str]) -> tuple[PriceSeries, ...]:
    """Returns the excerpt of archived series for some underlying assets.

    - daily candles of perpetuals, made of hourly ones if the venue has no others, and spot closes
    - hourly candles of perpetuals, and hourly spot closes of BTC and ETH
    - candles of 15 minutes of perpetuals
    - daily implied volatility
    """
    own = [s for s in series if s.id.underlying.asset in assets]
    daily = {(s.id.venue, s.id.kind, s.id.symbol) for s in own if s.id.interval == DAY}
    made = [
        aggregate(s, DAY)
        for s in own
        if s.id.interval == HOUR
        and s.id.kind is PriceKind.PERP
        and (s.id.venue, s.id.kind, s.id.symbol) not in daily
    ]
    chosen = (s for s in (*own, *made) if _is_chosen(s) and s.times.size)
    return tuple(sorted(map(_trimmed, chosen), key=lambda s: str(s.id)))


def failed_excerpt(
    series: Iterable[PriceSeries], symbols: Collection[str]
) -> tuple[PriceSeries, ...]:
    """Returns daily spot closes of the symbols of failed assets, made of hourly candles.

    A symbol that named two assets in turn gives two series. A day without all of its hours is a gap.
    """
    hourly = (
        s
        for s in series
        if s.id.kind is PriceKind.SPOT and s.id.interval == HOUR and s.id.symbol in symbols
    )
    daily = (aggregate(replace(s, volume=None), DAY) for s in hourly)
    ordered = sorted(daily, key=lambda s: (str(s.id), s.id.underlying.asset))
    return tuple(_trimmed(s) for s in ordered if s.times.size)


def excerpt_snapshot(
    series: Collection[PriceSeries], origins: Mapping[str, str] = MappingProxyType({})
) -> Snapshot:
    """Returns the excerpt as one snapshot of candles for an archive.

    ``origins`` states the provenance of files in words. Raises ValueError: no candles.
    """
    payloads = tuple(payload_of(part, _provenance(part, origins)) for part in series)
    return Snapshot(PRICES, latest_end(series), payloads, complete=False)


def _is_chosen(series: PriceSeries) -> bool:
    identity = series.id
    if identity.kind is PriceKind.SPOT:
        is_hourly = identity.interval == HOUR and identity.underlying.asset in _SPOT_HOURS
        return identity.interval == DAY or is_hourly
    if identity.kind is PriceKind.VOLATILITY:
        return identity.interval == DAY
    return identity.kind is PriceKind.PERP and identity.interval in {DAY, HOUR, QUARTER}


def _trimmed(series: PriceSeries) -> PriceSeries:
    keeps_turnover = series.id.interval == DAY and series.id.kind is PriceKind.PERP
    turnover = _rounded(series.turnover) if keeps_turnover else None
    return replace(series, open=None, volume=None, turnover=turnover)


def _rounded(column: Floats | None) -> Floats | None:
    """Returns a column rounded to significant digits; NaN stays."""
    if column is None:
        return None
    with np.errstate(divide="ignore"):
        size = np.floor(np.log10(np.where(column > 0, column, 1.0))).astype(np.int64)
    step = 10.0 ** np.maximum(size - _TURNOVER_DIGITS + 1, 0)
    return np.asarray(np.rint(column / step) * step)


def _provenance(series: PriceSeries, origins: Mapping[str, str]) -> Provenance:
    files = ", ".join(origins.get(file, file) for file in series.sources)
    source = f"excerpt of imported candles: {files}; {_kept(series)} exact"
    return Provenance(Origin.RECORDED, source, "close of the last candle")


def _kept(series: PriceSeries) -> str:
    return "closes are" if series.high is None else "closes, highs and lows are"
