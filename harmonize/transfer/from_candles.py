"""Reads a folder of market data with MANIFEST.json as an import source: a snapshot per file.

``harmonize/market/series.yaml`` states what each file of candles speaks for, ``market_files.yaml`` the
others. Values are converted without loss; what is excluded, and why, stands in each payload.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from harmonize.archive.manifest import digest
from harmonize.core.payload import PRICES, Snapshot
from harmonize.market import file_table, quality, series_table
from harmonize.market.candle_codec import payloads_of
from harmonize.market.candle_file import CandleError, read_candles
from harmonize.market.merge import latest_end
from harmonize.transfer.folder_provenance import FolderFile, provenance_of
from harmonize.transfer.from_books import read_book_file
from harmonize.transfer.from_points import read_points_file
from harmonize.transfer.source import (
    SkippedItem,
    SourceItem,
    UnreadableSourceError,
    read_listed_file,
)


def is_market_manifest(manifest: object) -> bool:
    """Returns whether a manifest lists a file of market data that a table of files describes."""
    known = {entry.file for entry in series_table.bundled()} | set(file_table.bundled().described)
    return isinstance(manifest, list) and any(
        isinstance(row, dict) and row.get("file") in known for row in manifest
    )


def read_items(folder: Path, manifest: object) -> Iterator[SourceItem]:
    """Yields a snapshot per known file, in the order of the series table, and the rest as skipped.

    Raises UnreadableSourceError: an entry of the manifest names no file, or two name the same.
    """
    listed = _listed(folder, manifest)
    known = {entry.file: entry for entry in series_table.bundled()}
    for file, entry in known.items():
        if file in listed:
            yield _snapshot(folder, listed[file], entry)
    others = file_table.bundled()
    for points in others.points:
        if points.file in listed:
            read = partial(read_points_file, entry=points)
            yield from _other_items(folder, listed[points.file], points.file, read)
    for books in others.books:
        if books.file in listed:
            read = partial(read_book_file, entry=books)
            yield from _other_items(folder, listed[books.file], books.file, read)
    for file in listed:
        if file not in known and file not in others.described:
            yield SkippedItem(file, others.omitted.get(file, _UNKNOWN))


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


def _snapshot(
    folder: Path, row: Mapping[str, object], entry: series_table.SeriesFile
) -> SourceItem:
    try:
        content = _checked_content(folder, row, entry.file)
        candles = read_candles(folder / entry.file, entry.file)
        series = quality.all_series(candles, entry)
    except (UnreadableSourceError, CandleError) as error:
        return SkippedItem(entry.file, str(error), is_unreadable=True)
    if not series:
        return SkippedItem(entry.file, "no finished candle")
    provenance = provenance_of(
        FolderFile(entry.file, row, digest(content), entry.source),
        "candles converted without loss",
        "close of the last candle; the source states no time of recording",
    )
    payloads = tuple(payload for part in series for payload in payloads_of(part, provenance))
    return Snapshot(PRICES, latest_end(series), payloads, complete=False)
