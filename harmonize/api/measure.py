"""Measures the inputs that rule sets name from archived candles, as a snapshot for the archive."""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from harmonize.adequacy.measured_inputs import Measurement, NotMeasured, measure_underlying
from harmonize.archive.archive import Archive
from harmonize.archive.location import ArchiveLocation, recorded_archive
from harmonize.core.payload import PRICES, Call, Defect, Payload, Snapshot
from harmonize.market.candle_codec import encode
from harmonize.market.prices import PriceSeries
from harmonize.market.source import read_series
from harmonize.policy.inputs import MARKET, METHOD, Input, snapshot_of

_INTERVALS = frozenset({"1d", "1h"})
"""Candles of which inputs are measured: daily ones, and hourly ones that add up to days."""

_KINDS = frozenset({"perp", "spot"})


@dataclass(frozen=True, slots=True)
class MeasuredInputs:
    """Inputs as a snapshot with a payload per series; None if nothing was measured.

    ``refused`` are the inputs that candles do not give. ``defects`` are payloads of candles that
    cannot be read.
    """

    snapshot: Snapshot | None
    inputs: tuple[Input, ...]
    refused: tuple[NotMeasured, ...]
    defects: tuple[Defect, ...]


def measure_inputs(
    place: ArchiveLocation, underlyings: Collection[str], as_of: datetime
) -> MeasuredInputs:
    """Measures the inputs of underlyings, empty for all, from candles known at ``as_of``.

    The candles are those of the archive, or of the recorded one if the archive has none. Equal candles
    give equal bytes. Raises ArchiveError.
    """
    with _candle_archive(place) as archive:
        data = read_series(
            archive,
            archive.entries(),
            lambda call: (
                call.get("interval") in _INTERVALS
                and call.get("kind") in _KINDS
                and (not underlyings or call.get("underlying") in underlyings)
            ),
        )
    names = sorted({part.id.underlying.asset for part in data.series} | set(underlyings))
    measurements = [
        measurement
        for name in names
        for measurement in measure_underlying(data.series, name, as_of)
    ]
    items = [item for measurement in measurements for item in measurement.items]
    measured = {measurement.series.id.underlying.asset for measurement in measurements}
    refused = [item for item in items if isinstance(item, NotMeasured)]
    refused += [
        NotMeasured("inputs", name, "no daily candles in the archive")
        for name in underlyings
        if name not in measured
    ]
    inputs = tuple(item for item in items if isinstance(item, Input))
    return MeasuredInputs(_snapshot(measurements, as_of), inputs, tuple(refused), data.defects)


@contextmanager
def _candle_archive(place: ArchiveLocation) -> Iterator[Archive]:
    own = Archive.find(place)
    if own is not None and any(entry.venue == PRICES for entry in own.entries()):
        yield own
    else:
        with recorded_archive() as path:
            yield Archive.open(path)


def _snapshot(measurements: list[Measurement], as_of: datetime) -> Snapshot | None:
    payloads = tuple(
        payload
        for measurement in measurements
        if (payload := _payload(measurement, as_of)) is not None
    )
    if not payloads:
        return None
    newest = max(payload.observed_at for payload in payloads)
    return Snapshot(MARKET, newest, payloads, complete=False)


def _payload(measurement: Measurement, as_of: datetime) -> Payload | None:
    """Returns the inputs of one series; its source names the series and the hash of its candles."""
    inputs = [item for item in measurement.items if isinstance(item, Input)]
    if not inputs:
        return None
    series = measurement.series
    source = f"{inputs[0].source}; sha256 {_digest(series.known_at(as_of))} of {series.times.size} candles"
    (payload,) = snapshot_of(inputs, source).payloads
    call = Call(METHOD, (("series", str(series.id)), ("underlying", series.id.underlying.asset)))
    return replace(payload, call=call)


def _digest(series: PriceSeries) -> str:
    return hashlib.sha256(encode(series)).hexdigest()


def is_archived(archive: Archive | None, snapshot: Snapshot) -> bool:
    """Returns whether an archive holds a snapshot of inputs, byte for byte."""
    return archive is not None and any(
        archive.holds(entry, snapshot)
        for entry in archive.entries()
        if entry.venue == snapshot.venue
        and entry.observed_at == snapshot.observed_at
        and not entry.pruned
    )
