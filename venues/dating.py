"""Narrows the date of a payload that is not exact, by the times that its rows state.

``dating.yaml`` lists these times. A past event is a bound below, an event to come is one above, and
the time of the response is the date itself. A date is narrowed only within the bounds that are
known already; rows that contradict them, or each other, change nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DateKind, DatePrecision
from harmonize.core.payload import (
    NOT_OF_VENUE,
    Payload,
    UnreadablePayloadError,
    decode,
    escape,
    resolve,
)
from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml
from harmonize.text.messages import iso_utc
from venues.facts import term

MAX_SPREAD = timedelta(minutes=1)
"""Largest difference between times of a response in the rows of one response."""

_SECOND = timedelta(seconds=1)
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*", re.DOTALL)
_FIRST, _LAST = Decimal(1_230_768_000), Decimal(4_102_444_800)  # 2009 and 2100, in Unix seconds
_UNITS = (Decimal(1), Decimal(10**3), Decimal(10**6), Decimal(10**9))  # units per second


class TimeKind(StrEnum):
    """Relation of a time in a row to the time of the response."""

    RESPONSE = "response"
    PAST = "past"
    NEXT = "next"  # of a contract that trades


class Bound(StrEnum):
    """What a time in a payload says about the time of the response, as dates state it."""

    AT = "at"
    SINCE = "not before"
    BEFORE = "before"


class RowTime(NamedTuple):
    """Time in a payload that bounds the time of the response, and the field that states it."""

    bound: Bound
    time: datetime
    where: str

    def __str__(self) -> str:
        """Returns the bound in words: ``before 2026-06-26T08:00:00Z (/0/expire_time)``."""
        return f"{self.bound} {iso_utc(self.time)} ({self.where})"


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Field of an endpoint that bounds the time of the response; ``dating.yaml`` explains each key.

    ``rows`` is None if the response itself is the only row, ``interval`` seconds or a pointer.
    """

    venues: tuple[str, ...]
    method: str
    rows: str | None
    field: str
    kind: TimeKind
    remaining: str
    interval: int | str | None
    only: Mapping[str, tuple[object, ...]]
    source: str


def narrowed(payload: Payload) -> Payload:
    """Returns a payload with the narrowest date that its rows prove, and what proves it.

    The payload is unchanged if its date is exact, or if no row narrows it. Never raises.
    """
    if payload.precision.is_exact or payload.provenance.origin in NOT_OF_VENUE:
        return payload
    times = row_times(payload)
    return _at_response(payload, times) or _within_bounds(payload, times) or payload


def row_times(payload: Payload) -> tuple[RowTime, ...]:
    """Returns the times in a payload that bound the time of the response. Never raises."""
    rules = bundled().get((payload.venue, payload.call.method), ())
    try:
        document = decode(payload) if rules else None
    except UnreadablePayloadError:
        return ()
    return tuple(found for rule in rules for found in _times(document, rule))


def last_moment(observed_at: datetime) -> datetime:
    """Returns the latest time that an observation time stands for.

    Midnight means the whole day, a full minute the minute, a full second the second.
    """
    if observed_at.time() == time():
        return observed_at + timedelta(days=1, microseconds=-1)
    if observed_at.microsecond:
        return observed_at
    length = timedelta(seconds=1) if observed_at.second else timedelta(minutes=1)
    return observed_at + length - timedelta(microseconds=1)


def _at_response(payload: Payload, times: Iterable[RowTime]) -> Payload | None:
    """Returns the payload at the time of the response that its rows agree on; None without one."""
    stated = sorted((found for found in times if found.bound is Bound.AT), key=lambda x: x.time)
    if not stated or stated[-1].time - stated[0].time > MAX_SPREAD:
        return None
    newest = stated[-1]
    earliest = payload.precision.earliest or newest.time
    if not earliest <= newest.time <= last_moment(payload.observed_at):
        return None
    return _dated(payload, newest.time, EXACT, (newest,))


