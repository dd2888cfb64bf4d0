"""Reads price series out of an archive."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.core.payload import PRICES, Defect, Payload, UnreadablePayloadError
from harmonize.market.candle_codec import METHOD, decode_series
from harmonize.market.merge import merge
from harmonize.market.prices import PriceSeries

Wanted = Callable[[dict[str, str]], bool]
"""Predicate on the parameters of a call: venue, kind, symbol, underlying and interval."""


@dataclass(frozen=True, slots=True)
class MarketData:
    """Series of an archive, and what could not be read."""

    series: tuple[PriceSeries, ...] = ()
    defects: tuple[Defect, ...] = ()


def read_series(
    archive: Archive, entries: Iterable[Entry], wanted: Wanted = lambda _: True
) -> MarketData:
    """Returns the wanted series among the entries of an archive.

    Snapshots of another origin are ignored. Of two payloads with the same candle, the one archived
    first counts. A snapshot or payload that cannot be read becomes a defect.
    """
    parts: list[PriceSeries] = []
    defects: list[Defect] = []
    for entry in sorted(entries, key=lambda entry: entry.sequence):
        if entry.venue != PRICES or entry.failed or entry.pruned:
            continue
        try:
            payloads = archive.read(entry).payloads
        except ArchiveError as error:
            defects.append(Defect(PRICES, f"snapshot {entry.sequence}", str(error)))
            continue
        for payload in _selected(payloads, wanted):
            try:
                parts.append(decode_series(payload))
            except UnreadablePayloadError as error:
                where = f"snapshot {entry.sequence}: {payload.call}"
                defects.append(Defect(PRICES, where, error.reason))
    return MarketData(merge(parts), tuple(defects))


def _selected(payloads: Sequence[Payload], wanted: Wanted) -> list[Payload]:
    return [
        payload
        for payload in payloads
        if payload.call.method == METHOD and wanted(dict(payload.call.params))
    ]
