"""Connection to one venue: a ccxt client whose calls are paced, limited, repeated and captured."""

import asyncio
from collections.abc import Awaitable, Callable
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
    UnreadablePayloadError,
    decode,
)
from harmonize.version import VERSION
from venues.adapter import VenueAdapter
from venues.gathering import http_session, responses
from venues.gathering.credentials import NONE, Credentials
from venues.gathering.responses import RawResponse

Client = Exchange
"""Client of a venue, as ccxt provides it."""

Session = aiohttp.ClientSession
"""HTTP session that all venues share."""

MAX_CONCURRENT_CALLS = 8
"""Largest number of concurrent calls per venue."""

MAX_CONSECUTIVE_FAILURES = 8
"""Number of consecutive failed calls after which a venue is abandoned."""


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


class RefusedError(Exception):
    """A venue that cannot be gathered; the message is the reason, in one line."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Response to one call: as received, and as ccxt reads it.

    ``asked_at`` is when the call was sent, by the earlier of the venue's clock and ours.
    """

    payload: Payload
    result: object
    asked_at: datetime


@dataclass(slots=True)
class VenueConnection:
    """State of the calls to one venue: requests made and consecutive failures.

    ``free_at`` is the loop time before which no call may start.
    """

    adapter: VenueAdapter
    session: aiohttp.ClientSession
    options: GatherOptions
    credentials: Credentials
    requests: int = 0
    consecutive_failures: int = 0
    free_at: float = 0.0
    slots: asyncio.Semaphore = field(
        default_factory=partial(asyncio.Semaphore, MAX_CONCURRENT_CALLS)
    )
    client: Exchange | None = None

    def connect(self) -> Exchange:
        """Ccxt client that uses the shared session, counts requests and calls the mirror, if any."""
        base = exchange_class(self.adapter)
        mirror, connection = self.options.mirror.rstrip("/"), self

        async def fetch(
            exchange: Exchange,
            url: str,
            method: str = "GET",
            headers: object = None,
            body: object = None,
        ) -> object:
            connection.requests += 1
            if mirror:
                url = f"{mirror}/{connection.adapter.venue}/{url.partition('://')[2]}"
            return await base.fetch(exchange, url, method, headers, body)

        config = {
            "session": self.session,
            "ssl_context": False,  # the session has its own
            "timeout": int(self.options.timeout * 1000),
            "enableRateLimit": self.options.paced,
            **self.credentials.values,
        }
        return type(base.__name__, (base,), {"fetch": fetch})(config)

    async def close(self) -> None:
        """Closes the ccxt client; the HTTP session is shared and stays open."""
        if self.client is not None:
            await self.client.close()

    async def call(
        self, request: str, call: Call, send: Callable[[], Awaitable[object]]
    ) -> Answered:
        """Makes one call and retries it, after a delay, while the failure may be temporary.

        ``request`` names the call in messages. Raises RefusedError.
        """
        attempts = 0
        async with self.slots:
            while True:
                await self._wait_until_free()
                response = RawResponse()
                http_session.RESPONSE.set(response)
                try:
                    return await self._attempt(request, call, send, response)
                except ccxt.OperationFailed as error:
                    attempts += 1
                    self._delay_or_refuse(request, error, response, attempts)
                except ccxt.BaseError as error:
                    raise RefusedError(self._call_error(request, error, response)) from error

    async def _attempt(
        self,
        request: str,
        call: Call,
        send: Callable[[], Awaitable[object]],
        response: RawResponse,
    ) -> Answered:
        """Makes one request and checks that its response is JSON. Raises a ccxt error.

        The body is checked before ccxt's parser counts, because some parsers fail if it is not JSON.
        """
        sent_at = self.options.now()
        result: object = None
        parser_error: Exception | None = None
        try:
            result = await send()
        except ccxt.OperationFailed:
            raise
        except Exception as error:
            if not response.content:
                raise
            parser_error = error
        if responses.is_redirect(response.status):
            raise ccxt.BadRequest
        payload = self._payload(request, call, response)
        try:
            decode(payload)
        except UnreadablePayloadError as error:
            reason = f"the response is {error.reason}"
            raise ccxt.BadResponse(reason) from error
        if parser_error is not None:
            raise _as_ccxt_error(parser_error, response.status) from parser_error
        self.consecutive_failures = 0
        return Answered(payload, result, responses.earlier_clock(response.date, sent_at))

    def _delay_or_refuse(
        self, request: str, error: Exception, response: RawResponse, attempts: int
    ) -> None:
        """Sets when the venue may be called again. Raises RefusedError if it may not."""
        self.consecutive_failures += 1
        reason = self._call_error(request, error, response)
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

    def _payload(self, request: str, call: Call, response: RawResponse) -> Payload:
        now = self.options.now()
        source = self.options.mirror or self.adapter.host
        provenance = Provenance(
            Origin.LIVE,
            f"{source}, HTTP status {response.status}, by ccxt {ccxt.__version__} "
            f"{self.adapter.ccxt_class or self.adapter.venue}, harmonize {VERSION}",
            responses.dating(response.date, now),
            request,
        )
        return Payload.of(self.adapter.venue, call, now, provenance, response.content)

    def _call_error(self, request: str, error: Exception, response: RawResponse) -> str:
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
        return f"{request}: {responses.one_line(message, self.credentials)}"


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


def exchange_class(adapter: VenueAdapter) -> type[Exchange]:
    """Ccxt class that makes the calls of a venue."""
    ccxt_class: type[Exchange] = getattr(ccxt, adapter.ccxt_class or adapter.venue)
    return ccxt_class