def _within_bounds(payload: Payload, times: Sequence[RowTime]) -> Payload | None:
    """Returns the payload between the bounds in its rows; None if they narrow nothing."""
    limit = last_moment(payload.observed_at)
    past = [x for x in times if x.bound is not Bound.BEFORE and x.time <= limit]
    coming = [x for x in times if x.bound is Bound.BEFORE and x.time <= limit]
    since = max(past, key=lambda x: x.time, default=None)
    before = min(coming, key=lambda x: x.time, default=None)
    known = payload.precision.earliest
    if since and known and since.time <= known:
        since = None
    if since is None and before is None:
        return None
    earliest = since.time if since else known
    latest = before.time - _SECOND if before else payload.observed_at
    if earliest and earliest > latest:
        if before:
            return None  # the rows contradict each other
        latest = limit.replace(microsecond=0)
        latest = max(latest, earliest)
    precision = _precision(payload.precision, earliest)
    return _dated(payload, latest, precision, tuple(x for x in (since, before) if x))


def _precision(known: DatePrecision, earliest: datetime | None) -> DatePrecision:
    if earliest is None:
        return NO_LATER_THAN
    kind = DateKind.DERIVED if known.kind is DateKind.DERIVED else DateKind.BETWEEN
    return DatePrecision(kind, earliest)


def _dated(
    payload: Payload, observed_at: datetime, precision: DatePrecision, proof: tuple[RowTime, ...]
) -> Payload:
    """Returns a payload with another date; its provenance names the fields that prove it."""
    reasons = ", ".join(str(found) for found in proof)
    dating = f"{payload.provenance.dating}; by times in the rows {reasons}"
    provenance = replace(payload.provenance, dating=dating)
    return replace(payload, observed_at=observed_at, precision=precision, provenance=provenance)


def _times(document: object, rule: TimeRule) -> Iterator[RowTime]:
    for pointer, row in _rows(document, rule.rows):
        if any(_value(row, key) not in allowed for key, allowed in rule.only.items()):
            continue
        stated = read_time(_value(row, rule.field))
        if stated is not None:
            yield from _bounds(row, stated, pointer, rule)


def _rows(document: object, pointer: str | None) -> Iterator[tuple[str, object]]:
    """Yields the rows with their pointers."""
    if pointer is None:
        yield "", document
        return
    rows = _value(document, pointer)
    if isinstance(rows, dict):
        yield from ((f"{pointer}/{escape(key)}", row) for key, row in rows.items())
    elif isinstance(rows, list):
        yield from ((f"{pointer}/{index}", row) for index, row in enumerate(rows))


def _bounds(row: object, stated: datetime, pointer: str, rule: TimeRule) -> Iterator[RowTime]:
    """Yields what one time says, and what its interval adds."""
    where = f"{pointer}{rule.field}"
    if rule.kind is TimeKind.RESPONSE:
        milliseconds = _number(_value(row, rule.remaining)) if rule.remaining else Decimal(0)
        is_time = milliseconds is not None and milliseconds <= _MOST_REMAINING
        if milliseconds is not None and is_time and (milliseconds or not rule.remaining):
            less = f" less {rule.remaining.rpartition('/')[2]}" if rule.remaining else ""
            rest = timedelta(milliseconds=float(milliseconds))
            yield RowTime(Bound.AT, stated - rest, f"{where}{less}")
        return
    is_past = rule.kind is TimeKind.PAST
    yield RowTime(Bound.SINCE if is_past else Bound.BEFORE, stated, where)
    seconds = _interval(row, rule)
    if seconds:
        length = timedelta(seconds=seconds)
        if is_past:
            yield RowTime(Bound.BEFORE, stated + length, f"{where} plus {seconds} s")
        else:
            yield RowTime(Bound.SINCE, stated - length, f"{where} less {seconds} s")


def _interval(row: object, rule: TimeRule) -> int | None:
    if not isinstance(rule.interval, str):
        return rule.interval
    seconds = _number(_value(row, rule.interval))
    return int(seconds) if seconds is not None and 0 < seconds <= _LONGEST else None


