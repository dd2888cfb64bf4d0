"""Reads a folder of candle files with MANIFEST.json as an import source: a snapshot per file.

``harmonize/market/series.yaml`` states what each file speaks for. Candles are converted without loss;
what is excluded, and why, stands in each payload.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from harmonize.archive.manifest import digest
from harmonize.core.payload import PRICES, Origin, Provenance, Snapshot
from harmonize.market import quality, series_table
from harmonize.market.candle_codec import payloads_of
from harmonize.market.candle_file import CandleError, read_candles
from harmonize.market.merge import latest_end
from harmonize.transfer.source import (
    SkippedItem,
    SourceItem,
    UnreadableSourceError,
    read_listed_file,
)

_SUFFIXES = (".csv", ".json", ".parquet")


def is_candle_manifest(manifest: object) -> bool:
    """Returns whether a manifest lists a file of candles that the series table knows."""
    known = {entry.file for entry in series_table.bundled()}
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
    for file in listed:
        if file not in known:
            yield SkippedItem(file, _unknown_reason(file))


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


def _unknown_reason(file: str) -> str:
    if file.endswith(_SUFFIXES) and not file.startswith(("book/", "liq/", "oi_funding/")):
        return "no candles that harmonize/market/series.yaml describes"
    return "order books, open interest, funding and liquidations are not imported by this version"


def _snapshot(
    folder: Path, row: Mapping[str, object], entry: series_table.SeriesFile
) -> SourceItem:
    try:
        content = read_listed_file(folder, entry.file)
        stated = row.get("sha256")
        if stated is not None and digest(content) != stated:
            reason = f"{folder / entry.file}: was altered: its SHA-256 is {digest(content)}; copy it again"
            return SkippedItem(entry.file, reason, is_unreadable=True)
        candles = read_candles(folder / entry.file, entry.file)
        series = quality.all_series(candles, entry)
    except (UnreadableSourceError, CandleError) as error:
        return SkippedItem(entry.file, str(error), is_unreadable=True)
    if not series:
        return SkippedItem(entry.file, "no finished candle")
    provenance = _provenance(row, entry, digest(content))
    payloads = tuple(payload for part in series for payload in payloads_of(part, provenance))
    return Snapshot(PRICES, latest_end(series), payloads, complete=False)


def _provenance(
    row: Mapping[str, object], entry: series_table.SeriesFile, sha256: str
) -> Provenance:
    """Returns the provenance of a file: who copied it, where it stands, and its own hash."""
    repositories = row.get("source_repos") or row.get("source_repo") or entry.source
    copied = {
        "": repositories if isinstance(repositories, str) else json.dumps(repositories),
        "path ": row.get("source_path"),
        "commit ": row.get("source_commit"),
        "licence: ": row.get("licence_if_stated"),
        "sha256 ": sha256,
    }
    parts = [f"{label}{text}" for label, text in copied.items() if text]
    source = f"{entry.file}: {'; '.join(parts)}; candles converted without loss"
    dating = "close of the last candle; the source states no time of recording"
    return Provenance(Origin.RECORDED, source, dating, entry.file)
