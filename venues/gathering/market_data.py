"""Gathers candles, funding and open interest of perpetuals with ccxt, page by page.

The calls are paced, limited and repeated like those for margins. They are public: no key is sent.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from harmonize.core.payload import Call
from venues.adapter import VenueAdapter
from venues.gathering import http_session, responses
from venues.gathering.concurrent_venues import concurrently
from venues.gathering.connection import (
    MAX_CONSECUTIVE_FAILURES,
    Answered,
    Client,
    GatherOptions,
    RefusedError,
    Session,
    VenueConnection,
)
from venues.gathering.contracts import PerpetualContract, choose_contracts
from venues.gathering.credentials import NONE
from venues.gathering.market_series import (
    DAY,
    HOUR,
    GatheredSeries,
    MissingSeries,
    SeriesKey,
    SeriesKind,
    VenueMarketData,
)
from venues.gathering.market_units import units_of

PAGE_ROWS = 200
"""Rows requested per page if ccxt states no limit of the venue."""

MAX_PAGE_ROWS = 1000

LEAST_PAGE_ROWS = 10

FUNDING_PAGE_ROWS = 100
"""Rows of funding per page, which every known venue serves."""

FUNDING_HOURS = 8
"""Longest interval of funding of known venues, by which an empty page of rates is skipped."""

MAX_PAGES = 400
"""Largest number of pages per series, so that a venue that ignores the time requested stops."""


_CONTRACT_TYPES = frozenset({"swap", "linear", "inverse", "contract"})
"""Types of markets, in ccxt's options of venues, that contain perpetuals."""


_CANDLES = {
    SeriesKind.PERP: ("fetchOHLCV", "fetch_ohlcv"),
    SeriesKind.MARK: ("fetchMarkOHLCV", "fetch_mark_ohlcv"),
    SeriesKind.INDEX: ("fetchIndexOHLCV", "fetch_index_ohlcv"),
}
"""Name of the capability and of the method of ccxt, per kind of candles."""


@dataclass(frozen=True, slots=True)
class MarketDataRequest:
    """What to gather: the underlying assets, and the time from which each series is wanted.

    ``since`` returns a time for a series, from which on its candles are not archived yet.
    """

    underlyings: Collection[str]
    since: Callable[[SeriesKey], datetime]


async def gather_market_data(
    adapters: Iterable[VenueAdapter], request: MarketDataRequest, options: GatherOptions
) -> AsyncGenerator[VenueMarketData, None]:
    """Gathers all venues concurrently; yields each as soon as it is available."""
    async with http_session.open_session() as session:
        venues = [_venue(adapter, session, request, options) for adapter in adapters]
        async with aclosing(concurrently(venues)) as completed:
            async for venue in completed:
                yield venue


async def _venue(
    adapter: VenueAdapter,
    session: Session,
    request: MarketDataRequest,
    options: GatherOptions,
) -> VenueMarketData:
    """Gathers one venue; any error ends that venue alone and keeps the series read before it."""
    started = asyncio.get_running_loop().time()
    connection = VenueConnection(adapter, session, options, NONE)
    gathering = _VenueGathering(adapter.venue, connection, request)
    failure = ""
    if adapter.closure_reason:
        gathering.miss("any series", adapter.closure_reason)
    else:
        try:
            async with asyncio.timeout(options.budget):
                await gathering.gather()
        except TimeoutError:
            failure = f"not complete within {options.budget:g} s; gather again to continue"
        except Exception as error:  # noqa: BLE001 - the boundary of one venue
            text = (
                str(error) if isinstance(error, RefusedError | _AbandonedError) else _text_of(error)
            )
            failure = responses.one_line(text, NONE)
        finally:
            await connection.close()
    return VenueMarketData(
        adapter.venue,
        tuple(sorted(gathering.series, key=lambda series: str(series.key))),
        tuple(sorted(gathering.missing, key=lambda missing: (missing.what, missing.reason))),
        connection.requests,
        asyncio.get_running_loop().time() - started,
        failure,
    )


def _text_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


class _AbandonedError(Exception):
    """A venue whose calls fail one after the other; the message is the last reason."""


