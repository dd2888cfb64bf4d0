"""Laws that gathered schedules keep whatever the venue; a slip in scale or shape breaks one.

They are held against what was gathered live: recordings were looked at by people.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files

from harmonize.core.payload import Defect, Evidence, Origin, Snapshot, decode, escape, resolve
from harmonize.core.schedule import MarginFunction, MarginSchedule, Unknown, value_of
from venues.adapter import Parsed

LEVERAGES = ("initialLeverage", "leverage", "leverage_max", "maxLever", "maxLeverage")
"""What venues call the largest leverage of a tier."""

LEAST, MOST = Decimal("0.5"), Decimal(2)
"""IM rate × largest leverage is 1 but for rounding; a percent read as a fraction makes it 100."""

CAPACITY_JUMP = 100
"""This capacity and the last one lie less than this factor apart."""

RATE_APART = 50
"""So do the rates of the smallest position; from percent to fraction is a factor of 100."""

TIER_ROW_FIELDS = 20
"""A row of at most this many fields is a tier; a wider one is an instrument with much else in it."""

_MARGINAL = (
    "margin",
    "lever",
    "risk",
    "tier",
    "limit",
    "maint",
    "imr",
    "mmr",
    "bracket",
    "notional",
)
"""What the name of a field holds that has to do with margin."""

Fields = Mapping[str, Mapping[str, frozenset[str]]]
"""Known fields by venue and endpoint, and depth of the row within its answer."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A law that a schedule breaks: where in which answer, and how."""

    where: str
    reason: str


@cache
def known_fields() -> Fields:
    """The fields that rows had in the recordings, and those that documentation names."""
    text = files("venues").joinpath("fields.json").read_text(encoding="utf-8")
    return {
        venue: {row: frozenset(names) for row, names in rows.items()}
        for venue, rows in json.loads(text).items()
    }


def screen(
    snapshot: Snapshot,
    parsed: Parsed,
    fields: Callable[[], Fields],
    before: Mapping[tuple[str, str, str], MarginSchedule],
) -> Parsed:
    """Hold every schedule of a live snapshot against the laws; one that breaks any is hidden.

    ``before`` are the venue's schedules in the snapshot before, by key.
    """
    if not any(one.provenance.origin is Origin.LIVE for one in snapshot.payloads):
        return parsed
    answers = {one.sha256: one for one in snapshot.payloads}
    documents: dict[str, object] = {}
    schedules, defects = [], list(parsed.defects)
    for schedule in parsed.schedules:
        main = schedule.evidence[0]
        if main.sha256 not in documents:
            documents[main.sha256] = decode(answers[main.sha256])
        call = answers[main.sha256].call
        known = fields().get(schedule.instrument.venue, {})
        breach = (
            _unknown_field(documents[main.sha256], main, call.method, known)
            or _leverage(documents[main.sha256], main, schedule)
            or _order(schedule, main)
            or _change(schedule, before.get(schedule.key), main)
        )
        if breach is None:
            schedules.append(schedule)
            continue
        where = f"{call} at {breach.where or '/'}"
        symbol = schedule.instrument.id
        defects.append(Defect(schedule.instrument.venue, where, breach.reason, symbol))
        schedules.append(withheld(schedule, f"{where}: {breach.reason}"))
    return Parsed(tuple(schedules), tuple(defects))


def withheld(schedule: MarginSchedule, reason: str) -> MarginSchedule:
    """Take every figure out of a schedule that cannot be believed."""
    unknown = Unknown(reason)
    return replace(schedule, tiers=(), initial=unknown, maintenance=unknown, capacity=unknown)


def row_kind(method: str, pointer: str) -> str:
    """Name rows of one kind: those as deep in the answers to one endpoint."""
    return f"{method} {pointer.count('/')}"


def _unknown_field(
    document: object, evidence: Evidence, method: str, known: Mapping[str, frozenset[str]]
) -> Breach | None:
    """A field that no recording had could change what the others mean."""
    for pointer in evidence.rows:
        row = resolve(document, pointer)
        expected = known.get(row_kind(method, pointer))
        if not isinstance(row, dict) or expected is None:
            continue
        for name in sorted(set(row) - expected):
            if len(expected) <= TIER_ROW_FIELDS or any(one in name.lower() for one in _MARGINAL):
                where = f"{pointer}/{escape(name)}"
                return Breach(where, "a field that this version does not know")
    return None


