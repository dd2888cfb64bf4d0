"""Writes open interest and funding as payloads of an archive, and reads them back bit by bit."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from harmonize.core.instrument import Underlying
from harmonize.core.payload import PRICES, Call, Payload, Provenance
from harmonize.market.candle_codec import defect_of, defect_row
from harmonize.market.points import PointSeries, PointsId, Quantity
from harmonize.market.prices import Floats, utc_time
from harmonize.market.stored_document import decoded

METHOD = "points"
"""Method name of the calls whose payloads contain open interest or funding."""

FORMAT = "harmonize points 1"


def point_payloads(series: PointSeries, provenance: Provenance) -> Iterator[Payload]:
    """Yields a payload per calendar year (UTC), dated by the last value in it.

    Notes and defects stand in every payload.
    """
    years = series.times.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    for year in np.unique(years):
        part = series.select(years == year)
        observed_at = utc_time(part.times[-1])
        call = call_of(series.id, str(year))
        yield Payload.of(PRICES, call, observed_at, provenance, encode_points(part))


def call_of(identity: PointsId, year: str) -> Call:
    """Returns the call under which the values of a year are archived."""
    params = {
        "quantity": identity.quantity.value,
        "symbol": identity.symbol,
        "underlying": identity.underlying.asset,
        "venue": identity.venue,
        "year": year,
    }
    return Call(METHOD, tuple(sorted(params.items())))


def encode_points(series: PointSeries) -> bytes:
    """Returns values as the content of a payload; times are differences in microseconds."""
    identity = series.id
    document = {
        "format": FORMAT,
        "venue": identity.venue,
        "quantity": identity.quantity.value,
        "symbol": identity.symbol,
        "underlying": identity.underlying.asset,
        "multiplier": identity.underlying.multiplier,
        "notes": list(series.notes),
        "sources": list(series.sources),
        "defects": [defect_row(defect) for defect in series.defects],
        "times": np.diff(series.times, prepend=0).tolist(),
        "values": series.values.tolist(),
        "hours": None if series.hours is None else _hours(series.hours),
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def _hours(column: Floats) -> list[float | None]:
    return [None if np.isnan(hours) else float(hours) for hours in column]


def decode_points(payload: Payload) -> PointSeries:
    """Returns the series of a payload. Raises UnreadablePayloadError: not such a payload."""
    return decoded(payload, FORMAT, _series, "values")


def _series(document: Mapping[str, Any]) -> PointSeries:
    underlying = Underlying(document["underlying"], document["multiplier"])
    quantity = Quantity(document["quantity"])
    hours = document["hours"]
    series = PointSeries(
        PointsId(document["venue"], quantity, document["symbol"], underlying),
        np.cumsum(np.array(document["times"], dtype=np.int64)),
        np.array(document["values"], dtype=np.float64),
        notes=tuple(document["notes"]),
        defects=tuple(defect_of(row) for row in document["defects"]),
        sources=tuple(document["sources"]),
    )
    if hours is None:
        return series
    return replace(series, hours=np.array([np.nan if h is None else h for h in hours], dtype=float))
