"""Reads price series out of an archive."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.core.payload import PRICES, Defect, Payload, UnreadablePayloadError
from harmonize.market.candle_codec import METHOD, decode_series
from harmonize.market.merge import merge
from harmonize.market.prices import PriceSeries

T = TypeVar("T")

Wanted = Callable[[dict[str, str]], bool]
"""Predicate on the parameters of a call: venue, kind, symbol, underlying and interval."""


@dataclass(frozen=True, slots=True)
class MarketData:
    """Series of an archive, and what could not be read."""

    series: tuple[PriceSeries, ...] = ()
    defects: tuple[Defect, ...] = ()


def read_series(
    archive: Archive,
    entries: Iterable[Entry],
    wanted: Wanted = lambda _: True,
    until: datetime | None = None,
) -> MarketData:
    """Returns the wanted series among the entries of an archive.

    Snapshots of another origin are ignored. Of two payloads with the same candle, the one archived
    first counts. With ``until``, a time with a time zone, candles that closed later are excluded, as
    if they had not been archived. A snapshot or payload that cannot be read becomes a defect.
    """
    series, defects = read_decoded(archive, entries, METHOD, wanted, decode_series)
    parts = series if until is None else [part.known_at(until) for part in series]
    return MarketData(merge(part for part in parts if part.times.size), tuple(defects))


def read_decoded(
    archive: Archive,
    entries: Iterable[Entry],
    method: str,
    wanted: Wanted,
    decode: Callable[[Payload], T],
) -> tuple[list[T], list[Defect]]:
    """Returns the content of the wanted payloads, oldest snapshot first, and what could not be read.

    ``decode`` raises UnreadablePayloadError on a payload that cannot be read, which becomes a defect.
    """
    contents: list[T] = []
    defects: list[Defect] = []
    for sequence, item in archived_payloads(archive, entries, method, wanted):
        if isinstance(item, Defect):
            defects.append(item)
            continue
        try:
            contents.append(decode(item))
        except UnreadablePayloadError as error:
            where = f"snapshot {sequence}: {item.call}"
            defects.append(Defect(PRICES, where, error.reason))
    return contents, defects


def archived_payloads(
    archive: Archive, entries: Iterable[Entry], method: str, wanted: Wanted
) -> Iterator[tuple[int, Payload | Defect]]:
    """Yields the wanted payloads of market data with the sequence of their snapshot, oldest first.

    A snapshot that cannot be read is a defect. Snapshots of venues are ignored.
    """
    for entry in sorted(entries, key=lambda entry: entry.sequence):
        if entry.venue != PRICES or entry.failed or entry.pruned:
            continue
        try:
            payloads = archive.read(entry).payloads
        except ArchiveError as error:
            where = f"snapshot {entry.sequence}"
            yield entry.sequence, Defect(PRICES, where, str(error))
            continue
        for payload in payloads:
            if payload.call.method == method and wanted(dict(payload.call.params)):
                yield entry.sequence, payload


def read_sources(
    sources: Iterable[tuple[Archive, Iterable[Entry]]],
    wanted: Wanted = lambda _: True,
    until: datetime | None = None,
) -> MarketData:
    """Returns the wanted series of several archives, each with its entries.

    Of two archives with the same candle, the first counts. Otherwise as ``read_series``.
    """
    data = [read_series(archive, entries, wanted, until) for archive, entries in sources]
    return MarketData(
        merge(part for own in data for part in own.series),
        tuple(defect for own in data for defect in own.defects),
    )