@dataclass(slots=True)
class _VenueGathering:
    """Market data of one venue so far."""

    venue: str
    connection: VenueConnection
    request: MarketDataRequest
    series: list[GatheredSeries] = field(default_factory=list)
    missing: list[MissingSeries] = field(default_factory=list)

    async def gather(self) -> None:
        """Reads the venue's markets, then every series. Raises RefusedError, _AbandonedError."""
        client: Client = self.connection.connect()
        self.connection.client = client
        _only_contracts(client)
        await self.connection.call("markets", Call("loadMarkets"), client.load_markets)
        if not client.markets:
            reason = "markets: no contract in the responses"
            raise RefusedError(reason)
        contracts = choose_contracts(self.venue, client.markets, self.request.underlyings)
        if not contracts:
            self.miss("perpetuals", "none on the requested underlyings")
        keys = [key for contract in contracts for key in self._keys(client, contract)]
        tasks = [asyncio.ensure_future(self._gather_series(client, key)) for key in keys]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    def _keys(self, client: Client, contract: PerpetualContract) -> list[SeriesKey]:
        """Returns the series that the venue offers of a contract."""
        keys = []
        for kind, (capability, _) in _CANDLES.items():
            for interval, name in ((DAY, "1d"), (HOUR, "1h")):
                if client.has.get(capability) and name in (client.timeframes or {}):
                    keys.append(SeriesKey(self.venue, kind, contract, interval))
        if client.has.get("fetchFundingRateHistory"):
            keys.append(SeriesKey(self.venue, SeriesKind.FUNDING, contract, 0))
        if client.has.get("fetchOpenInterestHistory"):
            keys.append(SeriesKey(self.venue, SeriesKind.OPEN_INTEREST, contract, DAY))
        offered = {key.kind for key in keys}
        for kind in SeriesKind:
            if kind not in offered:
                self.miss(kind, "not offered by the venue's API")
        return keys

    async def _gather_series(self, client: Client, key: SeriesKey) -> None:
        try:
            gathered = await self._pages(client, key)
        except RefusedError as error:
            reason = str(error)
            if self.connection.consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
                raise _AbandonedError(reason) from error
            self.miss(str(key), responses.one_line(reason, NONE))
        except Exception as error:  # noqa: BLE001 - whatever a parser raises concerns one series
            self.miss(str(key), responses.one_line(_text_of(error), NONE))
        else:
            if isinstance(gathered, GatheredSeries):
                self.series.append(gathered)
            elif gathered:
                self.miss(str(key), gathered)

    def miss(self, what: str, reason: str) -> None:
        """Records what the venue does not give, once."""
        missing = MissingSeries(self.venue, what, reason)
        if missing not in self.missing:
            self.missing.append(missing)

    async def _pages(self, client: Client, key: SeriesKey) -> GatheredSeries | str:
        """Reads a series page by page up to now; returns why there is none if it has no row.

        Some venues answer nothing for a time before the listing, others ignore the time requested.
        Each page therefore moves on by the time that it could hold, or to its last row if it has one.
        """
        page_rows = _page_rows(client, key)
        step = (key.interval or FUNDING_HOURS * HOUR) * 1000
        cursor = _milliseconds(self.request.since(key))
        now = _milliseconds(self.connection.options.now())
        rows: dict[int, tuple[float | None, ...]] = {}
        answers: list[Answered] = []
        is_first = key.interval > 0
        while cursor < now and len(answers) < MAX_PAGES:
            answered = await self._page(client, key, cursor, page_rows)
            answers.append(answered)
            page = _rows_from(answered, key, cursor)
            if is_first and page and _time(page[0]) > cursor and len(page) < page_rows:
                # Either the contract was listed later, or the venue has a smaller limit of its own and
                # answers the newest rows of the time asked for. Shorter times lose none.
                is_first, page_rows = False, max(len(page), LEAST_PAGE_ROWS)
                continue
            new = [row for row in page if _time(row) not in rows]
            rows |= {_time(row): row for row in new}
            cursor = max(rows) + (step if key.interval else 1) if new else cursor + page_rows * step
        if not answers:
            return ""  # up to date
        if not rows:
            return "no rows in the responses"
        last = answers[-1]
        provenance = last.payload.provenance
        return GatheredSeries(
            key,
            tuple(rows[time] for time in sorted(rows)),
            last.asked_at,
            provenance.source,
            provenance.dating,
            provenance.request,
            tuple(answered.payload.sha256 for answered in answers),
            units_of(key.venue),
        )

    async def _page(self, client: Client, key: SeriesKey, cursor: int, page_rows: int) -> Answered:
        symbol = key.contract.symbol
        timeframe = {HOUR: "1h", DAY: "1d"}.get(key.interval, "")
        method, send = _call_of(client, key, timeframe, cursor, page_rows)
        params = (("limit", str(page_rows)), ("since", str(cursor)), ("symbol", symbol))
        return await self.connection.call(f"{method} {symbol} {timeframe}".rstrip(), Call(method, params), send)  # fmt: skip


