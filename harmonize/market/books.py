"""Order books of perpetuals, and the payloads in which archives hold them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.core.instrument import Underlying
from harmonize.core.payload import (
    PRICES,
    Call,
    Defect,
    Payload,
    Provenance,
)
from harmonize.market.prices import Floats, microseconds, utc_time
from harmonize.market.source import Wanted, read_decoded
from harmonize.market.stored_document import decoded

METHOD = "book"
"""Method name of the calls whose payloads contain an order book."""

FORMAT = "harmonize book 1"


class BookError(ValueError):
    """Order book that cannot be right: one line with the problem and the fix."""


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Order book of a perpetual at one time, UTC.

    ``bids`` and ``asks`` have a row of price and size per level, best first. Prices are in USD per coin
    of the contract's base. Sizes are coins, or contracts of ``contract_usd`` USD if that is not None.
    The book holds the levels that the source recorded, and says nothing of those beyond.
    """

    venue: str
    symbol: str
    underlying: Underlying
    observed_at: datetime
    bids: Floats
    asks: Floats
    contract_usd: float | None
    source: str

    def __post_init__(self) -> None:
        """Freezes the arrays. Raises BookError: an impossible level, levels out of order, crossed."""
        for side, levels, sign in (("bids", self.bids, -1), ("asks", self.asks, 1)):
            if problem := _problem(levels, sign):
                raise self._error(problem, side)
            levels.setflags(write=False)
        if self.bids[0, 0] >= self.asks[0, 0]:
            problem = (
                f"expected a bid below the ask, found {self.bids[0, 0]:g} and {self.asks[0, 0]:g}"
            )
            raise self._error(problem)

    def _error(self, problem: str, side: str = "prices") -> BookError:
        message = f"{self.venue} {self.symbol}: {side}: {problem}; remove the book"
        return BookError(message)

    @property
    def mid(self) -> float:
        """Mean of the best bid and the best ask, in USD."""
        return float(self.bids[0, 0] + self.asks[0, 0]) / 2

    def dollars(self, levels: Floats) -> Floats:
        """Returns the value of each level in USD."""
        if self.contract_usd is None:
            return np.asarray(levels[:, 0] * levels[:, 1])
        return np.asarray(levels[:, 1] * self.contract_usd)


def _problem(levels: Floats, sign: int) -> str:
    """Returns why the levels of a side are impossible; empty if they are not."""
    if levels.ndim != 2 or not levels.size:  # noqa: PLR2004 - rows and columns
        return "expected levels, found none"
    if not np.all(np.isfinite(levels)) or np.any(levels <= 0):
        return "expected prices and sizes above 0"
    if np.any(np.diff(levels[:, 0]) * sign <= 0):
        return "expected levels from the best price on"
    return ""


def book_payload(book: Book, provenance: Provenance) -> Payload:
    """Returns a book as the payload of an archive, dated by its time."""
    params = {
        "symbol": book.symbol,
        "time": book.observed_at.isoformat(),
        "underlying": book.underlying.asset,
        "venue": book.venue,
    }
    call = Call(METHOD, tuple(sorted(params.items())))
    return Payload.of(PRICES, call, book.observed_at, provenance, encode_book(book))


def encode_book(book: Book) -> bytes:
    """Returns a book as the content of a payload."""
    document = {
        "format": FORMAT,
        "venue": book.venue,
        "symbol": book.symbol,
        "underlying": book.underlying.asset,
        "multiplier": book.underlying.multiplier,
        "time": microseconds(book.observed_at),
        "contract_usd": book.contract_usd,
        "source": book.source,
        "bids": book.bids.tolist(),
        "asks": book.asks.tolist(),
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def decode_book(payload: Payload) -> Book:
    """Returns the book of a payload. Raises UnreadablePayloadError: not such a payload."""
    return decoded(payload, FORMAT, _book, "books")


def _book(document: Mapping[str, Any]) -> Book:
    return Book(
        document["venue"],
        document["symbol"],
        Underlying(document["underlying"], document["multiplier"]),
        utc_time(document["time"]),
        np.array(document["bids"], dtype=np.float64),
        np.array(document["asks"], dtype=np.float64),
        document["contract_usd"],
        document["source"],
    )


def read_books(
    archive: Archive, entries: Iterable[Entry], wanted: Wanted = lambda _: True
) -> tuple[tuple[Book, ...], tuple[Defect, ...]]:
    """Returns the wanted books of an archive in order of time, and what could not be read.

    ``wanted`` decides by the parameters of a call: venue, symbol, underlying and time.
    """
    books, defects = read_decoded(archive, entries, METHOD, wanted, decode_book)
    books.sort(key=lambda book: (book.observed_at, book.venue, book.symbol))
    return tuple(books), tuple(defects)
