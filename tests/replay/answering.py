"""How a recording answers a request: as it is, page by page, or only the rows asked for.

No margin figure is made up here. Where an endpoint was never recorded (an instrument list, tickers)
the answer holds the ids of the recording that it must agree with, or nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from harmonize.core.payload import Payload, Snapshot, resolve

Asked = Mapping[str, str]
"""The parameters of a request: path, query and body together, as text."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recordings of one venue, newest snapshot first."""

    snapshots: tuple[Snapshot, ...]

    def payloads(self, method: str) -> list[Payload]:
        """What was recorded of an endpoint."""
        return [one for snapshot in self.snapshots for one in snapshot.answers(method)]

    def document(self, method: str) -> Any:
        """The newest recording of an endpoint as JSON. Raises LookupError: there is none."""
        found = self.payloads(method)
        if not found:
            raise LookupError(method)
        return json.loads(found[0].content)

    def ids(self, method: str, pointer: str, field: str) -> list[str]:
        """The values of one field in every row of every recording of an endpoint."""
        rows: list[Any] = [
            row
            for one in self.payloads(method)
            for row in resolve(json.loads(one.content), pointer)  # type: ignore[attr-defined]
        ]
        return sorted({str(row[field]) for row in rows})


Answer = Callable[[Recorded, Asked], bytes | None]
"""The body that answers a request; None where the venue knows no such thing (HTTP 404)."""


def written(document: object) -> bytes:
    """Write JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def as_recorded(method: str) -> Answer:
    """Give the recording whose parameters are all in the request; the most particular one wins."""

    def answer(recorded: Recorded, asked: Asked) -> bytes | None:
        fitting = [
            one
            for one in recorded.payloads(method)
            if all(asked.get(key) == value for key, value in one.call.params)
        ]
        fitting.sort(key=lambda one: -len(one.call.params))
        return fitting[0].content if fitting else None

    return answer


def fixed(document: object) -> Answer:
    """Give the same JSON to every request: an envelope that holds nothing, of what was not recorded."""
    return lambda _recorded, _asked: written(document)


def made(build: Callable[[Recorded, Asked], object]) -> Answer:
    """Give what ``build`` makes of the recordings, such as a list of their ids."""
    return lambda recorded, asked: written(build(recorded, asked))


def picked(method: str, pointer: str, field: str, parameter: str, comma: str = ",") -> Answer:
    """Give only the rows whose ``field`` is among the values (joined by commas) of ``parameter``.

    The rows of all recordings of the endpoint are looked through.
    """

    def answer(recorded: Recorded, asked: Asked) -> bytes | None:
        wanted = set(asked.get(parameter, "").split(comma))
        payloads = recorded.payloads(method)
        if not payloads:
            return None
        rows = [
            row
            for one in payloads
            for row in resolve(json.loads(one.content), pointer)  # type: ignore[attr-defined]
            if str(row[field]) in wanted
        ]
        return written(_with_rows(json.loads(payloads[0].content), pointer, rows))

    return answer


def pages_by_offset(method: str, pointer: str, parameter: str, limit: int) -> Answer:
    """Give ``limit`` rows from the offset asked for; the recording must hold them all in one list."""

    def answer(recorded: Recorded, asked: Asked) -> bytes | None:
        whole = _as_asked(recorded, method, asked, {parameter})
        if whole is None:
            return None
        start = int(asked.get(parameter, "0"))
        rows: Any = resolve(whole, pointer)
        return written(_with_rows(whole, pointer, rows[start : start + limit]))

    return answer


def pages_by_number(
    method: str, pointer: str, parameter: str, limit: int, first: int = 1
) -> Answer:
    """Give the page asked for, of ``limit`` rows."""

    def answer(recorded: Recorded, asked: Asked) -> bytes | None:
        whole = _as_asked(recorded, method, asked, {parameter})
        if whole is None:
            return None
        start = (int(asked.get(parameter, str(first))) - first) * limit
        rows: Any = resolve(whole, pointer)
        return written(_with_rows(whole, pointer, rows[start : start + limit]))

    return answer


def pages_by_cursor(  # noqa: PLR0913, PLR0917 - the parts of a paging scheme
    method: str,
    pointer: str,
    parameter: str,
    cursor: str,
    limit: int,
    cut: Callable[[Sequence[Any], int, int], int] = lambda _rows, start, limit: start + limit,
) -> Answer:
    """Give rows up to ``limit`` and the cursor (a row number) of the next, at pointer ``cursor``.

    ``cut`` says where a page that begins at a row ends, for venues that keep symbols together.
    """

    def answer(recorded: Recorded, asked: Asked) -> bytes | None:
        whole = _as_asked(recorded, method, asked, {parameter})
        if whole is None:
            return None
        rows: Any = resolve(whole, pointer)
        start = int(asked.get(parameter) or 0)
        end = cut(rows, start, limit)
        page = _with_rows(whole, pointer, rows[start:end])
        above, _, key = cursor.rpartition("/")
        holder: Any = resolve(page, above)
        holder[key] = str(end) if end < len(rows) else ""
        return written(page)

    return answer


def _as_asked(recorded: Recorded, method: str, asked: Asked, paging: set[str]) -> object | None:
    plain = {key: value for key, value in asked.items() if key not in paging}
    found = as_recorded(method)(recorded, plain)
    return None if found is None else json.loads(found)


def _with_rows(document: object, pointer: str, rows: Sequence[Any]) -> object:
    if not pointer:
        return list(rows)
    copy: Any = deepcopy(document)
    above, _, key = pointer.rpartition("/")
    holder: Any = resolve(copy, above)
    holder[key] = list(rows)
    return copy
