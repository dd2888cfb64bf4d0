"""A loopback server that stands in for every venue: recordings at the venues' paths, and faults.

It is asked as a mirror, ``/venue/host/path``, speaks HTTP/1.1 over plain sockets, and can break
every rule of it. Each request is matched with the endpoints that the adapter declares from the
venue's documentation, so that a URL which ccxt builds otherwise is answered with 404.
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

from tests.replay.answering import Answer, Recorded, as_recorded, fixed
from tests.replay.faults import NONE, Faulty, Reply
from tests.support import recorded
from venues.adapter import Endpoint, VenueAdapter
from venues.registry import VENUES

GRAIN = 0.05
"""Seconds by which a call may come too early: how unevenly a busy machine passes calls on."""

NOTHING: Mapping[str, object] = {"code": "0", "success": True, "data": [], "result": []}
"""What market data answers that no recording holds: success, and no row."""


_IN_200: Mapping[str, object] = {"code": 200, "data": []}
NOTHINGS: Mapping[str, object] = {
    "aster": [],
    "backpack": [],
    "binance": [],
    "bitfinex": [],
    "bydfi": _IN_200,
    "pacifica": {"success": True, "data": [], "error": None, "code": None},
    "poloniex": _IN_200,
}
"""The same, where ccxt takes another envelope for success."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived, and the endpoint it is for; None when there is no such."""

    venue: str
    verb: str
    path: str
    asked: Mapping[str, str]
    headers: Mapping[str, str]
    endpoint: Endpoint | None


@dataclass(slots=True)
class Replay:
    """The server; use it with ``with``. ``fault`` breaks its answers, ``pace`` keeps a venue's limit.

    ``pace`` gives the seconds that must lie between the starts of calls, per venue and endpoint;
    a call that comes too early is answered with 429 and counted in ``early``.
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
        """Listen on a free port of the loopback interface."""
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
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join()

    async def _end(self, server: asyncio.Server) -> None:
        """Let go of every connection, those just accepted too."""
        server.close()
        await asyncio.sleep(0.02)
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
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
        if self._too_early(key):
            return Reply(b'{"error": "too many requests"}', status=429)
        body = answers(request.venue)(request.endpoint)(recordings(request.venue), request.asked)
        if body is None:
            return Reply(b'{"error": "nothing recorded"}', status=404)
        self._counts[key] += 1
        good = Reply(body, date=format_datetime(datetime.now(UTC), usegmt=True))
        return self.fault.apply(request.venue, request.endpoint, self._counts[key], good)

    def _too_early(self, key: tuple[str, str]) -> bool:
        if key not in self.pace:
            return False
        venue, now = key[0], self._loop.time()
        if now < self._free[venue] - GRAIN:
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
    """Match a request with the endpoint that it is for."""
    parts = urlsplit(target)
    _, venue, host, path = parts.path.split("/", 3)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    if body:
        asked |= _in_body(body)
    for endpoint in endpoints(venue):
        wanted, _, rest = endpoint.request.partition(" ")
        template = rest.split()[0].split("?")[0]
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
        found = re.fullmatch(pattern, f"/{path}") or re.fullmatch(pattern, f"{host}/{path}")
        elsewhere = venue_host(venue) not in {"", host} and template.startswith("/")
        if verb == wanted and found and not (elsewhere and _rivals(endpoint, venue, template)):
            everything = {**asked, **found.groupdict()}
            if _is_for(endpoint, everything, venue):
                return Request(venue, verb, path, everything, headers, endpoint)
    return Request(venue, verb, path, asked, headers, None)


def venue_host(venue: str) -> str:
    """The host that a venue's adapter names."""
    return next((one.host for one in VENUES if one.venue == venue), "")


def _rivals(endpoint: Endpoint, venue: str, template: str) -> bool:
    """Whether another endpoint of the venue has the same path on another host."""
    return any(one is not endpoint and one.request.endswith(template) for one in endpoints(venue))


def _in_body(body: bytes) -> dict[str, str]:
    try:
        document = json.loads(body)
    except ValueError:
        return dict(parse_qsl(body.decode()))
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in document.items()
    }


def _is_for(endpoint: Endpoint, asked: Mapping[str, str], venue: str) -> bool:
    """Two endpoints may share a path (one POST for all); then their fixed parameters decide."""
    rivals = [
        one for one in endpoints(venue) if one.request.split()[:2] == endpoint.request.split()[:2]
    ]
    if len(rivals) == 1:
        return True
    said = dict(re.findall(r"(\w+)[:=]\s*(\w+)", endpoint.request.partition("{")[2]))
    return all(asked.get(key) == value for key, value in said.items())


@cache
def endpoints(venue: str) -> tuple[Endpoint, ...]:
    """The endpoints of a venue's adapter."""
    return next((one.endpoints for one in VENUES if one.venue == venue), ())


@cache
def recordings(venue: str) -> Recorded:
    """What was recorded of a venue, newest first."""
    snapshots = [one for one in recorded.snapshots() if one.venue == venue]
    return Recorded(tuple(sorted(snapshots, key=lambda one: one.observed_at, reverse=True)))


class _Answers:
    def __init__(self, venue: str, special: Mapping[str, Answer]) -> None:
        self.venue, self.special = venue, special

    def __call__(self, endpoint: Endpoint) -> Answer:
        if endpoint.method in self.special:
            return self.special[endpoint.method]
        if not endpoint.required and not recordings(self.venue).payloads(endpoint.method):
            return fixed(NOTHINGS.get(self.venue, NOTHING))
        return as_recorded(endpoint.method)


@cache
def answers(venue: str) -> _Answers:
    """How a venue's endpoints answer: as recorded, or as its own module here says."""
    name = f"tests.replay.venues.{venue}"
    special: Mapping[str, Answer] = {}
    if find_spec(name) is not None:
        special = import_module(name).ANSWERS
    return _Answers(venue, special)


def open_venues(chosen: Sequence[VenueAdapter] = VENUES) -> list[VenueAdapter]:
    """The venues that can be gathered at all."""
    return [one for one in chosen if not one.closed]


async def _send(reply: Reply, writer: asyncio.StreamWriter) -> bool:
    """Send a reply, or break off as it says; False when the connection is at its end."""
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
