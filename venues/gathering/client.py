"""The only network: real ccxt calls at the pace of its rate limiters, answers kept byte for byte."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version

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
from venues.adapter import Access, Endpoint, Purpose, VenueAdapter
from venues.calls import Params, PastTheEndError
from venues.gathering.credentials import NONE, Credentials
from venues.gathering.outcome import Failed, Gathered, Outcome, Skipped
from venues.gathering.plan import skipped
from venues.gathering.reachability import trusted
from venues.gathering.responses import dating, holds_rows, plain, seconds_to_wait

IN_FLIGHT = 8
"""The most calls of one venue that wait at once."""

MAX_CONSECUTIVE_FAILURES = 8
"""After this many failed calls in a row a venue is asked no more."""

LARGEST = 128 * 2**20
"""Bytes of one answer, unpacked, above which it is not read on."""

PAGES = 2000
"""More pages than any venue has; a cursor that never ends stops here."""

_BUSY = frozenset({418, 425, 429})
"""HTTP statuses that ask to come back later."""

_FINAL = frozenset({401, 403, 404, 405, 410, 451})
"""HTTP statuses that asking again does not mend."""


@dataclass(frozen=True, slots=True)
class GatherOptions:
    """How to gather. ``budget`` is the seconds one venue may take; all are asked at once.

    ``mirror`` is a base URL that is asked instead of the venues, as ``mirror/venue/host/path``.
    ``now`` and ``chance`` (a number in [0, 1) for the jitter of retries) are injected; so is
    ``paced``, False where a test has no rate limit to keep.
    """

    budget: float
    chance: Callable[[], float]
    now: Callable[[], datetime]
    keys: Callable[[str], Credentials] = lambda _: NONE
    mirror: str = ""
    tries: int = 4
    timeout: float = 10.0
    backoff: float = 0.5
    paced: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one venue is: calls answered, calls known to be due so far, requests made."""

    venue: str
    done: int
    due: int
    requests: int
    request: str


class RefusedError(Exception):
    """A venue that cannot be gathered: one line that says why."""


@dataclass(slots=True)
class RawResponse:
    """What came back over the wire for one request."""

    content: bytes = b""
    status: int = 0
    retry_after: str = ""
    date: str = ""


_HEARD: ContextVar[RawResponse] = ContextVar("heard")


class _Listening(aiohttp.ClientResponse):
    """A response whose bytes are noted for the request that waits for it."""

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        heard = _HEARD.get()
        heard.status = self.status
        heard.retry_after = self.headers.get("Retry-After", "")
        heard.date = self.headers.get("Date", "")
        content = bytearray()
        async for chunk in self.content.iter_any():
            content += chunk
            if len(content) > LARGEST:
                reason = f"an answer of more than {LARGEST:,} bytes"
                raise aiohttp.ClientPayloadError(reason)
        heard.content = bytes(content)
        return heard.content.decode(encoding or "utf-8", errors)


async def gather(
    adapters: Iterable[VenueAdapter], terms: GatherOptions, tell: Callable[[Progress], None]
) -> AsyncGenerator[Outcome, None]:
    """Ask all venues at once; give each outcome as soon as it is there."""
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(ssl=trusted(), limit=0)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=connector,
                response_class=_Listening,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=True,
            )
        )
        tasks = [asyncio.ensure_future(_outcome(one, session, terms, tell)) for one in adapters]
        try:
            for task in asyncio.as_completed(tasks):
                yield await task
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(
    adapter: VenueAdapter,
    session: aiohttp.ClientSession,
    terms: GatherOptions,
    tell: Callable[[Progress], None],
) -> Outcome:
    """Gather one venue; whatever goes wrong with it stays with it."""
    credentials = terms.keys(adapter.venue)
    why_not = skipped(adapter, keyed=bool(credentials.values))
    if why_not:
        return Skipped(adapter.venue, why_not)
    loop = asyncio.get_running_loop()
    started = loop.time()
    asking = _VenueSession(adapter, session, terms, credentials, tell)
    try:
        async with asyncio.timeout(terms.budget):
            snapshot = await asking.everything()
        return Gathered(snapshot, asking.requests, loop.time() - started, tuple(asking.missing))
    except TimeoutError:
        reason = (
            f"no whole answer within {terms.budget:g} s: {asking.done} of {asking.due} calls done"
        )
    except RefusedError as error:
        reason = str(error)
    except UnreadablePayloadError as error:
        reason = f"an answer cannot be read: {error}"
    except Exception as error:  # noqa: BLE001 - the boundary of one venue
        reason = f"{type(error).__name__}: {error}"
    finally:
        await asking.close()
    return Failed(
        adapter.venue,
        terms.now(),
        plain(reason, credentials),
        asking.requests,
        loop.time() - started,
        tuple(asking.heard),
    )


