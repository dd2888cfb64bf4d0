"""Builds responses from recordings: unchanged, page by page, or only the requested rows.

No margin is invented here. Endpoints without a recording (an instrument list, tickers) respond
without rows, or with the ids of a recording that they must agree with.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from harmonize.core.payload import Payload, Snapshot, resolve

RequestParams = Mapping[str, str]
"""Parameters of a request, from path, query and body, as text."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Recordings of one venue, newest snapshot first."""

    snapshots: tuple[Snapshot, ...]

    def payloads(self, method: str) -> list[Payload]:
        """Recorded payloads of an endpoint, newest first."""
        return [payload for snapshot in self.snapshots for payload in snapshot.answers(method)]

    def document(self, method: str) -> Any:
        """Newest recording of an endpoint as JSON. Raises LookupError if there is none."""
        payloads = self.payloads(method)
        if not payloads:
            raise LookupError(method)
        return json.loads(payloads[0].content)

    def ids(self, method: str, pointer: str, field: str) -> list[str]:
        """Values of one field in every row of every recording of an endpoint, sorted."""
        rows: list[Any] = [
            row
            for payload in self.payloads(method)
            for row in resolve(json.loads(payload.content), pointer)  # type: ignore[attr-defined]
        ]
        return sorted({str(row[field]) for row in rows})


Responder = Callable[[Recorded, RequestParams], bytes | None]
"""Returns the response body of a request; None means HTTP 404."""


def written(document: object) -> bytes:
    """Compact JSON of a document, in UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def as_recorded(method: str) -> Responder:
    """Responds with the recording whose parameters the request contains; most parameters win."""

    def respond(recorded: Recorded, params: RequestParams) -> bytes | None:
        matching = [
            payload
            for payload in recorded.payloads(method)
            if all(params.get(key) == value for key, value in payload.call.params)
        ]
        matching.sort(key=lambda payload: -len(payload.call.params))
        return matching[0].content if matching else None

    return respond


def fixed(document: object) -> Responder:
    """Responds with the same JSON to every request, such as an empty envelope."""
    return lambda _recorded, _params: written(document)


def made(build: Callable[[Recorded, RequestParams], object]) -> Responder:
    """Responds with the document that ``build`` makes of the recordings, such as a list of ids."""
    return lambda recorded, params: written(build(recorded, params))


def picked(method: str, pointer: str, field: str, parameter: str, comma: str = ",") -> Responder:
    """Responds with rows whose ``field`` is among the comma-separated values of ``parameter``.

    The rows of all recordings of the endpoint are searched.
    """

    def respond(recorded: Recorded, params: RequestParams) -> bytes | None:
        selected = set(params.get(parameter, "").split(comma))
        payloads = recorded.payloads(method)
        if not payloads:
            return None
        rows = [
            row
            for payload in payloads
            for row in resolve(json.loads(payload.content), pointer)  # type: ignore[attr-defined]
            if str(row[field]) in selected
        ]
        return written(_with_rows(json.loads(payloads[0].content), pointer, rows))

    return respond


def pages_by_offset(method: str, pointer: str, parameter: str, limit: int) -> Responder:
    """Responds with ``limit`` rows from the requested offset; the recording has them in one list."""

    def respond(recorded: Recorded, params: RequestParams) -> bytes | None:
        document = _recording(recorded, method, params, {parameter})
        if document is None:
            return None
        start = int(params.get(parameter, "0"))
        rows: Any = resolve(document, pointer)
        return written(_with_rows(document, pointer, rows[start : start + limit]))

    return respond


def pages_by_number(
    method: str, pointer: str, parameter: str, limit: int, first: int = 1
) -> Responder:
    """Responds with the requested page of ``limit`` rows."""

    def respond(recorded: Recorded, params: RequestParams) -> bytes | None:
        document = _recording(recorded, method, params, {parameter})
        if document is None:
            return None
        start = (int(params.get(parameter, str(first))) - first) * limit
        rows: Any = resolve(document, pointer)
        return written(_with_rows(document, pointer, rows[start : start + limit]))

    return respond


def pages_by_cursor(  # noqa: PLR0913, PLR0917 - the parts of a paging scheme
    method: str,
    pointer: str,
    parameter: str,
    cursor: str,
    limit: int,
    cut: Callable[[Sequence[Any], int, int], int] = lambda _rows, start, limit: start + limit,
) -> Responder:
    """Responds with up to ``limit`` rows and the next cursor (a row number) at pointer ``cursor``.

    ``cut`` returns the end of a page, for venues that do not split a symbol across pages.
    """

    def respond(recorded: Recorded, params: RequestParams) -> bytes | None:
        document = _recording(recorded, method, params, {parameter})
        if document is None:
            return None
        rows: Any = resolve(document, pointer)
        start = int(params.get(parameter) or 0)
        end = cut(rows, start, limit)
        page = _with_rows(document, pointer, rows[start:end])
        parent, _, key = cursor.rpartition("/")
        holder: Any = resolve(page, parent)
        holder[key] = str(end) if end < len(rows) else ""
        return written(page)

    return respond


def _recording(
    recorded: Recorded, method: str, params: RequestParams, paging: set[str]
) -> object | None:
    unpaged = {key: value for key, value in params.items() if key not in paging}
    content = as_recorded(method)(recorded, unpaged)
    return None if content is None else json.loads(content)


def _with_rows(document: object, pointer: str, rows: Sequence[Any]) -> object:
    if not pointer:
        return list(rows)
    copy: Any = deepcopy(document)
    parent, _, key = pointer.rpartition("/")
    holder: Any = resolve(copy, parent)
    holder[key] = list(rows)
    return copy
