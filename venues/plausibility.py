"""Checks live schedules for errors of scale and structure, by rules that hold at every venue.

Recordings are exempt, because they were reviewed manually.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from harmonize.core.payload import Call, Defect, Evidence, Origin, Snapshot, decode, resolve
from harmonize.core.schedule import MarginFunction, MarginSchedule, Unknown, value_of
from venues.adapter import Parsed
from venues.known_fields import FieldDrift, KnownFields, VenueFields, find_drift

LEVERAGES = ("initialLeverage", "leverage", "leverage_max", "maxLever", "maxLeverage")
"""Field names that venues use for the maximum leverage of a tier."""

MIN_PRODUCT, MAX_PRODUCT = Decimal("0.5"), Decimal(2)
"""Limits of IM rate × maximum leverage: 1 up to rounding, 100 if a percentage is read as a fraction."""

CAPACITY_JUMP = 100
"""Largest plausible ratio between two successive capacities."""

RATE_JUMP = 50
"""Largest plausible ratio between successive rates of the smallest position; percent to fraction is 100."""


@dataclass(frozen=True, slots=True)
class Breach:
    """Failed plausibility check: JSON pointer in the payload, and the reason.

    ``call`` names the payload, if it is not the one of the schedule's first row.
    """

    where: str
    reason: str
    call: Call | None = None


def screen(
    snapshot: Snapshot,
    parsed: Parsed,
    fields: Callable[[], KnownFields],
    before: Mapping[tuple[str, str, str], MarginSchedule],
) -> Parsed:
    """Checks every schedule of a live snapshot and withholds those that fail.

    ``before`` are the venue's schedules of the previous snapshot, by key.
    """
    if not any(payload.provenance.origin is Origin.LIVE for payload in snapshot.payloads):
        return parsed
    payloads = {payload.sha256: payload for payload in snapshot.payloads}
    documents: dict[str, object] = {}
    drift = find_drift(snapshot, parsed.schedules, fields().get(snapshot.venue, VenueFields()))
    schedules, defects = [], list(parsed.defects)
    for schedule in parsed.schedules:
        evidence = schedule.evidence[0]
        if evidence.sha256 not in documents:
            documents[evidence.sha256] = decode(payloads[evidence.sha256])
        document = documents[evidence.sha256]
        call = payloads[evidence.sha256].call
        breach = (
            _unknown_field(schedule, drift)
            or _leverage_mismatch(document, evidence, schedule)
            or _maintenance_above_initial(schedule, evidence)
            or _jump(schedule, before.get(schedule.key), evidence)
        )
        if breach is None:
            schedules.append(schedule)
            continue
        where = f"{breach.call or call} at {breach.where or '/'}"
        symbol = schedule.instrument.id
        defects.append(Defect(schedule.instrument.venue, where, breach.reason, symbol))
        schedules.append(without_margins(schedule, f"{where}: {breach.reason}"))
    return Parsed(tuple(schedules), tuple(defects), (*parsed.remarks, *drift.remarks))


def without_margins(schedule: MarginSchedule, reason: str) -> MarginSchedule:
    """Schedule without any margins or capacity, for data that is not plausible."""
    unknown = Unknown(reason)
    return replace(schedule, tiers=(), initial=unknown, maintenance=unknown, capacity=unknown)


def _unknown_field(schedule: MarginSchedule, drift: FieldDrift) -> Breach | None:
    if schedule.key not in drift.hiding:
        return None
    call, where = drift.hiding[schedule.key]
    return Breach(where, "unknown field", call)


def _leverage_mismatch(
    document: object, evidence: Evidence, schedule: MarginSchedule
) -> Breach | None:
    """Breach if a row's IM rate × maximum leverage differs from 1 by more than rounding."""
    if len(evidence.rows) != len(schedule.tiers):
        return None
    for tier, pointer in zip(schedule.tiers, evidence.rows, strict=True):
        row = resolve(document, pointer)
        for name in LEVERAGES:
            leverage = _number(row.get(name)) if isinstance(row, dict) else None
            if not leverage or tier.initial_rate is None:
                continue
            if not MIN_PRODUCT <= leverage * tier.initial_rate <= MAX_PRODUCT:
                reason = (
                    f"maximum leverage {leverage:f} contradicts the IM rate {tier.initial_rate:f}"
                )
                return Breach(f"{pointer}/{name}", reason)
    return None


def _maintenance_above_initial(schedule: MarginSchedule, evidence: Evidence) -> Breach | None:
    """Breach if MM exceeds IM."""
    initial, maintenance = value_of(schedule.initial), value_of(schedule.maintenance)
    if initial is None or maintenance is None:
        return None
    for tier, pointer in zip(schedule.tiers, evidence.rows, strict=False):
        if (
            tier.initial_rate is not None
            and tier.maintenance_rate is not None
            and tier.maintenance_rate > tier.initial_rate
        ):
            reason = f"MM rate {tier.maintenance_rate:f} exceeds the IM rate {tier.initial_rate:f}"
            return Breach(pointer, reason)
    mm_rate, im_rate = _first_rate(maintenance), _first_rate(initial)
    if mm_rate > im_rate:
        return Breach(
            evidence.rows[0], f"MM rate {mm_rate:f} at 1 USD exceeds the IM rate {im_rate:f}"
        )
    return None


def _jump(
    schedule: MarginSchedule, before: MarginSchedule | None, evidence: Evidence
) -> Breach | None:
    """Breach if the capacity or a rate changes by orders of magnitude between two snapshots."""
    if before is None:
        return None
    comparisons = [
        ("capacity", value_of(schedule.capacity), value_of(before.capacity), CAPACITY_JUMP)
    ]
    for name in ("initial", "maintenance"):
        now, then = value_of(getattr(schedule, name)), value_of(getattr(before, name))
        if now is not None and then is not None:
            comparisons.append((f"{name} rate", _first_rate(now), _first_rate(then), RATE_JUMP))
    for name, now, then, limit in comparisons:
        if now and then and not Decimal(1) / limit <= now / then <= limit:
            day = before.observed_at.date()
            reason = f"{name} changed from {then:f} on {day} to {now:f}, by a factor above {limit}"
            return Breach(evidence.rows[0], reason)
    return None


def _first_rate(function: MarginFunction) -> Decimal:
    """Margin rate of a position of 1 USD."""
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