_LONGEST = Decimal(30 * 86_400)  # seconds between two events of a contract
_MOST_REMAINING = Decimal(10 * 366 * 86_400_000)  # milliseconds to the end of a contract


def read_time(value: object) -> datetime | None:
    """Returns a time in ISO 8601, or Unix time in s, ms, µs or ns, in UTC; None for other values.

    A text without a time zone is in UTC. Unix times before 2009 and from 2100 on are no times of a
    contract: venues write 0, or a year far away, where there is none.
    """
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            stated = datetime.fromisoformat(value)
            return stated.astimezone(UTC) if stated.tzinfo else stated.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return None
    number = _number(value)
    for unit in _UNITS if number is not None else ():
        assert number is not None  # noqa: S101 - there is no unit without a number
        if _FIRST <= number / unit < _LAST:
            return datetime.fromtimestamp(float(number / unit), UTC)
    return None


def _number(value: object) -> Decimal | None:
    """Returns a number that is not negative; None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        number = Decimal(value)
        return number if number.is_finite() and number >= 0 else None
    is_number = isinstance(value, str) and _DIGITS.fullmatch(value)
    return Decimal(str(value)) if is_number else None


def _value(row: object, pointer: str) -> object:
    try:
        return resolve(row, pointer)
    except KeyError:
        return None


@cache
def bundled() -> Mapping[tuple[str, str], tuple[TimeRule, ...]]:
    """Rules that ship with the package, by venue and method."""
    text = files("venues").joinpath("dating.yaml").read_text(encoding="utf-8")
    return parse(text, "dating.yaml")


_KEYS = frozenset(
    {"venues", "method", "rows", "field", "kind", "remaining", "interval", "only", "source"}
)
_REQUIRED = frozenset({"venues", "method", "field", "kind", "source"})


def parse(text: str, name: str) -> Mapping[tuple[str, str], tuple[TimeRule, ...]]:
    """Reads rules from YAML. Raises YamlSourceError with file:line:column and the problem."""
    source = parse_yaml(text, name)
    entries = source.value if isinstance(source.value, list) else []
    rules: dict[tuple[str, str], tuple[TimeRule, ...]] = {}
    for index, entry in enumerate(entries):
        rule = _rule(source, index, entry)
        for venue in rule.venues:
            key = (venue, rule.method)
            rules[key] = (*rules.get(key, ()), rule)
    return MappingProxyType(rules)


def _rule(source: YamlSource, index: int, entry: object) -> TimeRule:
    if not isinstance(entry, dict) or not _REQUIRED <= set(entry) <= _KEYS:
        needed, others = ", ".join(sorted(_REQUIRED)), ", ".join(sorted(_KEYS - _REQUIRED))
        reason = f"expected the keys {needed}, and of {others} those that are needed"
        raise _error(source, (index,), reason)
    try:
        kind = term(TimeKind, entry["kind"], "kind")
    except ValueError as error:
        raise _error(source, (index, "kind"), str(error)) from None
    interval, only, names = entry.get("interval"), entry.get("only", {}), entry["venues"]
    if isinstance(interval, bool) or not isinstance(interval, int | str | None):
        reason = f"interval: expected seconds or a pointer, found {interval!r}"
        raise _error(source, (index, "interval"), reason)
    if not isinstance(only, dict) or not all(
        isinstance(allowed, list) for allowed in only.values()
    ):
        reason = "only: expected lists of values by pointer"
        raise _error(source, (index, "only"), reason)
    if not isinstance(names, list):
        raise _error(source, (index, "venues"), f"venues: expected a list, found {names!r}")
    return TimeRule(
        tuple(str(venue) for venue in names),
        str(entry["method"]),
        str(entry["rows"]) if "rows" in entry else None,
        str(entry["field"]),
        kind,
        str(entry.get("remaining", "")),
        interval,
        MappingProxyType({pointer: tuple(allowed) for pointer, allowed in only.items()}),
        str(entry["source"]),
    )


def _error(source: YamlSource, path: tuple[str | int, ...], reason: str) -> YamlSourceError:
    line, column = source.place(path)
    return YamlSourceError(source.name, line, column, reason)
