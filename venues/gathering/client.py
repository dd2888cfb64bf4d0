"""Gathers payloads with ccxt at the pace of its rate limits; keeps responses byte for byte."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
from ccxt.async_support.base.exchange import Exchange

from harmonize.core.payload import Call, Payload, Snapshot, UnreadablePayloadError, decode
from venues.adapter import Access, Endpoint, Purpose, VenueAdapter
from venues.calls import EmptyPageError, Params
from venues.gathering import http_session, responses
from venues.gathering.concurrent_venues import concurrently
from venues.gathering.connection import (
    GatherOptions,
    RefusedError,
    VenueConnection,
    exchange_class,
)
from venues.gathering.credentials import Credentials
from venues.gathering.outcome import Failed, Gathered, Outcome, Skipped
from venues.gathering.plan import reason_to_skip

MAX_PAGES = 2000
"""Largest number of pages followed; more than any venue has, so that an endless cursor stops."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of one venue: calls completed, calls planned so far, and requests made."""

    venue: str
    completed: int
    planned: int
    requests: int
    request: str


async def gather(
    adapters: Iterable[VenueAdapter],
    options: GatherOptions,
    on_progress: Callable[[Progress], None],
) -> AsyncGenerator[Outcome, None]:
    """Gathers all venues concurrently; yields each outcome as soon as it is available."""
    async with http_session.open_session() as session:
        outcomes = [_outcome(adapter, session, options, on_progress) for adapter in adapters]
        async with aclosing(concurrently(outcomes)) as completed:
            async for outcome in completed:
                yield outcome


async def _outcome(
    adapter: VenueAdapter,
    session: aiohttp.ClientSession,
    options: GatherOptions,
    on_progress: Callable[[Progress], None],
) -> Outcome:
    """Gathers one venue; any error becomes the outcome of that venue alone."""
    credentials = options.keys(adapter.venue)
    skip_reason = reason_to_skip(adapter, keyed=bool(credentials.values))
    if skip_reason:
        return Skipped(adapter.venue, skip_reason)
    loop = asyncio.get_running_loop()
    started = loop.time()
    connection = VenueConnection(adapter, session, options, credentials)
    venue = _VenueSession(adapter, connection, options, credentials, on_progress)
    try:
        async with asyncio.timeout(options.budget):
            snapshot = await venue.gather_snapshot()
        return Gathered(snapshot, connection.requests, loop.time() - started, tuple(venue.missing))
    except Exception as error:  # noqa: BLE001 - the boundary of one venue
        reason = venue.failure_reason(error)
    finally:
        await connection.close()
    seconds = loop.time() - started
    return Failed(
        adapter.venue, options.now(), reason, connection.requests, seconds, tuple(venue.payloads)
    )