def _call_of(
    client: Client, key: SeriesKey, timeframe: str, cursor: int, page_rows: int
) -> tuple[str, Callable[[], Awaitable[object]]]:
    """Returns ccxt's name of a method, and the call of one page."""
    symbol = key.contract.symbol
    if key.kind is SeriesKind.FUNDING:
        name, function = "fetchFundingRateHistory", client.fetch_funding_rate_history
        return name, lambda: function(symbol, cursor, page_rows)
    if key.kind is SeriesKind.OPEN_INTEREST:
        name, function = "fetchOpenInterestHistory", client.fetch_open_interest_history
    else:
        name, method = _CANDLES[key.kind]
        function = getattr(client, method)
    return name, lambda: function(symbol, timeframe, cursor, page_rows)


def _page_rows(client: Client, key: SeriesKey) -> int:
    """Returns how many rows a page can have: the venue's limit as ccxt states it."""
    if key.kind in {SeriesKind.FUNDING, SeriesKind.OPEN_INTEREST}:
        return FUNDING_PAGE_ROWS
    features = client.features or {}
    swap = features.get("swap") or {}
    of_type = (swap.get("linear" if key.contract.is_linear else "inverse") or swap) or {}
    stated = of_type.get("fetchOHLCV") or {}
    limit = stated.get(key.kind.value) or stated.get("limit") or PAGE_ROWS
    return min(int(limit), MAX_PAGE_ROWS)


def _rows_from(answered: Answered, key: SeriesKey, cursor: int) -> list[tuple[float | None, ...]]:
    """Returns the rows of a page from a time on, in order of time. Raises RefusedError."""
    rows = [row for row in _rows(answered.result, key) if _time(row) >= cursor]
    return sorted(rows, key=_time)


def _time(row: tuple[float | None, ...]) -> int:
    return int(row[0] or 0)


def _rows(result: object, key: SeriesKey) -> list[tuple[float | None, ...]]:
    """Returns the rows of a page as numbers. Raises RefusedError: a row that is none."""
    rows = []
    for number, row in enumerate(result if isinstance(result, list) else [], 1):
        values = _values(row, key.kind)
        if not values or not isinstance(values[0], int | float):
            reason = f"row {number} of a page is no {key.kind} with a time"
            raise RefusedError(reason)
        rows.append(values)
    return rows


_FIELDS = {
    SeriesKind.FUNDING: ("timestamp", "fundingRate"),
    SeriesKind.OPEN_INTEREST: ("timestamp", "openInterestAmount", "openInterestValue"),
}
"""Fields of ccxt's structures that are not candles."""

_CANDLE_FIELDS = 6


def _values(row: object, kind: SeriesKind) -> tuple[float | None, ...]:
    if kind in _FIELDS:
        return tuple(row.get(name) for name in _FIELDS[kind]) if isinstance(row, dict) else ()
    if not isinstance(row, list) or len(row) < _CANDLE_FIELDS:
        return ()
    return tuple(row[:_CANDLE_FIELDS])


def _only_contracts(client: Client) -> None:
    """Makes ccxt request the lists of contracts only, where it can choose, and no currencies."""
    client.has["fetchCurrencies"] = False
    options = client.options.get("fetchMarkets")
    if isinstance(options, dict) and isinstance(options.get("types"), list):
        types = [name for name in options["types"] if name in _CONTRACT_TYPES]
        options["types"] = types or options["types"]


def _milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
