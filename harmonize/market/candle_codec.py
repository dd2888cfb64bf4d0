"""Writes candles as payloads of an archive, and reads them back bit by bit.

A payload holds one series as JSON, of one calendar year if it was imported. Prices are integers, scaled by a power of ten,
and differences: of closes to the close before, of highs and lows to open and close. A number with too
many digits for an exact integer is written as it is.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonize.core.instrument import Underlying
from harmonize.core.payload import PRICES, Call, Payload, Provenance
from harmonize.market.prices import (
    COLUMNS,
    MICROSECONDS,
    DefectKind,
    Floats,
    PriceKind,
    PriceSeries,
    SeriesDefect,
    SeriesId,
    interval_text,
    utc_time,
)
from harmonize.market.stored_document import decoded

METHOD = "candles"
"""Method name of the calls whose payloads contain candles."""

FORMAT = "harmonize candles 1"

_MAX_DIGITS = 15
_MAX_INTEGER = 2.0**53
_PRICES = ("open", "high", "low", "close")
_AMOUNTS = ("volume", "turnover")


def payloads_of(series: PriceSeries, provenance: Provenance) -> Iterator[Payload]:
    """Yields a payload per calendar year (UTC) in which a candle of the series opens."""
    years = _years(series)
    for year in np.unique(years):
        part = series.select(years == year)
        part = replace(part, defects=_defects_in(series, int(year)))
        yield payload_of(part, provenance, str(year))


def payload_of(series: PriceSeries, provenance: Provenance, year: str = "") -> Payload:
    """Returns a series as one payload, dated by the close of its last candle.

    From then on its content can be known. ``year`` is empty for a payload of several years.
    """
    observed_at = utc_time(series.times[-1] + series.step)
    return Payload.of(PRICES, call_of(series.id, year), observed_at, provenance, encode(series))


def call_of(identity: SeriesId, year: str = "") -> Call:
    """Returns the call under which the candles of a year, or of several years, are archived."""
    params = {
        "interval": interval_text(identity.interval),
        "kind": identity.kind.value,
        "symbol": identity.symbol,
        "underlying": identity.underlying.asset,
        "venue": identity.venue,
        "year": year,
    }
    return Call(METHOD, tuple(sorted((key, text) for key, text in params.items() if text)))


def encode(series: PriceSeries) -> bytes:
    """Returns candles as the content of a payload."""
    identity = series.id
    document: dict[str, object] = {
        "format": FORMAT,
        "venue": identity.venue,
        "kind": identity.kind.value,
        "symbol": identity.symbol,
        "underlying": identity.underlying.asset,
        "multiplier": identity.underlying.multiplier,
        "quote": identity.quote,
        "interval_seconds": identity.interval,
        "runs": _runs(series),
        "sources": list(series.sources),
        "defects": [defect_row(defect) for defect in series.defects],
    }
    prices = {name: column for name in _PRICES if (column := getattr(series, name)) is not None}
    document |= _encoded_prices(prices)
    for name in _AMOUNTS:
        column = getattr(series, name)
        if column is not None:
            document[name] = _encoded_amounts(column)
    if series.disputed is not None:
        document["disputed"] = np.flatnonzero(series.disputed).tolist()
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def decode_series(payload: Payload) -> PriceSeries:
    """Returns the series of a payload. Raises UnreadablePayloadError: not such a payload."""
    return decoded(payload, FORMAT, _series, "candles")


def _series(document: Mapping[str, Any]) -> PriceSeries:
    identity = SeriesId(
        document["venue"],
        PriceKind(document["kind"]),
        document["symbol"],
        Underlying(document["underlying"], document["multiplier"]),
        document["quote"],
        document["interval_seconds"],
    )
    times = np.concatenate([np.arange(start, start + count) for start, count in document["runs"]])
    columns: dict[str, Any] = _decoded_prices(document)
    for name in _AMOUNTS:
        if name in document:
            columns[name] = _decoded_amounts(document[name])
    if "disputed" in document:
        columns["disputed"] = np.zeros(times.size, dtype=bool)
        columns["disputed"][document["disputed"]] = True
    return PriceSeries(
        id=identity,
        times=times.astype(np.int64) * identity.interval * MICROSECONDS,
        defects=tuple(defect_of(row) for row in document["defects"]),
        sources=tuple(document["sources"]),
        **{name: columns[name] for name in COLUMNS if name in columns},
    )


def _years(series: PriceSeries) -> NDArray[np.int64]:
    years = series.times.astype("datetime64[us]").astype("datetime64[Y]")
    return np.asarray(years.astype(np.int64) + 1970)


def _defects_in(series: PriceSeries, year: int) -> tuple[SeriesDefect, ...]:
    """Returns the defects of a year, and of years without candles before it or at the end."""
    years = np.unique(_years(series))
    places = np.searchsorted(years, [defect.first.year for defect in series.defects])
    own = years[np.minimum(places, years.size - 1)] == year
    return tuple(defect for defect, is_own in zip(series.defects, own, strict=True) if is_own)


def _runs(series: PriceSeries) -> list[list[int]]:
    """Returns the first interval since 1970 and the length of each run of candles without a gap."""
    places = series.times // series.step
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    starts = np.concatenate([[0], breaks])
    lengths = np.diff(np.concatenate([starts, [places.size]]))
    return [
        [int(places[start]), int(length)] for start, length in zip(starts, lengths, strict=True)
    ]


def _encoded_prices(prices: Mapping[str, Floats]) -> dict[str, object]:
    """Returns the prices as scaled differences, or as they are; indices of NaN beside them."""
    filled = {name: np.where(np.isnan(column), prices["close"], column) for name, column in prices.items()}  # fmt: skip
    missing = {name: np.flatnonzero(np.isnan(column)).tolist() for name, column in prices.items()}
    document: dict[str, object] = {"unobserved": {n: rows for n, rows in missing.items() if rows}}
    digits = _digits(np.concatenate(list(filled.values())))
    if digits is None:
        return document | {name: column.tolist() for name, column in filled.items()}
    whole = {name: _scaled(column, digits) for name, column in filled.items()}
    return document | {"digits": digits, **{n: c.tolist() for n, c in _differences(whole).items()}}


def _differences(whole: Mapping[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    close = whole["close"]
    before = np.concatenate([[0], close[:-1]])
    inner = np.stack([close, whole.get("open", close)])
    bases = {"open": before, "high": inner.max(axis=0), "low": inner.min(axis=0), "close": before}
    return {name: column - bases[name] for name, column in whole.items()}


def _decoded_prices(document: Mapping[str, Any]) -> dict[str, Floats]:
    names = [name for name in _PRICES if name in document]
    if "digits" not in document:
        prices = {name: np.array(document[name], dtype=np.float64) for name in names}
    else:
        steps = {name: np.array(document[name], dtype=np.int64) for name in names}
        close = np.cumsum(steps["close"])
        whole = {"close": close}
        if "open" in steps:
            whole["open"] = steps["open"] + np.concatenate([[0], close[:-1]])
        inner = np.stack(list(whole.values()))
        for name, base in (("high", inner.max(axis=0)), ("low", inner.min(axis=0))):
            if name in steps:
                whole[name] = steps[name] + base
        scale = 10.0 ** document["digits"]
        prices = {name: column / scale for name, column in whole.items()}
    for name, rows in document["unobserved"].items():
        prices[name][rows] = np.nan
    return prices


def _encoded_amounts(column: Floats) -> dict[str, object]:
    missing = np.flatnonzero(np.isnan(column))
    filled = np.where(np.isnan(column), 0.0, column)
    digits = _digits(filled)
    values = filled.tolist() if digits is None else _scaled(filled, digits).tolist()
    return {"digits": digits, "unobserved": missing.tolist(), "values": values}


def _decoded_amounts(document: Mapping[str, Any]) -> Floats:
    digits, values = document["digits"], np.array(document["values"], dtype=np.float64)
    column = values if digits is None else values / 10.0**digits
    column[document["unobserved"]] = np.nan
    return column


def _digits(values: Floats) -> int | None:
    """Returns the fewest decimal digits with which integers restore the values; None if none do."""
    for digits in range(_MAX_DIGITS + 1):
        scale = 10.0**digits
        whole = np.rint(values * scale)
        if np.any(np.abs(whole) >= _MAX_INTEGER):
            return None
        if np.array_equal(whole / scale, values):
            return digits
    return None


def _scaled(values: Floats, digits: int) -> NDArray[np.int64]:
    return np.asarray(np.rint(values * 10.0**digits), dtype=np.int64)


def defect_row(defect: SeriesDefect) -> dict[str, object]:
    """Returns a defect as archived payloads state it."""
    return {
        "kind": defect.kind.value,
        "count": defect.count,
        "first": defect.first.isoformat(),
        "note": defect.note,
    }


def defect_of(row: Mapping[str, Any]) -> SeriesDefect:
    """Returns the defect of a row that ``defect_row`` built. Raises KeyError, TypeError, ValueError."""
    first = datetime.fromisoformat(row["first"]).astimezone(UTC)
    return SeriesDefect(DefectKind(row["kind"]), row["count"], first, row["note"])
