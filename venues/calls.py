"""What to ask a venue next, from what it answered so far; and whether the answers are whole."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from harmonize.core.payload import Snapshot, UnreadablePayloadError, decode
from venues.fields import Row, mapping, member, rows, word

Params = tuple[tuple[str, str], ...]
"""The parameters of one call, by name."""

CallPlan = Callable[[Snapshot], Iterable[Params]]
"""The calls to make, from the answers of the endpoints before."""

NextPage = Callable[[Params, object], Params | None]
"""The call that follows the answer to one; None after the last page."""


class PastTheEndError(Exception):
    """A page after the last one: it holds nothing, and is not kept."""


def call(**fixed: str) -> Params:
    """Write parameters in the order of their names, as they are archived."""
    return tuple(sorted(fixed.items()))


def once(**fixed: str) -> CallPlan:
    """Make one call."""
    return every(fixed)


def every(*variants: dict[str, str]) -> CallPlan:
    """Make one call a set of parameters, such as one a settlement currency."""
    return lambda _: [call(**one) for one in variants]


ONCE = once()
"""One call without parameters."""


def each(name: str, found: Callable[[Snapshot], Iterable[str]], **fixed: str) -> CallPlan:
    """Make one call for every value found in earlier answers: ``name=value``."""
    return lambda snapshot: [call(**{name: one}, **fixed) for one in unique(found(snapshot))]


def joined(
    name: str, found: Callable[[Snapshot], Iterable[str]], size: int, comma: str = ",", **fixed: str
) -> CallPlan:
    """Make one call for every ``size`` values found, joined by commas."""

    def ask(snapshot: Snapshot) -> Iterator[Params]:
        values = unique(found(snapshot))
        for start in range(0, len(values), size):
            yield call(**{name: comma.join(values[start : start + size])}, **fixed)

    return ask


def together(*asks: CallPlan) -> CallPlan:
    """Make the calls of several."""
    return lambda snapshot: [one for ask in asks for one in ask(snapshot)]


def values(
    method: str, *keys: str, field: str, where: Callable[[Row], bool] = lambda _: True
) -> Callable[[Snapshot], Iterator[str]]:
    """Find one field of every row (that ``where`` takes) of a list in the answers to ``method``.

    A list may be empty: a market without contracts. Raises UnreadablePayloadError: the answers are not what the endpoint promises.
    """

    def found(snapshot: Snapshot) -> Iterator[str]:
        for payload in snapshot.answers(method):
            listed, top = member(decode(payload), *keys)
            for at, row in rows(listed, top) if listed != [] else ():
                if where(row):
                    yield word(row, field, at)

    return found


def unique(found: Iterable[str]) -> list[str]:
    """Take each value once, sorted, so that the same answers lead to the same calls."""
    return sorted(set(found))


def cursor(name: str, *keys: str, last: Sequence[object] = (None, "")) -> NextPage:
    """Follow a cursor that stands under ``keys`` of each answer, until it is one of ``last``."""

    def following(params: Params, document: object) -> Params | None:
        value, at = member(document, *keys)
        if value in last:
            return None
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise UnreadablePayloadError(where=at, reason=f"a cursor was due, was {value!r}")
        return call(**{**dict(params), name: str(value)})

    return following


def offset(name: str, limit: int, *keys: str) -> NextPage:
    """Ask for the rows after these, until a page holds fewer than ``limit``."""
    return _stepped(name, limit, limit, 0, keys)


def numbered(name: str, limit: int, *keys: str, first: int = 1) -> NextPage:
    """Ask for the page after this one, until a page holds fewer rows than ``limit``."""
    return _stepped(name, limit, 1, first, keys)


def _stepped(name: str, limit: int, step: int, first: int, keys: tuple[str, ...]) -> NextPage:
    def following(params: Params, document: object) -> Params | None:
        listed, at = member(document, *keys)
        if not isinstance(listed, list):
            raise UnreadablePayloadError(where=at, reason="a list was due")
        given = dict(params)
        here = int(given.get(name, str(first)))
        if not listed and here != first:
            raise PastTheEndError
        return call(**{**given, name: str(here + step)}) if len(listed) >= limit else None

    return following


def all_answered(
    due: Callable[[Snapshot], Iterable[str]], answered: Callable[[Snapshot], Iterable[str]]
) -> Callable[[Snapshot], str]:
    """Say which instruments that the venue lists are not among those that it answered for.

    A list cut short by the venue looks whole by itself; only another list gives it away.
    """

    def whole(snapshot: Snapshot) -> str:
        missing = sorted(set(due(snapshot)) - set(answered(snapshot)))
        if not missing:
            return ""
        named = ", ".join(missing[:3])
        return f"{len(missing)} listed instruments have no margins in the answer, as {named}"

    return whole


def object_at(document: object, *keys: str) -> tuple[Row, str]:
    """Go down to a JSON object; give it and its pointer. Raises UnreadablePayloadError."""
    found, at = member(document, *keys)
    return mapping(found, at), at
