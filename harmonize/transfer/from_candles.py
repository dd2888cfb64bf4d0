"""Reads a folder of market data with MANIFEST.json as an import source: a snapshot per file.

``harmonize/market/series.yaml`` states what each file of candles speaks for, ``market_files.yaml`` the
others. Values are converted without loss; what is excluded, and why, stands in each payload.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from harmonize.archive.manifest import digest
from harmonize.core.payload import PRICES, Snapshot
from harmonize.market import file_table, quality, series_table
from harmonize.market.candle_codec import payloads_of
from harmonize.market.candle_file import CandleError, Candles, read_candles
from harmonize.market.merge import latest_end
from harmonize.market.prices import PriceSeries
from harmonize.transfer.folder_provenance import FolderFile, provenance_of
from harmonize.transfer.from_books import read_book_file
from harmonize.transfer.from_points import read_points_file
from harmonize.transfer.source import (
    SkippedItem,
    SourceItem,
    UnreadableSourceError,
    parts_inside,
    read_listed_file,
)


def is_market_manifest(manifest: object) -> bool:
    """Returns whether a manifest lists a file of market data that a table of files describes.

    So does one whose entries name files only: a recording has a venue and an endpoint.
    """
    if not isinstance(manifest, list) or not manifest:
        return False
    known = {entry.file for entry in series_table.bundled()} | set(file_table.bundled().described)
    files = [row.get("file") if isinstance(row, dict) else None for row in manifest]
    return any(file in known for file in files if isinstance(file, str)) or all(
        isinstance(row, dict)
        and isinstance(row.get("file"), str)
        and not row.keys() & _OF_RECORDING
        for row in manifest
    )


_OF_RECORDING = {"venue", "endpoint"}
"""Keys of an entry for a recorded response."""


def read_items(folder: Path, manifest: object, now: datetime) -> Iterator[SourceItem]:
    """Yields the snapshots of known files, in the order of the series table, and the rest as skipped.

    ``now`` is the time of the import, with a time zone: what is dated later is refused. Raises
    UnreadableSourceError: an entry of the manifest names no file, or two name the same.
    """
    listed = _listed(folder, manifest)
    known = {entry.file: entry for entry in series_table.bundled()}
    for file, entry in known.items():
        if file in listed:
            yield from _candle_items(folder, listed[file], entry, now)
    others = file_table.bundled()
    for points in others.points:
        if points.file in listed:
            read = partial(read_points_file, entry=points, now=now)
            yield from _other_items(folder, listed[points.file], points.file, read)
    for books in others.books:
        if books.file in listed:
            read = partial(read_book_file, entry=books, now=now)
            yield from _other_items(folder, listed[books.file], books.file, read)
    for file in listed:
        if file not in known and file not in others.described:
            yield _unread(folder, file, others.omitted.get(file, _UNKNOWN))


def _unread(folder: Path, file: str, reason: str) -> SkippedItem:
    """Returns why a file is not read; a name that leads outside the folder is an error."""
    try:
        parts_inside(folder, file)
    except UnreadableSourceError as error:
        return SkippedItem(file, str(error), is_unreadable=True)
    return SkippedItem(file, reason)


def _listed(folder: Path, manifest: object) -> dict[str, Mapping[str, object]]:
    rows = manifest if isinstance(manifest, list) else []
    listed: dict[str, Mapping[str, object]] = {}
    for index, row in enumerate(rows):
        file = row.get("file") if isinstance(row, dict) else None
        if not isinstance(file, str) or file in listed:
            problem = "names no file" if not isinstance(file, str) else f"names {file} again"
            message = f"{folder / 'MANIFEST.json'}: entry {index} {problem}; correct it"
            raise UnreadableSourceError(message)
        listed[file] = row
    return listed


_UNKNOWN = "not described by harmonize/market/series.yaml or market_files.yaml"


def _other_items(
    folder: Path, row: Mapping[str, object], file: str, read: Callable[..., Iterator[SourceItem]]
) -> Iterator[SourceItem]:
    """Yields the items of a file of open interest, funding or books; a bad one is unreadable."""
    try:
        content = _checked_content(folder, row, file)
        yield from list(read(content, manifest_row=row, sha256=digest(content)))
    except (UnreadableSourceError, CandleError) as error:
        yield SkippedItem(file, str(error), is_unreadable=True)


def _checked_content(folder: Path, row: Mapping[str, object], file: str) -> bytes:
    """Returns the content of a listed file. Raises UnreadableSourceError: it was altered."""
    content = read_listed_file(folder, file)
    stated = row.get("sha256")
    if stated is not None and digest(content) != stated:
        message = f"{folder / file}: was altered: its SHA-256 is {digest(content)}; copy it again"
        raise UnreadableSourceError(message)
    return content


def _candle_items(
    folder: Path, row: Mapping[str, object], entry: series_table.SeriesFile, now: datetime
) -> Iterator[SourceItem]:
    """Yields the snapshot of a file of candles, and what of it is not imported, with reasons."""
    try:
        content = _checked_content(folder, row, entry.file)
        candles = read_candles(folder / entry.file, entry.file)
        known = [own for own in candles if entry.venue_of(own.venue) is not None]
        series = _checked_series(known, entry, now)
    except (UnreadableSourceError, CandleError) as error:
        yield SkippedItem(entry.file, str(error), is_unreadable=True)
        return
    yield from _omitted(candles, series, entry)
    if not series:
        return
    provenance = provenance_of(
        FolderFile(entry.file, row, digest(content), entry.source),
        "candles converted without loss",
        "close of the last candle; the source states no time of recording",
    )
    payloads = tuple(payload for part in series for payload in payloads_of(part, provenance))
    yield Snapshot(PRICES, latest_end(series), payloads, complete=False)


def _checked_series(
    candles: Sequence[Candles], entry: series_table.SeriesFile, now: datetime
) -> list[PriceSeries]:
    """Returns the series of the symbols of a file. Raises CandleError: a row that cannot be right."""
    for own in candles:
        quality.check_closed(own, entry, now)
    return quality.all_series(candles, entry)


def _omitted(
    candles: Sequence[Candles], series: Sequence[PriceSeries], entry: series_table.SeriesFile
) -> Iterator[SkippedItem]:
    """Yields the symbols of a file without a series, by reason."""
    symbols: dict[str, list[str]] = defaultdict(list)
    present = {(part.id.venue, part.id.symbol) for part in series}
    for own in candles:
        venue, symbol = entry.venue_of(own.venue), entry.symbol or own.symbol
        if venue is None:
            symbols[f"venue {own.venue!r} that series.yaml does not list"].append(symbol)
        elif (venue, symbol) not in present:
            is_filled = own.filled is not None and own.filled.any()
            own_reason = "no finished candle that the source did not interpolate"
            symbols[own_reason if is_filled else "no finished candle"].append(symbol)
    for reason, names in symbols.items():
        yield SkippedItem(f"{entry.file}: {', '.join(names[:2])}", reason, len(names))
