"""Which call of a venue a request is that someone wrote down."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from harmonize.core.payload import Call
from venues.adapter import Endpoint, VenueAdapter

_WRITTEN = re.compile(
    r"(?P<verb>GET|POST) (?:https?://)?(?P<host>[^/\s]*)(?P<path>/[^?\s]*)"
    r"(?:\?(?P<query>\S*))?(?: (?P<body>\{.*\}))?"
)
_PARAMETER = re.compile(r"\\\{(\w+)\\\}")
_TYPED = re.compile(r"\{(\w+): (\w+)\}")
_PLAIN = re.compile(r"[\w.:,~@+-]+")

Params = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """An HTTP request: ``params`` are those of the query and the body, in the order of their names."""

    verb: str
    host: str
    path: str
    query: str
    body: str
    params: Params

    def __str__(self) -> str:
        """Write the request without its host, as the archive does."""
        query, body = f"?{self.query}" if self.query else "", f" {self.body}" if self.body else ""
        return f"{self.verb} {self.path}{query}{body}"


def asked(text: str) -> Asked | None:
    """Read a request. None: it is not one, or some of it is left open, as ``symbol=...``."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    params = _params(found["query"] or "", found["body"] or "{}")
    if params is None or re.search(r"[<>{}|…]|\.\.", found["path"]):
        return None
    return Asked(
        found["verb"],
        found["host"],
        found["path"],
        found["query"] or "",
        found["body"] or "",
        params,
    )


def _params(query: str, body: str) -> Params | None:
    pairs = [one.partition("=")[::2] for one in query.split("&") if one]
    try:
        document = json.loads(body)
    except ValueError:
        return None
    pairs += [
        (key, one if isinstance(one, str) else json.dumps(one)) for key, one in document.items()
    ]
    names = [name for name, _ in pairs]
    plain = all(_PLAIN.fullmatch(one) and ".." not in one for pair in pairs for one in pair)
    return tuple(sorted(pairs)) if plain and len(set(names)) == len(names) else None


def call_of(adapter: VenueAdapter, request: Asked) -> Call | str:
    """The call that makes a request; or in words why no one endpoint of the venue does."""
    found = {
        (one, params) for one in adapter.endpoints if (params := _answers(one, request)) is not None
    }
    at_host = {(one, params) for one, params in found if _host(adapter, one) == request.host}
    if len({one.method for one, _ in found}) > 1 and at_host:
        found = at_host
    calls = {Call(one.method, params) for one, params in found}
    if len(calls) > 1:
        return f"several endpoints of {adapter.venue} match {request}"
    return next(iter(calls), f"no endpoint of {adapter.venue} matches {request}")


def _answers(endpoint: Endpoint, request: Asked) -> Params | None:
    """The parameters with which an endpoint makes the request; None where it does not."""
    template = _WRITTEN.match(_TYPED.sub("", endpoint.request).strip())
    if template is None or template["verb"] != request.verb:
        return None
    path = _PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(template["path"]))
    found = re.fullmatch(path, request.path)
    typed = _TYPED.findall(endpoint.request)
    if found is None or not set(typed) <= set(request.params):
        return None
    return tuple(sorted({**dict(request.params), **found.groupdict()}.items()))


def _host(adapter: VenueAdapter, endpoint: Endpoint) -> str:
    template = _WRITTEN.match(endpoint.request)
    return (template["host"] if template else "") or adapter.host


def venue_at(host: str, adapters: Iterable[VenueAdapter]) -> str:
    """The venue that answers at a host; empty when none, or several do."""
    found = [one.venue for one in adapters if host and one.host == host]
    return found[0] if len(found) == 1 else ""
