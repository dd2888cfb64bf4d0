"""One schedule with every number traced to its payload, as a JSON object and as text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from math import isnan

import numpy as np

from harmonize.comparison.layout import build_layout
from harmonize.comparison.offers import end_reason
from harmonize.core.payload import Evidence, Factor, Payload, decode, resolve
from harmonize.core.schedule import MarginSchedule, value_of
from harmonize.document import PieceRow
from harmonize.document.rows import (
    AT_LEAST,
    margin_note,
    margin_status,
    note,
    pieces,
    status,
)
from harmonize.text import numbers
from harmonize.text.messages import counted, iso_utc, observation_day

Object = dict[str, object]


def schedule_object(
    schedule: MarginSchedule, payloads: Mapping[str, Payload], notionals: Sequence[float]
) -> Object:
    """Returns a schedule for JSON. ``payloads`` are by hash; margins are None where unknown."""
    instrument = schedule.instrument
    capacity = value_of(schedule.capacity)
    conversions = [own.conversion for own in schedule.evidence if own.conversion]
    return {
        "venue": instrument.venue,
        "symbol": instrument.symbol,
        "underlying": instrument.underlying.asset,
        "multiplier": instrument.underlying.multiplier,
        "payoff": instrument.payoff.value,
        "profile": str(schedule.profile),
        "observed_at": iso_utc(schedule.observed_at),
        "observed_from": schedule.precision.earliest_text(schedule.observed_at),
        "date_kind": schedule.precision.kind.value,
        "oldest": schedule.precision.earliest_text(schedule.dates[0]),
        "newest": iso_utc(schedule.dates[-1]),
        "origin": schedule.origin.value,
        "not_trading": schedule.not_trading,
        "rule": schedule.rule.value if schedule.rule else None,
        "maintenance_meaning": schedule.meaning.value,
        "fee": schedule.fee.rule,
        "capacity": {
            "value": None if capacity is None else float(capacity),
            "status": status(schedule.capacity).value,
            "note": note(schedule.capacity),
        },
        "status": {
            "initial": margin_status(schedule, schedule.initial).value,
            "initial_note": margin_note(schedule, schedule.initial),
            "maintenance": margin_status(schedule, schedule.maintenance).value,
            "maintenance_note": margin_note(schedule, schedule.maintenance),
        },
        "known_up_to": float(schedule.known_up_to) if schedule.known_up_to.is_finite() else None,
        "points": points(schedule, notionals),
        "pieces": {
            "initial": [asdict(row) for row in pieces(schedule.initial, schedule.known_up_to)],
            "maintenance": [
                asdict(row) for row in pieces(schedule.maintenance, schedule.known_up_to)
            ],
        },
        "evidence": [
            trace for evidence in schedule.evidence for trace in _traces(evidence, payloads)
        ],
        "conversion": [_factor(factor) for own in conversions for factor in own.factors],
        "conversion_formula": conversions[0].formula if conversions else "",
        "notes": list(schedule.notes),
    }


def points(schedule: MarginSchedule, notionals: Sequence[float]) -> list[Object]:
    """IM and MM at each notional, in USD and as rates; None above the capacity or where unknown.

    If ``bound`` is ``at least``, the margins are lower bounds, and the leverage is an upper bound.
    """
    layout = build_layout([schedule], [])
    sizes = np.array(notionals, dtype=float)
    margins: dict[str, list[float | None]] = {}
    for margin_type, (function,) in layout.published.items():
        if function is None:
            margins[margin_type] = [None] * len(notionals)
            continue
        values = layout.panel.evaluate(np.full(sizes.size, function.function), sizes)
        values[sizes > function.limit] = np.nan
        margins[margin_type] = [None if isnan(value) else value for value in values.tolist()]
    return [
        _point(schedule, notional, initial, maintenance)
        for notional, initial, maintenance in zip(
            notionals, margins["initial"], margins["maintenance"], strict=True
        )
    ]


def _point(
    schedule: MarginSchedule, notional: float, initial: float | None, maintenance: float | None
) -> Object:
    is_known = initial is not None or maintenance is not None
    is_lower_bound = is_known and notional > float(schedule.known_up_to)
    return {
        "notional": notional,
        "initial_margin": initial,
        "maintenance_margin": maintenance,
        "initial_rate": None if initial is None else initial / notional,
        "maintenance_rate": None if maintenance is None else maintenance / notional,
        "max_leverage": notional / initial if initial else None,
        "bound": AT_LEAST if is_lower_bound else "",
    }


def _traces(evidence: Evidence, payloads: Mapping[str, Payload]) -> Iterator[Object]:
    """Yields every published number of a schedule with its payload's hash and its pointer there."""
    payload = payloads[evidence.sha256]
    document = decode(payload)
    for tier, row in enumerate(evidence.rows, start=1):
        for column in evidence.columns:
            pointer = row + column.key
            try:
                published = resolve(document, pointer)
            except KeyError:
                continue
            yield {
                "tier": tier,
                "quantity": column.quantity,
                "published": str(published) if isinstance(published, Decimal) else published,
                "unit": column.unit,
                "sha256": evidence.sha256,
                "pointer": pointer,
                "call": str(payload.call),
                "observed_at": iso_utc(payload.observed_at),
                "observed_from": payload.precision.earliest_text(payload.observed_at),
                "date_kind": payload.precision.kind.value,
            }


