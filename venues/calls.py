"""Plans the calls to a venue from its earlier responses, and checks that responses are complete."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from harmonize.core.payload import Snapshot, UnreadablePayloadError, decode
from venues.fields import JsonObject, iter_objects, json_object, text_value, value_at

Params = tuple[tuple[str, str], ...]
"""Parameters of one call, as (name, value) pairs sorted by name."""

CallPlan = Callable[[Snapshot], Iterable[Params]]
"""Returns the calls to make, given the responses of earlier endpoints."""

NextPage = Callable[[Params, object], Params | None]
"""Returns the call for the next page, given a call and its response; None after the last page."""


_QUOTED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def unquoted_once(text: str) -> str:
    """Returns a name or value of a query without its percent-encoding."""
    return _QUOTED.sub(_unquote, text)


def unquoted(text: str) -> str:
    """Returns a value without any percent-encoding, which clients apply once, twice or never."""
    while (plain := unquoted_once(text)) != text:
        text = plain
    return text


def _unquote(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


class EmptyPageError(Exception):
    """An empty page after the last one; it is not archived."""


def call(**fixed: str) -> Params:
    """Parameters of one call, sorted by name as in the archive."""
    return tuple(sorted(fixed.items()))


def single_call(**fixed: str) -> CallPlan:
    """Plans one call."""
    return calls_with(fixed)


def calls_with(*variants: dict[str, str]) -> CallPlan:
    """Plans one call per set of parameters, such as one per settlement currency."""
    return lambda _: [call(**variant) for variant in variants]


SINGLE_CALL = single_call()
"""One call without parameters."""


def call_per_value(
    name: str, values_in: Callable[[Snapshot], Iterable[str]], **fixed: str
) -> CallPlan:
    """Plans one call ``name=value`` per distinct value in earlier responses."""
    return lambda snapshot: [
        call(**{name: value}, **fixed) for value in unique(values_in(snapshot))
    ]


def batched_calls(
    name: str,
    values_in: Callable[[Snapshot], Iterable[str]],
    size: int,
    comma: str = ",",
    **fixed: str,
) -> CallPlan:
    """Plans one call per ``size`` distinct values in earlier responses, joined by ``comma``."""

    def plan(snapshot: Snapshot) -> Iterator[Params]:
        distinct = unique(values_in(snapshot))
        for start in range(0, len(distinct), size):
            yield call(**{name: comma.join(distinct[start : start + size])}, **fixed)

    return plan


def combined_calls(*plans: CallPlan) -> CallPlan:
    """Plans the calls of all ``plans``, in order."""
    return lambda snapshot: [params for plan in plans for params in plan(snapshot)]


def field_values(
    method: str, *keys: str, field: str, where: Callable[[JsonObject], bool] = lambda _: True
) -> Callable[[Snapshot], Iterator[str]]:
    """Returns a reader of one field in every row for which ``where`` is true.

    The rows are those of the list under ``keys`` in the responses to ``method``. The list may be
    empty if a market has no contracts. The reader raises UnreadablePayloadError if a response does
    not have the documented structure.
    """

    def read_values(snapshot: Snapshot) -> Iterator[str]:
        for payload in snapshot.answers(method):
            entries, top = value_at(decode(payload), *keys)
            for pointer, row in iter_objects(entries, top) if entries != [] else ():
                if where(row):
                    yield text_value(row, field, pointer)

    return read_values


def unique(texts: Iterable[str]) -> list[str]:
    """Distinct values, sorted so that equal responses lead to equal calls."""
    return sorted(set(texts))


def next_by_cursor(name: str, *keys: str, last: Sequence[object] = (None, "")) -> NextPage:
    """Follows the cursor under ``keys`` of each response, until its value is in ``last``."""

    def next_call(params: Params, document: object) -> Params | None:
        value, pointer = value_at(document, *keys)
        if value in last:
            return None
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise UnreadablePayloadError(
                where=pointer, reason=f"expected a cursor, found {value!r}"
            )
        return call(**{**dict(params), name: str(value)})

    return next_call


def next_by_offset(name: str, limit: int, *keys: str) -> NextPage:
    """Advances the row offset ``name`` by ``limit``, until a page has fewer than ``limit`` rows."""
    return _stepped(name, limit, limit, 0, keys)


def next_by_page(name: str, limit: int, *keys: str, first: int = 1) -> NextPage:
    """Advances the page number ``name``, until a page has fewer than ``limit`` rows."""
    return _stepped(name, limit, 1, first, keys)


def _stepped(name: str, limit: int, step: int, first: int, keys: tuple[str, ...]) -> NextPage:
    def next_call(params: Params, document: object) -> Params | None:
        entries, pointer = value_at(document, *keys)
        if not isinstance(entries, list):
            raise UnreadablePayloadError(where=pointer, reason="expected a list")
        current = dict(params)
        position = int(current.get(name, str(first)))
        if not entries and position != first:
            raise EmptyPageError
        return call(**{**current, name: str(position + step)}) if len(entries) >= limit else None

    return next_call


def unanswered_check(
    listed: Callable[[Snapshot], Iterable[str]], answered: Callable[[Snapshot], Iterable[str]]
) -> Callable[[Snapshot], str]:
    """Returns a check that names listed instruments without margins in the responses.

    A list truncated by the venue looks complete on its own; only a second list reveals it.
    """

    def omission(snapshot: Snapshot) -> str:
        missing = sorted(set(listed(snapshot)) - set(answered(snapshot)))
        if not missing:
            return ""
        examples = ", ".join(missing[:3])
        return f"{len(missing)} listed instruments without margins in the responses, including {examples}"

    return omission


def object_at(document: object, *keys: str) -> tuple[JsonObject, str]:
    """JSON object under ``keys``, and its JSON pointer. Raises UnreadablePayloadError."""
    value, pointer = value_at(document, *keys)
    return json_object(value, pointer), pointer
