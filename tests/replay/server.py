"""A loopback server that replaces every venue: recordings at the venues' paths, and faults.

The server is a mirror, ``/venue/host/path``. It serves HTTP/1.1 over plain sockets, so that it can
violate the protocol. Each request is matched with the endpoints that the adapter declares from the
venue's documentation; any other URL that ccxt builds receives status 404.
"""

import asyncio
import json
import re
import socket
import struct
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from tests.replay.answering import Recorded, Responder, as_recorded, fixed
from tests.replay.faults import NONE, Faulty, Reply
from tests.support import recorded
from venues.adapter import Endpoint, VenueAdapter
from venues.registry import VENUES

PACE_TOLERANCE = 0.05
"""Tolerance for early calls, in seconds, because a busy machine delivers calls unevenly."""

EMPTY: Mapping[str, object] = {"code": "0", "success": True, "data": [], "result": []}
"""Response of market-data endpoints without a recording: success without rows."""

_EMPTY_WITH_200: Mapping[str, object] = {"code": 200, "data": []}
EMPTY_OF_VENUE: Mapping[str, object] = {
    "aster": [],
    "backpack": [],
    "binance": [],
    "bitfinex": [],
    "bydfi": _EMPTY_WITH_200,
    "pacifica": {"success": True, "data": [], "error": None, "code": None},
    "poloniex": _EMPTY_WITH_200,
}
"""Empty responses for venues at which ccxt expects another envelope."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as received, and its endpoint; None if no endpoint matches."""

    venue: str
    verb: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    endpoint: Endpoint | None


@dataclass(slots=True)
class Replay:
    """The server, a context manager. ``fault`` changes its responses.

    ``pace`` is the minimum time between the starts of calls, in seconds, per venue and endpoint.
    An early call receives status 429 and is counted in ``early``.
    """

    fault: Faulty = NONE
    pace: Mapping[tuple[str, str], float] = field(default_factory=dict)
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    early: Counter[str] = field(default_factory=Counter)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _free: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Starts listening on a free port of the loopback interface."""
        ready = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            server = self._loop.run_until_complete(
                asyncio.start_server(self._serve, "127.0.0.1", 0)
            )
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            ready.set()
            self._loop.run_forever()
            self._loop.run_until_complete(self._end(server))
            self._loop.close()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops listening."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join()

    async def _end(self, server: asyncio.Server) -> None:
        """Closes every connection, including those just accepted."""
        server.close()
        await asyncio.sleep(0.02)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.02)  # sockets close in a later turn

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                reply = self._reply(request)
                if not await _send(reply, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _reply(self, request: Request) -> Reply:
        if request.endpoint is None:
            return Reply(b'{"error": "no such path"}', status=404)
        key = (request.venue, request.endpoint.method)
        if self._is_early(key):
            return Reply(b'{"error": "too many requests"}', status=429)
        respond = responders(request.venue).of_endpoint(request.endpoint)
        body = respond(recordings(request.venue), request.params)
        if body is None:
            return Reply(b'{"error": "nothing recorded"}', status=404)
        self._counts[key] += 1
        reply = Reply(body, date=format_datetime(datetime.now(UTC), usegmt=True))
        return self.fault.apply(request.venue, request.endpoint, self._counts[key], reply)

    def _is_early(self, key: tuple[str, str]) -> bool:
        if key not in self.pace:
            return False
        venue, now = key[0], self._loop.time()
        if now < self._free[venue] - PACE_TOLERANCE:
            self.early[venue] += 1
            return True
        self._free[venue] = max(now, self._free[venue]) + self.pace[key]
        return False


async def _read(reader: asyncio.StreamReader) -> Request | None:
    line = (await reader.readline()).decode()
    if not line:
        return None
    verb, target, _ = line.split()
    headers: dict[str, str] = {}
    while (raw := (await reader.readline()).decode().strip()) != "":
        name, _, value = raw.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return request(verb, target, body, headers)


def request(verb: str, target: str, body: bytes, headers: Mapping[str, str]) -> Request:
    """Request with the endpoint that matches it."""
    parts = urlsplit(target)
    _, venue, host, path = parts.path.split("/", 3)
    params = dict(parse_qsl(parts.query, keep_blank_values=True))
    if body:
        params |= _in_body(body)
    for endpoint in endpoints(venue):
        method, _, rest = endpoint.request.partition(" ")
        template = rest.split()[0].split("?")[0]
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
        match = re.fullmatch(pattern, f"/{path}") or re.fullmatch(pattern, f"{host}/{path}")
        is_other_host = venue_host(venue) not in {"", host} and template.startswith("/")
        if (
            verb == method
            and match
            and not (is_other_host and _has_same_path(endpoint, venue, template))
        ):
            all_params = {**params, **match.groupdict()}
            if _fixed_parameters_match(endpoint, all_params, venue):
                return Request(venue, verb, path, all_params, headers, endpoint)
    return Request(venue, verb, path, params, headers, None)


def venue_host(venue: str) -> str:
    """Host in a venue's adapter."""
    return next((adapter.host for adapter in VENUES if adapter.venue == venue), "")


