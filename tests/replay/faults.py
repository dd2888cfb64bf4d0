"""Faults between a venue and a parser, for injection at any call."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from venues.adapter import Endpoint, Purpose


@dataclass(frozen=True, slots=True)
class Reply:
    """Response of the server, and how the server misbehaves while sending it."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    date: str = ""
    retry_after: str = ""
    location: str = ""
    encoding: str = ""
    reset: bool = False
    silent: bool = False
    drip: float = 0.0
    promised_too_much: int = 0


ReplyChange = Callable[[Reply], Reply]


@dataclass(frozen=True, slots=True)
class Fault:
    """A change of the responses of one venue (all if empty), at calls for which ``when`` is true."""

    name: str
    change: ReplyChange
    when: Callable[[Endpoint, int], bool] = lambda _endpoint, _number: True
    venue: str = ""

    def apply(self, venue: str, endpoint: Endpoint, number: int, reply: Reply) -> Reply:
        """Reply, changed or not; ``number`` counts the calls of the endpoint from 1."""
        if self.venue in {"", venue} and self.when(endpoint, number):
            return self.change(reply)
        return reply


class Faulty(Protocol):
    """A fault that may change a reply before it is sent."""

    def apply(self, venue: str, endpoint: Endpoint, number: int, reply: Reply) -> Reply:
        """Reply, changed or not; ``number`` counts the calls of the endpoint from 1."""


NONE = Fault("nothing", lambda reply: reply, lambda _endpoint, _number: False)


def margin(endpoint: Endpoint, number: int) -> bool:
    """Whether the call is for margins."""
    return endpoint.purpose is Purpose.MARGIN and number > 0


def first_two(endpoint: Endpoint, number: int) -> bool:
    """Whether the call is one of the first two for margins: a temporary burst of failures."""
    return margin(endpoint, number) and number <= 2


def _json(change: Callable[[Any], object]) -> ReplyChange:
    def changed(reply: Reply) -> Reply:
        document = change(json.loads(reply.body))
        return replace(reply, body=json.dumps(document).encode())

    return changed


def emptied(document: Any) -> object:
    """Document with every list, and every object of objects, emptied."""
    if isinstance(document, list):
        return []
    if isinstance(document, dict):
        if document and all(isinstance(value, dict) for value in document.values()):
            return {}
        return {key: emptied(value) for key, value in document.items()}
    return document


def status(code: int, retry_after: str = "") -> ReplyChange:
    """Change to an HTTP status, with an optional Retry-After header."""
    body = json.dumps({"message": "fault"}).encode()
    return lambda reply: replace(reply, status=code, body=body, retry_after=retry_after)


def redirect(code: int, location: str) -> ReplyChange:
    """Change to a redirect with an address; the body stays the venue's."""
    return lambda reply: replace(reply, status=code, location=location)


PASSING = (
    Fault("429 with Retry-After, twice", status(429, "0"), first_two),
    Fault("429 without Retry-After, twice", status(429), first_two),
    Fault("500 twice", status(500), first_two),
    Fault("502 twice", status(502), first_two),
    Fault("503 twice", status(503), first_two),
    Fault("reset, twice", lambda reply: replace(reply, reset=True), first_two),
    Fault(
        "truncated JSON, twice", lambda r: replace(r, body=r.body[: len(r.body) // 2]), first_two
    ),
    Fault("wrong content type", lambda reply: replace(reply, content_type="text/plain"), margin),
    Fault(
        "clock skew",
        lambda reply: replace(reply, date="Mon, 01 Jan 2001 00:00:00 GMT"),
        margin,
    ),
)
"""Temporary faults, after which the responses are complete."""

LASTING = (
    Fault("reset", lambda reply: replace(reply, reset=True), margin),
    Fault("timeout", lambda reply: replace(reply, silent=True), margin),
    Fault("slow drip", lambda reply: replace(reply, drip=0.2), margin),
    Fault("429 for an hour", status(429, "3600"), margin),
    Fault("403 geo-block", status(403), margin),
    Fault("451 blocked by law", status(451), margin),
    Fault("500", status(500), margin),
    Fault("502", status(502), margin),
    Fault("503", status(503), margin),
    Fault(
        "HTML instead of JSON",
        lambda reply: replace(
            reply, body=b"<html><body>Just a moment...</body></html>", content_type="text/html"
        ),
        margin,
    ),
    Fault("truncated JSON", lambda r: replace(r, body=r.body[: len(r.body) // 2]), margin),
    Fault("body cut off", lambda reply: replace(reply, promised_too_much=9), margin),
    Fault(
        "gzip garbage",
        lambda reply: replace(reply, body=b"\x1f\x8b\x08garbage" * 9, encoding="gzip"),
        margin,
    ),
    Fault("not UTF-8", lambda reply: replace(reply, body=b'{"data": "\xff\xfe"}'), margin),
    Fault("empty body", lambda reply: replace(reply, body=b""), margin),
    Fault("empty list", _json(emptied), margin),
    Fault("a number alone", lambda reply: replace(reply, body=b"1"), margin),
)
"""Permanent faults: the venue must not appear to have been gathered."""


@dataclass(slots=True)
class Repeating:
    """Paging fault: an endpoint repeats its first pages.

    ``cycle`` is the number of pages before they repeat: 1 duplicates a page, 2 is a loop.
    """

    cycle: int
    pages: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)

    def apply(self, venue: str, endpoint: Endpoint, _number: int, reply: Reply) -> Reply:
        """One of the first pages, repeated in their order."""
        if endpoint.next_page is None or endpoint.purpose is not Purpose.MARGIN:
            return reply
        sent = self.pages.setdefault((venue, endpoint.method), [])
        if len(sent) < self.cycle:
            sent.append(reply.body)
            return reply
        sent.append(sent[len(sent) - self.cycle])
        return replace(reply, body=sent[-1])


@dataclass(frozen=True, slots=True)
class CutShort:
    """Silent truncation: the first page claims to be the last."""

    method: str
    pointer: tuple[str, ...]

    def apply(self, _venue: str, endpoint: Endpoint, _number: int, reply: Reply) -> Reply:
        """Reply with an empty cursor."""
        if endpoint.method != self.method:
            return reply
        document = json.loads(reply.body)
        holder = document
        for key in self.pointer[:-1]:
            holder = holder[key]
        holder[self.pointer[-1]] = ""
        return replace(reply, body=json.dumps(document).encode())
