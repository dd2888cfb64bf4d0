"""HTTP session of gathering: keeps responses byte for byte, and sends nothing to another address."""

from contextvars import ContextVar

import aiohttp

from venues.gathering.reachability import tls_context
from venues.gathering.responses import RawResponse

MAX_RESPONSE_BYTES = 32 * 2**20
"""Largest response that is read, in bytes after decompression.

A list of rows takes up to ten times its size in memory while it is read: 320 MB at this limit. The
largest recorded response has 1.4 MB.
"""

RESPONSE: ContextVar[RawResponse] = ContextVar("response")
"""Response of the request that the current task waits for."""


class _CapturingResponse(aiohttp.ClientResponse):
    """HTTP response that copies its bytes and headers into ``RESPONSE``."""

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        response = RESPONSE.get()
        response.status = self.status
        response.retry_after = self.headers.get("Retry-After", "")
        response.date = self.headers.get("Date", "")
        content = bytearray()
        async for chunk in self.content.iter_any():
            content += chunk
            if len(content) > MAX_RESPONSE_BYTES:
                reason = f"a response of more than {MAX_RESPONSE_BYTES:,} bytes"
                raise aiohttp.ClientPayloadError(reason)
        response.content = bytes(content)
        return response.content.decode(encoding or "utf-8", errors)


class _RedirectError(aiohttp.ClientError):
    """A redirect, which is not followed: API keys would go to an address of another's choice."""


async def _refuse_redirect(
    _: aiohttp.ClientSession, __: object, redirect: aiohttp.TraceRequestRedirectParams
) -> None:
    """Ends a request that is redirected, before anything is sent to the new address."""
    RESPONSE.get().status = redirect.response.status
    raise _RedirectError


def _without_redirects() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse_redirect)
    return trace


def open_session() -> aiohttp.ClientSession:
    """Opens a session without cookies and redirects, whose responses go to ``RESPONSE``."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls_context(), limit=0),
        response_class=_CapturingResponse,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[_without_redirects()],
        trust_env=True,
    )