def _has_same_path(endpoint: Endpoint, venue: str, template: str) -> bool:
    """Whether another endpoint of the venue has the same path on another host."""
    return any(
        other is not endpoint and other.request.endswith(template) for other in endpoints(venue)
    )


def _in_body(body: bytes) -> dict[str, str]:
    try:
        document = json.loads(body)
    except ValueError:
        return dict(parse_qsl(body.decode()))
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in document.items()
    }


def _fixed_parameters_match(endpoint: Endpoint, params: Mapping[str, str], venue: str) -> bool:
    """Whether the fixed parameters match, if endpoints share a path (such as one POST for all)."""
    same_path = [
        other
        for other in endpoints(venue)
        if other.request.split()[:2] == endpoint.request.split()[:2]
    ]
    if len(same_path) == 1:
        return True
    fixed_params = dict(re.findall(r"(\w+)[:=]\s*(\w+)", endpoint.request.partition("{")[2]))
    return all(params.get(key) == value for key, value in fixed_params.items())


@cache
def endpoints(venue: str) -> tuple[Endpoint, ...]:
    """Endpoints of a venue's adapter."""
    return next((adapter.endpoints for adapter in VENUES if adapter.venue == venue), ())


@cache
def recordings(venue: str) -> Recorded:
    """Recordings of a venue, newest first."""
    snapshots = [entry for entry in recorded.snapshots() if entry.venue == venue]
    return Recorded(tuple(sorted(snapshots, key=lambda entry: entry.observed_at, reverse=True)))


@dataclass(frozen=True, slots=True)
class _Responders:
    """Responders of a venue; ``special`` are those that differ from the recording, by method."""

    venue: str
    special: Mapping[str, Responder]

    def of_endpoint(self, endpoint: Endpoint) -> Responder:
        """Responder of one endpoint."""
        if endpoint.method in self.special:
            return self.special[endpoint.method]
        if not endpoint.required and not recordings(self.venue).payloads(endpoint.method):
            return fixed(EMPTY_OF_VENUE.get(self.venue, EMPTY))
        return as_recorded(endpoint.method)


@cache
def responders(venue: str) -> _Responders:
    """Responders of a venue, including those of its module in ``tests.replay.venues``."""
    name = f"tests.replay.venues.{venue}"
    special: Mapping[str, Responder] = {}
    if find_spec(name) is not None:
        special = import_module(name).ANSWERS
    return _Responders(venue, special)


def open_venues(adapters: Sequence[VenueAdapter] = VENUES) -> list[VenueAdapter]:
    """Adapters of venues that can still be gathered."""
    return [adapter for adapter in adapters if not adapter.closure_reason]


async def _send(reply: Reply, writer: asyncio.StreamWriter) -> bool:
    """Sends a reply with its faults; returns whether the connection stays open."""
    if reply.reset:
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    if reply.silent:
        await asyncio.sleep(3600)
    length = len(reply.body) + reply.promised_too_much
    head = [
        f"HTTP/1.1 {reply.status} Replayed",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {length}",
        *([f"Date: {reply.date}"] if reply.date else []),
        *([f"Retry-After: {reply.retry_after}"] if reply.retry_after else []),
        *([f"Location: {reply.location}"] if reply.location else []),
        *([f"Content-Encoding: {reply.encoding}"] if reply.encoding else []),
    ]
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n")
    if reply.drip:
        for byte in reply.body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(reply.drip)
    writer.write(reply.body)
    await writer.drain()
    return not reply.promised_too_much