@dataclass(slots=True)
class _VenueSession:
    """One venue being asked: what it answered so far, and how often in a row it did not."""

    adapter: VenueAdapter
    session: aiohttp.ClientSession
    terms: GatherOptions
    credentials: Credentials
    tell: Callable[[Progress], None]
    heard: list[Payload] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    requests: int = 0
    done: int = 0
    due: int = 0
    failures: int = 0
    free_at: float = 0.0
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))
    exchange: Exchange | None = None

    async def everything(self) -> Snapshot:
        """Ask every endpoint in turn. Raises RefusedError, UnreadablePayloadError."""
        self.exchange = self._connect()
        last = self.terms.now()
        for endpoint in self.adapter.endpoints:
            if endpoint.access is Access.KEY and not self.credentials.values:
                continue
            try:
                answers = await self._endpoint(endpoint)
            except (RefusedError, UnreadablePayloadError) as error:
                if endpoint.required:
                    raise
                said = plain(str(error), self.credentials)
                self.missing.append(f"{endpoint.request}: {said}")
                continue
            self.heard += answers
            if endpoint.purpose is Purpose.MARGIN:
                last = max((last, *(one.observed_at for one in answers)))
        self.heard += self.adapter.documented()
        snapshot = self._so_far(last)
        lacking = self.adapter.whole(snapshot)
        if lacking:
            raise RefusedError(lacking)
        return snapshot

    async def close(self) -> None:
        """Let go of the exchange; the session is shared and stays."""
        if self.exchange is not None:
            await self.exchange.close()

    def _connect(self) -> Exchange:
        base = exchange_class(self.adapter)
        mirror, asking = self.terms.mirror.rstrip("/"), self

        async def fetch(
            exchange: Exchange,
            url: str,
            method: str = "GET",
            headers: object = None,
            body: object = None,
        ) -> object:
            asking.requests += 1
            if mirror:
                url = f"{mirror}/{asking.adapter.venue}/{url.partition('://')[2]}"
            return await base.fetch(exchange, url, method, headers, body)

        config = {
            "session": self.session,
            "ssl_context": False,  # the session has its own
            "timeout": int(self.terms.timeout * 1000),
            "enableRateLimit": self.terms.paced,
            **self.credentials.values,
        }
        return type(base.__name__, (base,), {"fetch": fetch})(config)

    def _so_far(self, at: datetime) -> Snapshot:
        return Snapshot(self.adapter.venue, at, tuple(self.heard), complete=True)

    async def _endpoint(self, endpoint: Endpoint) -> list[Payload]:
        """Make every call that an endpoint takes, with the pages that follow each."""
        wanted = list(endpoint.ask(self._so_far(self.terms.now())))
        self.due += len(wanted)
        chains = await _all(self._pages(endpoint, params) for params in wanted)
        answers = [payload for chain in chains for payload in chain]
        if endpoint.required and not any(holds_rows(decode(one)) for one in answers):
            reason = f"{endpoint.request} answered with nothing"
            raise RefusedError(reason)
        return answers

    async def _pages(self, endpoint: Endpoint, params: Params) -> list[Payload]:
        """Follow one call to its last page. Raises RefusedError: a page comes twice, or no end."""
        pages: list[Payload] = []
        following: Params | None = params
        while following is not None:
            page = await self._call(endpoint, following)
            for earlier, one in enumerate(pages, start=1):
                if one.sha256 == page.sha256 or one.call == page.call:
                    reason = f"page {len(pages) + 1} of {endpoint.request} repeats page {earlier}"
                    raise RefusedError(reason)
            if len(pages) == PAGES:
                reason = f"{endpoint.request} has no last page: stopped after {PAGES}"
                raise RefusedError(reason)
            if endpoint.next_page is None:
                return [page]
            try:
                following = endpoint.next_page(following, decode(page))
            except PastTheEndError:
                return pages
            pages.append(page)
            self.due += following is not None
        return pages

    async def _call(self, endpoint: Endpoint, params: Params) -> Payload:
        """Make one call; again, after a wait, while the venue fails in a way that may pass."""
        tries = 0
        async with self.gate:
            while True:
                await self._until_free()
                heard = RawResponse()
                _HEARD.set(heard)
                try:
                    return await self._answer(endpoint, params, heard)
                except ccxt.OperationFailed as error:
                    tries += 1
                    self._wait_or_refuse(endpoint, error, heard, tries)
                except ccxt.BaseError as error:
                    raise RefusedError(self._reason(endpoint, error, heard)) from error

    async def _answer(self, endpoint: Endpoint, params: Params, heard: RawResponse) -> Payload:
        given = {
            name: json.loads(value) if name in endpoint.typed else value for name, value in params
        }
        method: Callable[[object], Awaitable[object]] = getattr(self.exchange, endpoint.method)
        refusal: Exception | None = None
        try:
            await method(given)
        except ccxt.OperationFailed:
            raise
        except Exception as error:
            if not heard.content:
                raise
            refusal = error  # perhaps for want of JSON, over which some of ccxt's readers stumble
        payload = self._payload(endpoint, params, heard)
        try:
            decode(payload)
        except UnreadablePayloadError as error:
            reason = f"the answer is {error.reason}"
            raise ccxt.BadResponse(reason) from error
        if refusal is not None:
            raise _refused(refusal, heard.status) from refusal
        self.failures = 0
        self.done += 1
        self.tell(
            Progress(
                self.adapter.venue, self.done, max(self.due, self.done), self.requests, str(params)
            )
        )
        return payload

    def _wait_or_refuse(
        self, endpoint: Endpoint, error: Exception, heard: RawResponse, tries: int
    ) -> None:
        """Set when the venue may be asked again. Raises RefusedError: it may not."""
        self.failures += 1
        reason = self._reason(endpoint, error, heard)
        if heard.status in _FINAL or tries >= self.terms.tries:
            raise RefusedError(reason) from error
        if self.failures >= MAX_CONSECUTIVE_FAILURES:
            reason = f"{MAX_CONSECUTIVE_FAILURES} calls in a row failed, the last: {reason}"
            raise RefusedError(reason) from error
        wait = self.terms.backoff * 2**tries * (0.5 + self.terms.chance() / 2)
        asked = seconds_to_wait(heard.retry_after, self.terms.now())
        if asked > self.terms.budget:
            reason = f"{reason}; it asks to wait {asked:.0f} s"
            raise RefusedError(reason) from error
        loop = asyncio.get_running_loop()
        self.free_at = max(self.free_at, loop.time() + max(wait, asked))

    async def _until_free(self) -> None:
        """Hold all calls of the venue while it asked to be left alone."""
        loop = asyncio.get_running_loop()
        while (wait := self.free_at - loop.time()) > 0:  # noqa: ASYNC110 - it may move meanwhile
            await asyncio.sleep(wait)

    def _payload(self, endpoint: Endpoint, params: Params, heard: RawResponse) -> Payload:
        now = self.terms.now()
        source = self.terms.mirror or self.adapter.host
        provenance = Provenance(
            Origin.LIVE,
            f"{source}, HTTP status {heard.status}, by ccxt {ccxt.__version__} "
            f"{self.adapter.exchange or self.adapter.venue}, harmonize {version('harmonize-margins')}",
            dating(heard.date, now),
            endpoint.request,
        )
        return Payload.of(
            self.adapter.venue, Call(endpoint.method, params), now, provenance, heard.content
        )

    def _reason(self, endpoint: Endpoint, error: Exception, heard: RawResponse) -> str:
        """Say what went wrong, without URLs: those of private calls are signed."""
        if heard.status >= 400:  # noqa: PLR2004 - HTTP: an error from here on
            said = f"HTTP status {heard.status}"
            if heard.status in {403, 451}:
                said += ", as venues answer from places or addresses that they block"
        elif isinstance(error, ccxt.RequestTimeout):
            said = f"no answer within {self.terms.timeout:g} s"
        elif not heard.content:
            cause = error.__cause__ or error
            said = f"no answer ({type(cause).__name__})"
        else:
            said = f"{type(error).__name__}: {error}"
        return f"{endpoint.request}: {plain(said, self.credentials)}"


def _refused(error: Exception, status: int) -> Exception:
    """What ccxt raised; the HTTP status goes before it, for some of its readers stumble over errors."""
    found: Exception = error
    if not isinstance(error, ccxt.BaseError):
        found = ccxt.BadResponse(f"ccxt: {error}")
    if status in _BUSY:
        found = ccxt.RateLimitExceeded(str(error))
    elif status >= 500 or status == 408:  # noqa: PLR2004 - HTTP: the server's errors, a timeout
        found = ccxt.ExchangeNotAvailable(str(error))
    return found


async def _all(calls: Iterable[Awaitable[list[Payload]]]) -> list[list[Payload]]:
    """Run calls at once; when one fails, stop the others and raise its error alone."""
    tasks = [asyncio.ensure_future(one) for one in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def exchange_class(adapter: VenueAdapter) -> type[Exchange]:
    """The ccxt class that asks a venue."""
    found: type[Exchange] = getattr(ccxt, adapter.exchange or adapter.venue)
    return found


def costs(adapter: VenueAdapter, calls: Iterable[tuple[Endpoint, Params]]) -> list[float]:
    """Seconds for which ccxt's limiter holds the venue's next call back after each of ``calls``."""
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
