"""Gathers payloads with ccxt at the pace of its rate limits; keeps responses byte for byte."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import aiohttp
import ccxt.async_support as ccxt
from ccxt.async_support.base.exchange import Exchange

from harmonize.core.payload import (
    Call,
    Origin,
    Payload,
    Provenance,
    Snapshot,
    UnreadablePayloadError,
    decode,
)
from harmonize.version import VERSION
from venues.adapter import Access, Endpoint, Purpose, VenueAdapter
from venues.calls import EmptyPageError, Params
from venues.gathering import http_session, responses
from venues.gathering.credentials import NONE, Credentials
from venues.gathering.outcome import Failed, Gathered, Outcome, Skipped
from venues.gathering.plan import reason_to_skip
from venues.gathering.responses import RawResponse

MAX_CONCURRENT_CALLS = 8
"""Largest number of concurrent calls per venue."""

MAX_CONSECUTIVE_FAILURES = 8
"""Number of consecutive failed calls after which a venue is abandoned."""

MAX_PAGES = 2000
"""Largest number of pages followed; more than any venue has, so that an endless cursor stops."""


@dataclass(frozen=True, slots=True)
class GatherOptions:
    """Options for gathering; durations are in seconds."""

    budget: float  # time limit per venue
    jitter: Callable[[], float]  # number in [0, 1) for the jitter of retries
    now: Callable[[], datetime]
    keys: Callable[[str], Credentials] = lambda _: NONE
    mirror: str = ""  # base URL called instead of the venues, as ``mirror/venue/host/path``
    max_attempts: int = 4  # per call
    timeout: float = 10.0  # per request
    backoff: float = 0.5  # base of the retry delay
    paced: bool = True  # False in tests without rate limits


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of one venue: calls completed, calls planned so far, and requests made."""

    venue: str
    completed: int
    planned: int
    requests: int
    request: str


class RefusedError(Exception):
    """A venue that cannot be gathered; the message is the reason, in one line."""


async def gather(
    adapters: Iterable[VenueAdapter],
    options: GatherOptions,
    on_progress: Callable[[Progress], None],
) -> AsyncGenerator[Outcome, None]:
    """Gathers all venues concurrently; yields each outcome as soon as it is available."""
    async with http_session.open_session() as session:
        tasks = [
            asyncio.ensure_future(_outcome(adapter, session, options, on_progress))
            for adapter in adapters
        ]
        try:
            for completed in asyncio.as_completed(tasks):
                yield await completed
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


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
    venue = _VenueSession(adapter, session, options, credentials, on_progress)
    try:
        async with asyncio.timeout(options.budget):
            snapshot = await venue.gather_snapshot()
        return Gathered(snapshot, venue.requests, loop.time() - started, tuple(venue.missing))
    except Exception as error:  # noqa: BLE001 - the boundary of one venue
        reason = venue.failure_reason(error)
    finally:
        await venue.close()
    seconds = loop.time() - started
    return Failed(
        adapter.venue, options.now(), reason, venue.requests, seconds, tuple(venue.payloads)
    )


