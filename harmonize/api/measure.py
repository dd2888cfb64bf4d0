"""Measures the inputs that rule sets name from archived market data, as a snapshot for the archive."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from harmonize.adequacy.measured_factors import (
    REFERENCE,
    FactorData,
    FactorSources,
    measure_factors,
)
from harmonize.adequacy.measured_inputs import NotMeasured, measure_underlying
from harmonize.archive.archive import Archive
from harmonize.archive.location import ArchiveLocation, recorded_archive
from harmonize.core.payload import PRICES, Call, Defect, Payload, Snapshot
from harmonize.market.books import Book, encode_book, read_books
from harmonize.market.candle_codec import encode
from harmonize.market.points import PointSeries, Quantity
from harmonize.market.points_codec import encode_points
from harmonize.market.points_source import read_points
from harmonize.market.prices import PriceKind, PriceSeries
from harmonize.market.source import MarketData, read_series
from harmonize.policy.inputs import MARKET, METHOD, Input, snapshot_of
from harmonize.text.messages import counted

_INTERVALS = frozenset({"1d", "1h"})
"""Candles of which inputs are measured: daily ones, and hourly ones that add up to days."""

_PRICES = frozenset({PriceKind.PERP, PriceKind.SPOT})
_KINDS = _PRICES | {PriceKind.VOLATILITY}


@dataclass(frozen=True, slots=True)
class MeasuredInputs:
    """Inputs as a snapshot with a payload per body of data; None if nothing was measured.

    ``refused`` are the inputs that market data does not give. ``defects`` are payloads of market data
    that cannot be read.
    """

    snapshot: Snapshot | None
    inputs: tuple[Input, ...]
    refused: tuple[NotMeasured, ...]
    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class _Measured:
    """Inputs of one underlying from one body of data, or the reasons why there are none."""

    name: str
    underlying: str
    data: tuple[FactorData, ...]
    items: tuple[Input | NotMeasured, ...]


def measure_inputs(
    place: ArchiveLocation, underlyings: Collection[str], as_of: datetime
) -> MeasuredInputs:
    """Measures the inputs of underlyings, empty for all, from market data known at ``as_of``.

    The data is that of the archive, or of the recorded one if the archive has none. Equal data gives
    equal bytes. Raises ArchiveError.
    """
    sources, defects = _read(place, underlyings)
    names = set(underlyings) or _underlyings(sources)
    measurements = [found for name in sorted(names) for found in _measure(sources, name, as_of)]
    items = [item for measurement in measurements for item in measurement.items]
    refused = [item for item in items if isinstance(item, NotMeasured)]
    with_candles = {
        part.id.underlying.asset
        for part in sources.series
        if part.id.kind is not PriceKind.VOLATILITY
    }
    refused += [
        NotMeasured("inputs", name, "no daily candles in the archive")
        for name in underlyings
        if name not in with_candles
    ]
    inputs = tuple(item for item in items if isinstance(item, Input))
    return MeasuredInputs(_snapshot(measurements, as_of), inputs, tuple(refused), defects)


def _read(
    place: ArchiveLocation, underlyings: Collection[str]
) -> tuple[FactorSources, tuple[Defect, ...]]:
    """Returns the market data of underlyings, with daily candles of the reference beside them."""

    def is_wanted(call: dict[str, str]) -> bool:
        return not underlyings or call.get("underlying") in underlyings

    def is_series(call: dict[str, str]) -> bool:
        is_reference = call.get("underlying") == REFERENCE and call.get("interval") == "1d"
        return (
            call.get("interval") in _INTERVALS
            and call.get("kind") in _KINDS
            and (is_reference or is_wanted(call))
        )

    def is_interest(call: dict[str, str]) -> bool:
        return call.get("quantity") == Quantity.OPEN_INTEREST and is_wanted(call)

    with _market_archive(place) as archive:
        entries = archive.entries()
        candles = read_series(archive, entries, is_series)
        points, unread_points = read_points(archive, entries, is_interest)
        books, unread_books = read_books(archive, entries, is_wanted)
    defects = (*candles.defects, *unread_points, *unread_books)
    return FactorSources(candles.series, points, books), tuple(dict.fromkeys(defects))


def _underlyings(sources: FactorSources) -> set[str]:
    return (
        {part.id.underlying.asset for part in sources.series}
        | {part.id.underlying.asset for part in sources.points}
        | {book.underlying.asset for book in sources.books}
    )


def _measure(sources: FactorSources, name: str, as_of: datetime) -> Iterator[_Measured]:
    prices = [part for part in sources.series if part.id.kind is not PriceKind.VOLATILITY]
    for found in measure_underlying(prices, name, as_of):
        yield _Measured(str(found.series.id), name, (found.series,), found.items)
    for factor in measure_factors(sources, name, as_of):
        yield _Measured(factor.name, name, factor.data, factor.items)


def read_candles(
    place: ArchiveLocation,
    underlyings: Collection[str],
    intervals: Collection[str] = _INTERVALS,
) -> MarketData:
    """Returns the candles of which inputs are measured, of underlyings, empty for all.

    They are those of the archive, or of the recorded one if the archive has none. Raises ArchiveError.
    """
    with _market_archive(place) as archive:
        return read_series(
            archive,
            archive.entries(),
            lambda call: (
                call.get("interval") in intervals
                and call.get("kind") in _PRICES
                and (not underlyings or call.get("underlying") in underlyings)
            ),
        )


@contextmanager
def _market_archive(place: ArchiveLocation) -> Iterator[Archive]:
    own = Archive.find(place)
    if own is not None and any(entry.venue == PRICES for entry in own.entries()):
        yield own
    else:
        with recorded_archive() as path:
            yield Archive.open(path)


def _snapshot(measurements: Sequence[_Measured], as_of: datetime) -> Snapshot | None:
    payloads = tuple(
        payload
        for measurement in measurements
        if (payload := _payload(measurement, as_of)) is not None
    )
    if not payloads:
        return None
    newest = max(payload.observed_at for payload in payloads)
    return Snapshot(MARKET, newest, payloads, complete=False)


def _payload(measurement: _Measured, as_of: datetime) -> Payload | None:
    """Returns the inputs of one body of data; its source names the data and the hash of each part."""
    inputs = [item for item in measurement.items if isinstance(item, Input)]
    if not inputs:
        return None
    source = f"{inputs[0].source}; {', '.join(_hashes(measurement.data, as_of))}"
    (payload,) = snapshot_of(inputs, source).payloads
    params = (("series", measurement.name), ("underlying", measurement.underlying))
    return replace(payload, call=Call(METHOD, params))


def _hashes(data: Sequence[FactorData], as_of: datetime) -> Iterator[str]:
    """Yields the hash of each series as known at a time, and one of all books together."""
    for part in data:
        if isinstance(part, PriceSeries):
            known = part.known_at(as_of)
            yield f"sha256 {_digest(encode(known))} of {known.times.size} candles"
        elif isinstance(part, PointSeries):
            known_points = part.known_at(as_of)
            digest = _digest(encode_points(known_points))
            yield f"sha256 {digest} of {counted(known_points.times.size, 'value')}"
    books = [part for part in data if isinstance(part, Book)]
    if books:
        digest = _digest(b"".join(map(encode_book, books)))
        yield f"sha256 {digest} of {counted(len(books), 'book')}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def is_archived(archive: Archive | None, snapshot: Snapshot) -> bool:
    """Returns whether an archive holds a snapshot of inputs, byte for byte."""
    return archive is not None and any(
        archive.holds(entry, snapshot)
        for entry in archive.entries()
        if entry.venue == snapshot.venue
        and entry.observed_at == snapshot.observed_at
        and not entry.pruned
    )
