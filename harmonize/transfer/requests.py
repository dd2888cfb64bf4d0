"""Matches HTTP requests written in a manifest to the calls of a venue."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from harmonize.core.payload import Call
from venues.adapter import Endpoint, VenueAdapter
from venues.calls import unquoted_once

_REQUEST = re.compile(
    r"(?P<verb>GET|POST) (?:https?://)?(?P<host>[^/\s]*)(?P<path>/[^?\s]*)"
    r"(?:\?(?P<query>\S*))?(?: (?P<body>\{.*\}))?"
)
_PARAMETER = re.compile(r"\\\{(\w+)\\\}")
_TYPED = re.compile(r"\{(\w+): (\w+)\}")
_PLAIN = re.compile(r"[\w.:,~@+=&%/-]+")

Params = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request; ``params`` are those of query and body, sorted by name.

    Their values are without percent-encoding. A parameter without a value is absent.
    """

    verb: str
    host: str
    path: str
    query: str
    body: str
    params: Params

    def __str__(self) -> str:
        """Returns the request without its host, as the archive stores it."""
        query, body = f"?{self.query}" if self.query else "", f" {self.body}" if self.body else ""
        return f"{self.verb} {self.path}{query}{body}"


def parse_request(text: str) -> HttpRequest | None:
    """Parses a request; None if it is not one, or has a placeholder such as ``symbol=...``."""
    match = _REQUEST.fullmatch(text)
    if match is None:
        return None
    params = _params(match["query"] or "", match["body"] or "{}")
    if params is None or re.search(r"[<>{}|…]|\.\.", match["path"]):
        return None
    return HttpRequest(
        match["verb"],
        match["host"],
        match["path"],
        match["query"] or "",
        match["body"] or "",
        params,
    )


def _params(query: str, body: str) -> Params | None:
    fields = (field.partition("=")[::2] for field in query.split("&"))
    pairs = [(unquoted_once(name), unquoted_once(value)) for name, value in fields if value]
    try:
        document = json.loads(body)
    except ValueError:
        return None
    pairs += [
        (key, value if isinstance(value, str) else json.dumps(value))
        for key, value in document.items()
    ]
    names = [name for name, _ in pairs]
    is_plain = all(_PLAIN.fullmatch(text) and ".." not in text for pair in pairs for text in pair)
    return tuple(sorted(pairs)) if is_plain and len(set(names)) == len(names) else None


def call_of(adapter: VenueAdapter, request: HttpRequest) -> Call | str:
    """Returns the call that makes a request, or the reason why no single endpoint makes it."""
    matches = {
        (endpoint, params)
        for endpoint in (*adapter.endpoints, *adapter.recorded_only)
        if (params := _params_for(endpoint, request)) is not None
    }
    at_host = {match for match in matches if _host(adapter, match[0]) == request.host}
    if len({endpoint.method for endpoint, _ in matches}) > 1 and at_host:
        matches = at_host
    calls = {Call(endpoint.method, params) for endpoint, params in matches}
    if len(calls) > 1:
        return f"several endpoints of {adapter.venue} match {request}"
    return next(iter(calls), f"no endpoint of {adapter.venue} matches {request}")


def _params_for(endpoint: Endpoint, request: HttpRequest) -> Params | None:
    """Returns the parameters with which an endpoint makes the request; None if it does not."""
    template = _REQUEST.match(_TYPED.sub("", endpoint.request).strip())
    if template is None or template["verb"] != request.verb:
        return None
    path = _PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(template["path"]))
    match = re.fullmatch(path, request.path)
    fixed_params = _TYPED.findall(endpoint.request)
    if match is None or not set(fixed_params) <= set(request.params):
        return None
    return tuple(sorted({**dict(request.params), **match.groupdict()}.items()))


def _host(adapter: VenueAdapter, endpoint: Endpoint) -> str:
    template = _REQUEST.match(endpoint.request)
    return (template["host"] if template else "") or adapter.host


def venue_at(host: str, adapters: Iterable[VenueAdapter]) -> str:
    """Returns the venue with an API host; empty if none or several have it."""
    venues = [adapter.venue for adapter in adapters if host and adapter.host == host]
    return venues[0] if len(venues) == 1 else ""
