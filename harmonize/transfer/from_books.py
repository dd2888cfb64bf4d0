"""Reads a file of order books as a snapshot; ``market_files.yaml`` states units and perpetuals."""

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from harmonize.archive.manifest import MAX_BYTES
from harmonize.core.instrument import Underlying
from harmonize.core.payload import PRICES, Snapshot
from harmonize.market.books import Book, BookError, book_payload
from harmonize.market.candle_file import CandleError
from harmonize.market.file_table import BookFile, Layout
from harmonize.market.prices import Floats
from harmonize.transfer.folder_provenance import FolderFile, provenance_of
from harmonize.transfer.source import SkippedItem, SourceItem

_Levels = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _RawBook:
    """A book as its file has it: line, venue's name in the file, symbol, time, and both sides."""

    row: int
    venue: str
    symbol: str
    observed_at: datetime
    bids: _Levels
    asks: _Levels


def read_book_file(
    content: bytes,
    entry: BookFile,
    manifest_row: Mapping[str, object],
    sha256: str,
    now: datetime,
) -> Iterator[SourceItem]:
    """Yields the snapshot of a file, and what of it is not imported.

    Raises CandleError: a line that is no book, or whose time is later than ``now``.
    """
    dating = "time of the book as the recorder received it"
    provenance = provenance_of(
        FolderFile(entry.file, manifest_row, sha256, entry.source), "levels as recorded", dating
    )
    payloads = []
    omitted: dict[str, list[str]] = defaultdict(list)
    for raw in _raw_books(content, entry, omitted):
        if raw.observed_at > now:
            problem = f"{raw.symbol}: {raw.observed_at.isoformat()} is later than the import, {now:%Y-%m-%d %H:%M} UTC; correct the time or remove the book"
            raise CandleError(entry.file, raw.row, problem)
        book = _book(raw, entry)
        if isinstance(book, Book):
            payloads.append(book_payload(book, provenance))
        else:
            omitted[book].append(f"{raw.venue} {raw.symbol}")
    for reason, names in omitted.items():
        distinct = sorted(dict.fromkeys(names))
        yield SkippedItem(f"{entry.file}: {', '.join(distinct[:2])}", reason, len(names))
    if payloads:
        newest = max(payload.observed_at for payload in payloads)
        yield Snapshot(PRICES, newest, tuple(payloads), complete=False)


def _book(raw: _RawBook, entry: BookFile) -> Book | str:
    """Returns a book, or why it is omitted. A book that cannot be right is omitted with the reason."""
    venue = entry.venues.get(raw.venue)
    if venue is None:
        return entry.omitted.get(raw.venue, "a venue that market_files.yaml does not list")
    match = venue.symbols.fullmatch(raw.symbol)
    if match is None:
        return "contracts that expire, or whose size or currency market_files.yaml does not state"
    try:
        return Book(
            venue.venue,
            raw.symbol,
            Underlying.of(match["base"]),
            raw.observed_at,
            _side(raw.bids, -1),
            _side(raw.asks, 1),
            venue.usd_of(raw.symbol),
            f"{entry.file}: row {raw.row}",
        )
    except BookError as error:
        return str(error)


def _side(levels: _Levels, sign: int) -> Floats:
    """Returns levels in order from the best price on, without empty ones."""
    rows = sorted((level for level in levels if level[1] != 0), key=lambda level: sign * level[0])
    return np.array(rows, dtype=np.float64)


def _raw_books(
    content: bytes, entry: BookFile, omitted: dict[str, list[str]]
) -> Iterator[_RawBook]:
    if entry.layout is Layout.COLUMNS:
        yield from _from_columns(content, entry, omitted)
        return
    for row, message in enumerate(_messages(content, entry), 1):
        try:
            raw = (
                _from_bybit(row, message) if entry.layout is Layout.BYBIT else _from_wrapped(row, message, entry)
            )  # fmt: skip
        except _NO_BOOK as error:
            raise _no_book(entry, row, error) from error
        if raw is None:
            omitted["changes of a book, not books"].append(f"bybit {message['data']['s']}")
        else:
            yield raw


_NO_BOOK = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, OSError, StopIteration, RecursionError)  # fmt: skip
"""Errors of what is no book: a missing key, another type, or a time beyond the calendar."""


def _no_book(entry: BookFile, row: int, error: Exception) -> CandleError:
    problem = f"cannot be read as a book: {type(error).__name__} {error}; remove the line"
    return CandleError(entry.file, row, problem)


def _messages(content: bytes, entry: BookFile) -> Iterator[Any]:
    """Yields the messages of a file with one per line. Raises CandleError."""
    for row, line in enumerate(_unpacked(content, entry).splitlines(), 1):
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CandleError(entry.file, row, f"is not JSON: {error}; remove the line") from error