@dataclass(slots=True)
class _VenueSession:
    """State of gathering one venue: payloads so far, and call counts."""

    adapter: VenueAdapter
    connection: VenueConnection
    options: GatherOptions
    credentials: Credentials
    on_progress: Callable[[Progress], None]
    payloads: list[Payload] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    completed_calls: int = 0
    planned_calls: int = 0

    async def gather_snapshot(self) -> Snapshot:
        """Calls every endpoint in order. Raises RefusedError, UnreadablePayloadError."""
        self.connection.client = self.connection.connect()
        last = self.options.now()
        for endpoint in self.adapter.endpoints:
            if endpoint.access is Access.KEY and not self.credentials.values:
                continue
            try:
                payloads = await self._call_endpoint(endpoint)
            except (RefusedError, UnreadablePayloadError) as error:
                if endpoint.required:
                    raise
                reason = responses.one_line(str(error), self.credentials)
                self.missing.append(f"{endpoint.request}: {reason}")
                continue
            self.payloads += payloads
            if endpoint.purpose is Purpose.MARGIN:
                last = max((last, *(payload.observed_at for payload in payloads)))
        self.payloads += self.adapter.documented_payloads()
        snapshot = self._snapshot_so_far(last)
        omission = self.adapter.completeness_error(snapshot)
        if omission:
            raise RefusedError(omission)
        return snapshot

    def failure_reason(self, error: Exception) -> str:
        """Reason why the venue could not be gathered, in one line without secrets."""
        match error:
            case TimeoutError():
                calls = f"{self.completed_calls} of {self.planned_calls} calls completed"
                reason = f"no complete response within {self.options.budget:g} s: {calls}"
            case RefusedError():
                reason = str(error)
            case UnreadablePayloadError():
                reason = f"cannot read a response: {error}"
            case _:
                reason = f"{type(error).__name__}: {error}"
        return responses.one_line(reason, self.credentials)

    def _snapshot_so_far(self, at: datetime) -> Snapshot:
        return Snapshot(self.adapter.venue, at, tuple(self.payloads), complete=True)

    async def _call_endpoint(self, endpoint: Endpoint) -> list[Payload]:
        """Makes every planned call of an endpoint and follows the pages of each."""
        plan = list(endpoint.call_plan(self._snapshot_so_far(self.options.now())))
        self.planned_calls += len(plan)
        chains = await _gather_or_cancel(self._pages(endpoint, params) for params in plan)
        payloads = [payload for chain in chains for payload in chain]
        if endpoint.required and not any(
            responses.holds_rows(decode(payload)) for payload in payloads
        ):
            reason = f"{endpoint.request}: the response has no rows"
            raise RefusedError(reason)
        return payloads

    async def _pages(self, endpoint: Endpoint, params: Params) -> list[Payload]:
        """Follows one call to its last page.

        Raises RefusedError if a page repeats or there are more than ``MAX_PAGES``.
        """
        pages: list[Payload] = []
        next_params: Params | None = params
        while next_params is not None:
            page = await self._call(endpoint, next_params)
            for number, earlier in enumerate(pages, start=1):
                if earlier.sha256 == page.sha256 or earlier.call == page.call:
                    reason = f"page {len(pages) + 1} of {endpoint.request} repeats page {number}"
                    raise RefusedError(reason)
            if len(pages) == MAX_PAGES:
                reason = f"{endpoint.request}: no last page within {MAX_PAGES} pages"
                raise RefusedError(reason)
            if endpoint.next_page is None:
                return [page]
            try:
                next_params = endpoint.next_page(next_params, decode(page))
            except EmptyPageError:
                return pages
            pages.append(page)
            self.planned_calls += next_params is not None
        return pages

    def _report_progress(self, params: Params) -> None:
        planned = max(self.planned_calls, self.completed_calls)
        venue, completed = self.adapter.venue, self.completed_calls
        self.on_progress(Progress(venue, completed, planned, self.connection.requests, str(params)))

    async def _call(self, endpoint: Endpoint, params: Params) -> Payload:
        """Makes one call. Raises RefusedError."""
        arguments = {
            name: json.loads(value) if name in endpoint.typed else value for name, value in params
        }
        method: Callable[[object], Awaitable[object]] = getattr(
            self.connection.client, endpoint.method
        )
        call = Call(endpoint.method, params)
        answered = await self.connection.call(endpoint.request, call, lambda: method(arguments))
        self.completed_calls += 1
        self._report_progress(params)
        return answered.payload


async def _gather_or_cancel(calls: Iterable[Awaitable[list[Payload]]]) -> list[list[Payload]]:
    """Runs calls concurrently; if one fails, cancels the others and raises its error alone."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def costs(adapter: VenueAdapter, calls: Iterable[tuple[Endpoint, Params]]) -> list[float]:
    """Seconds by which ccxt's rate limiter delays the venue's next call, for each of ``calls``."""
    base = exchange_class(adapter)

    def request(  # noqa: PLR0913, PLR0917 - ccxt's signature
        exchange: Exchange,
        path: str,
        api: list[str],
        method: str,
        params: object,
        config: dict[str, object],
    ) -> float:
        weight = exchange.calculate_rate_limiter_cost(api, method, path, params, config)
        return float(weight) * float(exchange.rateLimit) / 1000

    exchange = type(base.__name__, (base,), {"request": request})()
    return [getattr(exchange, endpoint.method)(dict(params)) for endpoint, params in calls]