def _factor(factor: Factor) -> Object:
    return {
        "name": factor.name,
        "value": str(factor.value),
        "unit": factor.unit,
        "sha256": factor.sha256,
        "pointer": factor.pointer,
        "observed_at": iso_utc(factor.observed_at),
    }


def schedule_text(schedule: MarginSchedule, notionals: Sequence[float], as_of: datetime) -> str:
    """Returns a schedule as text: date and age at ``as_of``, statuses, margins, pieces."""
    instrument = schedule.instrument
    lines = [
        f"{instrument.venue} {instrument.symbol} ({schedule.profile}), as of {as_of:%Y-%m-%d}",
        f"observed {_observed(schedule)}, {_age(schedule, as_of)} old, {schedule.origin.value}",
        *([f"not trading: {schedule.not_trading}"] if schedule.not_trading else ()),
        f"MM tier rule: {schedule.rule.value if schedule.rule else 'unknown'}",
        f"fee add-on: {schedule.fee.rule}",
        *_statuses(schedule),
        f"capacity: {_capacity(schedule)}",
        "",
        f"{'notional':>16} {'IM':>18} {'MM':>18} {'IM rate':>9} {'MM rate':>9} {'leverage':>9}",
        *(_point_line(schedule, point) for point in points(schedule, notionals)),
    ]
    for word, margin in (("IM", schedule.initial), ("MM", schedule.maintenance)):
        rows = pieces(margin, schedule.known_up_to)
        lines += ["", f"{word} pieces"] if rows else []
        lines += [_piece_line(row) for row in rows]
    lines += ["", *schedule.notes] if schedule.notes else []
    return "\n".join(lines) + "\n"


def _observed(schedule: MarginSchedule) -> str:
    """Time of the observation to the second if it is exact, otherwise its possible days."""
    observed_at, precision = schedule.observed_at, schedule.precision
    if precision.is_exact:
        return iso_utc(observed_at)
    earliest = precision.earliest_text(observed_at)
    return observation_day(iso_utc(observed_at), earliest, precision.kind.value)


def _age(schedule: MarginSchedule, as_of: datetime) -> str:
    earliest = schedule.precision.older_end(schedule.observed_at)
    days = counted(max(0, (as_of - (earliest or schedule.observed_at)).days), "day")
    if schedule.precision.is_exact:
        return days
    return f"up to {days}" if earliest else f"at least {days}"


def _statuses(schedule: MarginSchedule) -> list[str]:
    """Statuses of IM and MM with their reasons; one line where both are the same."""
    initial, maintenance = (
        f"{margin_status(schedule, margin).value}{_because(margin_note(schedule, margin))}"
        for margin in (schedule.initial, schedule.maintenance)
    )
    if initial == maintenance:
        return [f"IM and MM {initial}"]
    return [f"IM {initial}", f"MM {maintenance}"]


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _capacity(schedule: MarginSchedule) -> str:
    capacity = value_of(schedule.capacity)
    reason = note(schedule.capacity)
    return f"not observable{_because(reason)}" if capacity is None else f"${capacity:,.0f}"


def _point_line(schedule: MarginSchedule, point: Object) -> str:
    """Returns a line of the table; ≥ marks a lower bound, and ≤ the leverage that follows from it."""
    least, most = ("≥ ", "≤ ") if point["bound"] else ("", "")
    amounts = [
        numbers.amount(_number(point[key])) for key in ("initial_margin", "maintenance_margin")
    ]
    rates = [numbers.rate(_number(point[key])) for key in ("initial_rate", "maintenance_rate")]
    leverage = numbers.precise_leverage(_number(point["max_leverage"]))
    notional = _number(point["notional"]) or 0.0
    return (
        f"{notional:>16,.0f} "
        f"{' '.join(f'{_marked(least, text):>18}' for text in amounts)} "
        f"{' '.join(f'{_marked(least, text):>9}' for text in rates)} "
        f"{_marked(most, leverage):>9}{_end(schedule, notional)}"
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _marked(mark: str, text: str) -> str:
    return text if text == numbers.NOT_OBSERVABLE else f"{mark}{text}"


def _end(schedule: MarginSchedule, notional: float) -> str:
    """Returns why a notional has no margin; empty if it has one, or if no margin is known."""
    capacity = value_of(schedule.capacity)
    if capacity is not None and notional > capacity:
        return "  above the capacity"
    margins = (("IM", value_of(schedule.initial)), ("MM", value_of(schedule.maintenance)))
    known = [(word, float(function.upper)) for word, function in margins if function is not None]
    ended = [(word, end) for word, end in known if notional > end]
    if not ended:
        return ""
    words = "" if len(ended) == len(known) else f"{ended[0][0]}: "
    return f"  {words}{end_reason(schedule, max(end for _, end in ended))}"


def _piece_line(piece: PieceRow) -> str:
    upper = "above" if piece.upper is None else f"to {piece.upper:,.0f}"
    curved = f" + {piece.coefficient:.6g}·N^{piece.power:g}" if piece.coefficient else ""
    fixed = f" {piece.fixed:+,.2f}" if piece.fixed else ""
    bound = f"{piece.bound} " if piece.bound else ""
    return f"  {piece.lower:>16,.0f} {upper:<22} {bound}{piece.rate:.6g}·N{fixed}{curved}"