def _leverage(document: object, evidence: Evidence, schedule: MarginSchedule) -> Breach | None:
    """Where a row states both, IM rate × largest leverage is 1."""
    if len(evidence.rows) != len(schedule.tiers):
        return None
    for tier, pointer in zip(schedule.tiers, evidence.rows, strict=True):
        row = resolve(document, pointer)
        for name in LEVERAGES:
            stated = _number(row.get(name)) if isinstance(row, dict) else None
            if not stated or tier.initial_rate is None:
                continue
            if not LEAST <= stated * tier.initial_rate <= MOST:
                reason = f"leverage {stated:f} and an IM rate of {tier.initial_rate:f} disagree"
                return Breach(f"{pointer}/{name}", reason)
    return None


def _order(schedule: MarginSchedule, evidence: Evidence) -> Breach | None:
    """MM is at most IM."""
    initial, maintenance = value_of(schedule.initial), value_of(schedule.maintenance)
    if initial is None or maintenance is None:
        return None
    for tier, pointer in zip(schedule.tiers, evidence.rows, strict=False):
        if (
            tier.initial_rate is not None
            and tier.maintenance_rate is not None
            and tier.maintenance_rate > tier.initial_rate
        ):
            reason = (
                f"an MM rate of {tier.maintenance_rate:f} lies above the IM rate of "
                f"{tier.initial_rate:f}"
            )
            return Breach(pointer, reason)
    low, high = _first_rate(maintenance), _first_rate(initial)
    if low > high:
        return Breach(evidence.rows[0], f"MM of {low:f} lies above IM of {high:f}")
    return None


def _change(
    schedule: MarginSchedule, before: MarginSchedule | None, evidence: Evidence
) -> Breach | None:
    """Capacity and rates do not leap by orders of magnitude from one snapshot to the next."""
    if before is None:
        return None
    pairs = [("capacity", value_of(schedule.capacity), value_of(before.capacity), CAPACITY_JUMP)]
    for name in ("initial", "maintenance"):
        now, then = value_of(getattr(schedule, name)), value_of(getattr(before, name))
        if now is not None and then is not None:
            pairs.append((f"{name} rate", _first_rate(now), _first_rate(then), RATE_APART))
    for what, now, then, most in pairs:
        if now and then and not Decimal(1) / most <= now / then <= most:
            day = before.observed_at.date()
            reason = f"the {what} leapt from {then:f} on {day} to {now:f}, a factor above {most}"
            return Breach(evidence.rows[0], reason)
    return None


def _first_rate(function: MarginFunction) -> Decimal:
    """The rate of a position of one dollar."""
    piece = function.pieces[0]
    return piece.fixed + piece.rate + piece.coefficient


def _number(raw: object) -> Decimal | None:
    if isinstance(raw, str | int | Decimal) and not isinstance(raw, bool):
        try:
            value = Decimal(raw)
        except InvalidOperation:
            return None
        return value if value.is_finite() else None
    return None


def fields_of(snapshots: Iterable[tuple[Snapshot, Parsed]]) -> dict[str, dict[str, list[str]]]:
    """Collect the fields of every row that margins stand in, by venue and kind of row."""
    found: dict[str, dict[str, set[str]]] = {}
    for snapshot, parsed in snapshots:
        calls = {one.sha256: one.call.method for one in snapshot.payloads}
        documents = {one.sha256: decode(one) for one in snapshot.payloads}
        for evidence in (one for schedule in parsed.schedules for one in schedule.evidence):
            for pointer in evidence.rows:
                row = resolve(documents[evidence.sha256], pointer)
                if isinstance(row, dict):
                    kind = row_kind(calls[evidence.sha256], pointer)
                    found.setdefault(snapshot.venue, {}).setdefault(kind, set()).update(row)
    return {
        venue: {kind: sorted(names) for kind, names in sorted(kinds.items())}
        for venue, kinds in sorted(found.items())
    }