@dataclass(slots=True)
class _VenueSession:
    """State of gathering one venue: payloads so far, call counts and consecutive failures.

    ``free_at`` is the loop time before which no call may start.
    """

    adapter: VenueAdapter
    session: aiohttp.ClientSession
    options: GatherOptions
    credentials: Credentials
    on_progress: Callable[[Progress], None]
    payloads: list[Payload] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    requests: int = 0
    completed_calls: int = 0
    planned_calls: int = 0
    consecutive_failures: int = 0
    free_at: float = 0.0
    slots: asyncio.Semaphore = field(
        default_factory=partial(asyncio.Semaphore, MAX_CONCURRENT_CALLS)
    )
    client: Exchange | None = None

    async def gather_snapshot(self) -> Snapshot:
        """Calls every endpoint in order. Raises RefusedError, UnreadablePayloadError."""
        self.client = self._connect()
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

    async def close(self) -> None:
        """Closes the ccxt client; the HTTP session is shared and stays open."""
        if self.client is not None:
            await self.client.close()

    def _connect(self) -> Exchange:
        """Ccxt client that uses the shared session, counts requests and calls the mirror, if any."""
        base = exchange_class(self.adapter)
        mirror, venue_session = self.options.mirror.rstrip("/"), self

        async def fetch(
            exchange: Exchange,
            url: str,
            method: str = "GET",
            headers: object = None,
            body: object = None,
        ) -> object:
            venue_session.requests += 1
            if mirror:
                url = f"{mirror}/{venue_session.adapter.venue}/{url.partition('://')[2]}"
            return await base.fetch(exchange, url, method, headers, body)

        config = {
            "session": self.session,
            "ssl_context": False,  # the session has its own
            "timeout": int(self.options.timeout * 1000),
            "enableRateLimit": self.options.paced,
            **self.credentials.values,
        }
        return type(base.__name__, (base,), {"fetch": fetch})(config)

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

    async def _call(self, endpoint: Endpoint, params: Params) -> Payload:
        """Makes one call and retries it, after a delay, while the failure may be temporary."""
        attempts = 0
        async with self.slots:
            while True:
                await self._wait_until_free()
                response = RawResponse()
                http_session.RESPONSE.set(response)
                try:
                    return await self._attempt(endpoint, params, response)
                except ccxt.OperationFailed as error:
                    attempts += 1
                    self._delay_or_refuse(endpoint, error, response, attempts)
                except ccxt.BaseError as error:
                    raise RefusedError(self._call_error(endpoint, error, response)) from error

    async def _attempt(self, endpoint: Endpoint, params: Params, response: RawResponse) -> Payload:
        """Makes one request and checks that its response is JSON. Raises a ccxt error."""
        parser_error = await self._request(endpoint, params, response)
        if responses.is_redirect(response.status):
            raise ccxt.BadRequest
        payload = self._payload(endpoint, params, response)
        try:
            decode(payload)
        except UnreadablePayloadError as error:
            reason = f"the response is {error.reason}"
            raise ccxt.BadResponse(reason) from error
        if parser_error is not None:
            raise _as_ccxt_error(parser_error, response.status) from parser_error
        self.consecutive_failures = 0
        self.completed_calls += 1
        self._report_progress(params)
        return payload

    def _report_progress(self, params: Params) -> None:
        planned = max(self.planned_calls, self.completed_calls)
        venue, completed = self.adapter.venue, self.completed_calls
        self.on_progress(Progress(venue, completed, planned, self.requests, str(params)))

    async def _request(
        self, endpoint: Endpoint, params: Params, response: RawResponse
    ) -> Exception | None:
        """Sends one request; returns the error of ccxt's parser if a body was received.

        The caller first checks that the body is JSON, because some ccxt parsers fail if it is not.
        """
        arguments = {
            name: json.loads(value) if name in endpoint.typed else value for name, value in params
        }
        method: Callable[[object], Awaitable[object]] = getattr(self.client, endpoint.method)
        try:
            await method(arguments)
        except ccxt.OperationFailed:
            raise
        except Exception as error:
            if not response.content:
                raise
            return error
        return None

    def _delay_or_refuse(
        self, endpoint: Endpoint, error: Exception, response: RawResponse, attempts: int
    ) -> None:
        """Sets when the venue may be called again. Raises RefusedError if it may not."""
        self.consecutive_failures += 1
        reason = self._call_error(endpoint, error, response)
        if response.status in responses.PERMANENT_STATUSES or attempts >= self.options.max_attempts:
            raise RefusedError(reason) from error
        if self.consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
            reason = f"{MAX_CONSECUTIVE_FAILURES} consecutive calls failed, the last with {reason}"
            raise RefusedError(reason) from error
        backoff = self.options.backoff * 2**attempts * (0.5 + self.options.jitter() / 2)
        retry_after = responses.seconds_to_wait(response.retry_after, self.options.now())
        if retry_after > self.options.budget:
            reason = f"{reason}; the venue requests a delay of {retry_after:.0f} s"
            raise RefusedError(reason) from error
        loop = asyncio.get_running_loop()
        self.free_at = max(self.free_at, loop.time() + max(backoff, retry_after))

    async def _wait_until_free(self) -> None:
        """Delays all calls of the venue until ``free_at``."""
        loop = asyncio.get_running_loop()
        while (delay := self.free_at - loop.time()) > 0:  # noqa: ASYNC110 - free_at may change meanwhile
            await asyncio.sleep(delay)

    def _payload(self, endpoint: Endpoint, params: Params, response: RawResponse) -> Payload:
        now = self.options.now()
        source = self.options.mirror or self.adapter.host
        provenance = Provenance(
            Origin.LIVE,
            f"{source}, HTTP status {response.status}, by ccxt {ccxt.__version__} "
            f"{self.adapter.ccxt_class or self.adapter.venue}, harmonize {VERSION}",
            responses.dating(response.date, now),
            endpoint.request,
        )
        return Payload.of(
            self.adapter.venue, Call(endpoint.method, params), now, provenance, response.content
        )

    def _call_error(self, endpoint: Endpoint, error: Exception, response: RawResponse) -> str:
        """Message for a failed call, without URLs because those of private calls are signed."""
        if responses.is_redirect(response.status):
            message = f"HTTP status {response.status}, a redirect, which is not followed"
        elif response.status >= 400:  # noqa: PLR2004 - HTTP: an error from here on
            message = f"HTTP status {response.status}"
            if response.status in {403, 451}:
                message += ", which venues return to locations or addresses that they block"
        elif isinstance(error, ccxt.RequestTimeout):
            message = f"no response within {self.options.timeout:g} s"
        elif not response.content:
            cause = error.__cause__ or error
            message = f"no response ({type(cause).__name__})"
        else:
            message = f"{type(error).__name__}: {error}"
        return f"{endpoint.request}: {responses.one_line(message, self.credentials)}"


def _as_ccxt_error(error: Exception, status: int) -> Exception:
    """Ccxt error for a parser error; the HTTP status decides, because parsers fail on error bodies."""
    ccxt_error: Exception = error
    if status in responses.BUSY_STATUSES:
        ccxt_error = ccxt.RateLimitExceeded(str(error))
    elif status >= 500 or status == 408:  # noqa: PLR2004 - HTTP: the server's errors, a timeout
        ccxt_error = ccxt.ExchangeNotAvailable(str(error))
    elif not isinstance(error, ccxt.BaseError):
        ccxt_error = ccxt.BadResponse(f"ccxt: {error}")
    return ccxt_error


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


def exchange_class(adapter: VenueAdapter) -> type[Exchange]:
    """Ccxt class that makes the calls of a venue."""
    ccxt_class: type[Exchange] = getattr(ccxt, adapter.ccxt_class or adapter.venue)
    return ccxt_class


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