def _unpacked(content: bytes, entry: BookFile) -> bytes:
    """Returns the content of a gzip file of at most the size of any other. Raises CandleError."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        unpacked = unpacker.decompress(content, MAX_BYTES)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise CandleError(
            entry.file, None, f"is not a gzip file: {error}; copy it again"
        ) from error
    if unpacker.unconsumed_tail:
        raise CandleError(entry.file, None, f"has more than {MAX_BYTES} bytes; split it")
    if not unpacker.eof:
        raise CandleError(entry.file, None, "is cut off; copy it again")
    return unpacked


def _from_wrapped(row: int, message: Any, entry: BookFile) -> _RawBook:  # noqa: ANN401 - any JSON
    venue, symbol = str(message["venue"]), str(message["symbol"])
    observed_at = _utc(str(message["received_utc"]))
    if venue not in entry.venues:
        return _RawBook(row, venue, symbol, observed_at, [], [])
    bids, asks = _sides(message["message"])
    return _RawBook(row, venue, symbol, observed_at, bids, asks)


def _utc(text: str) -> datetime:
    """Returns a time with a time zone. Raises ValueError."""
    # Nanoseconds are beyond what a time holds.
    head, point, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    time = datetime.fromisoformat(f"{head}{point}{digits[:6]}{rest[len(digits) :]}")
    if time.tzinfo is None:
        message = f"expected a time zone, found none in {text}"
        raise ValueError(message)
    return time.astimezone(UTC)


def _sides(message: Any) -> tuple[_Levels, _Levels]:  # noqa: ANN401 - any JSON
    """Returns bids and asks of a venue's message, in one of four forms. Raises KeyError and similar."""
    if "bids" in message:
        return _levels(message["bids"]), _levels(message["asks"])
    data = message["data"]
    if isinstance(data, dict) and "levels" in data:
        return _levels(data["levels"][0]), _levels(data["levels"][1])
    rows = data["order_book"] if isinstance(data, dict) else data
    by_side: dict[str, _Levels] = {"Buy": [], "Sell": []}
    for level in rows:
        by_side[level["side"]].append((float(level["price"]), float(level["size"])))
    return by_side["Buy"], by_side["Sell"]


_PRICE_NAMES = ("price", "px")
_SIZE_NAMES = ("qty", "sz", "size")


def _levels(levels: Iterable[Any]) -> _Levels:
    return [
        (float(_named(level, _PRICE_NAMES)), float(_named(level, _SIZE_NAMES)))
        if isinstance(level, dict)
        else (float(level[0]), float(level[1]))
        for level in levels
    ]


def _named(level: Mapping[str, Any], names: Iterable[str]) -> Any:  # noqa: ANN401 - any JSON
    return next(level[name] for name in names if name in level)


def _from_bybit(row: int, message: Any) -> _RawBook | None:  # noqa: ANN401 - any JSON
    """Returns the book of a snapshot; None for a change of one."""
    if message["type"] != "snapshot":
        return None
    data = message["data"]
    observed_at = datetime.fromtimestamp(int(message["ts"]) / 1000, UTC)
    return _RawBook(row, "bybit", str(data["s"]), observed_at, _levels(data["b"]), _levels(data["a"]))  # fmt: skip


def _from_columns(
    content: bytes, entry: BookFile, omitted: dict[str, list[str]]
) -> Iterator[_RawBook]:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import parquet  # noqa: PLC0415 - as above

    try:
        table = parquet.read_table(
            pa.BufferReader(content), columns=list(_COLUMNS), partitioning=None
        )
        rows = table.to_pylist()
    except (pa.ArrowException, KeyError, OSError, ValueError, OverflowError) as error:
        text = str(error).splitlines()[0]
        raise CandleError(entry.file, None, f"cannot be read: {text}; copy it again") from error
    (venue,) = entry.venues
    for row, values in enumerate(rows, 1):
        if not values["snp"]:
            omitted["states between the venue's snapshots"].append(f"{venue} {values['symbol']}")
            continue
        try:
            yield _from_row(row, venue, values)
        except _NO_BOOK as error:
            raise _no_book(entry, row, error) from error


_COLUMNS = ("symbol", "tm", "b", "a", "snp")


def _from_row(row: int, venue: str, values: Mapping[str, Any]) -> _RawBook:
    """Returns the book of a row. Raises ValueError and similar: it is none."""
    if values["tm"].tzinfo is None:
        message = "expected a time zone, found none; add +00:00 for UTC"
        raise ValueError(message)
    bids, asks = _levels(json.loads(values["b"])), _levels(json.loads(values["a"]))
    return _RawBook(row, venue, str(values["symbol"]), values["tm"].astimezone(UTC), bids, asks)
