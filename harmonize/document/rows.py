"""Values of the domain written as rows of the audit document."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import inf

from harmonize.core.payload import (
    Conversion,
    Defect,
    Evidence,
    Origin,
    Payload,
    Snapshot,
    Unobserved,
)
from harmonize.core.schedule import (
    Derived,
    Known,
    MarginFunction,
    MarginSchedule,
    Observed,
    T,
    Unknown,
    value_of,
)
from harmonize.document import (
    CitationRow,
    ColumnRow,
    ConversionRow,
    CoverageRow,
    CoverageStatus,
    DefectRow,
    EvidenceRow,
    FactorRow,
    FlagRow,
    InputRow,
    Interval,
    PayloadRow,
    PieceRow,
    RuleSetRow,
    ScheduleRow,
    SnapshotRow,
    Status,
    UnobservedRow,
)
from harmonize.numerics.deviation import HORIZON, Range
from harmonize.numerics.panel import PieceNumbers
from harmonize.policy.apply import Applied
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import Scope
from harmonize.policy.summary import summary
from harmonize.text.messages import moment


@dataclass(frozen=True, slots=True)
class SnapshotAge:
    """A snapshot of one venue: when it was observed, and whether that is too long ago."""

    venue: str
    observed_at: datetime
    age_days: float
    stale: bool


def snapshot_row(snapshot: Snapshot, digest: str, seen: SnapshotAge) -> SnapshotRow:
    """One snapshot, with its payloads in the order in which they were archived."""
    origins = {payload.provenance.origin for payload in snapshot.payloads} - {Origin.MARKET}
    return SnapshotRow(
        venue=snapshot.venue,
        observed_at=moment(snapshot.observed_at),
        source=", ".join(origin.value for origin in Origin if origin in origins),
        sha256=digest,
        age_days=seen.age_days,
        stale=seen.stale,
        complete=snapshot.complete,
        payloads=tuple(_payload_row(payload) for payload in snapshot.payloads),
    )


def _payload_row(payload: Payload) -> PayloadRow:
    provenance = payload.provenance
    return PayloadRow(
        call=str(payload.call),
        request=provenance.request,
        sha256=payload.sha256,
        observed_at=moment(payload.observed_at),
        origin=provenance.origin.value,
        source=provenance.source,
        date_basis=provenance.dating,
        size=len(payload.content),
    )


def rule_set_row(applied: Applied) -> RuleSetRow:
    """One rule set with its citations and flags."""
    rule_set = applied.rule_set
    statistical = rule_set.tolerance.statistical
    return RuleSetRow(
        id=rule_set.id,
        version=rule_set.version,
        title=rule_set.title,
        kind=rule_set.kind,
        scope=rule_set.scope.text,
        statutory=rule_set.statutory,
        tolerance_relative=float(rule_set.tolerance.relative),
        tolerance_absolute=float(rule_set.tolerance.absolute),
        maintenance_meaning=rule_set.meaning.value,
        citations=tuple(
            CitationRow(one.reference, one.via, one.verified.value, one.supports)
            for one in rule_set.citations
        ),
        flags=tuple(FlagRow(one.field, one.status, one.note) for one in rule_set.flags),
        tolerance_statistical=None if statistical is None else float(statistical),
        in_force=_in_force(rule_set.scope),
        extends=rule_set.extends,
        requirement=summary(rule_set),
        description=rule_set.about,
    )


def _in_force(scope: Scope) -> str:
    parts = [f"from {scope.since}"] * (scope.since is not None)
    parts += [f"until {scope.until}"] * (scope.until is not None)
    return " ".join(parts)


def input_rows(applied: Iterable[Applied]) -> tuple[InputRow, ...]:
    """Every input that some rule set used, once each."""
    used = {(one.name, one.underlying): one for rule in applied for one in rule.used}
    return tuple(_input_row(one) for _, one in sorted(used.items()))


def _input_row(one: Input) -> InputRow:
    return InputRow(
        name=one.name,
        underlying=one.underlying,
        value=float(one.value),
        lower=None if one.lower is None else float(one.lower),
        upper=None if one.upper is None else float(one.upper),
        confidence=None if one.confidence is None else float(one.confidence),
        observations=one.observations,
        observed_at=moment(one.observed_at),
        origin=one.origin,
        source=one.source,
        sha256=one.sha256,
        pointer=one.pointer,
    )


def schedule_row(
    schedule: MarginSchedule,
    *,
    stale: bool,
    initial: Sequence[PieceNumbers],
    maintenance: Sequence[PieceNumbers],
) -> ScheduleRow:
    """One schedule: its pieces as laid out, what is known of them, and the evidence."""
    instrument = schedule.instrument
    return ScheduleRow(
        venue=instrument.venue,
        symbol=instrument.symbol,
        underlying=instrument.underlying.asset,
        multiplier=instrument.underlying.multiplier,
        payoff=instrument.payoff.value,
        expiry=instrument.expiry.isoformat() if instrument.expiry else None,
        profile=str(schedule.profile),
        tier_rule=schedule.rule.value if schedule.rule else None,
        observed_at=moment(schedule.observed_at),
        oldest=moment(schedule.dates[0]),
        newest=moment(schedule.dates[-1]),
        stale=stale,
        origin=schedule.origin.value,
        capacity=_amount(schedule.capacity),
        capacity_status=status(schedule.capacity),
        capacity_note=note(schedule.capacity),
        initial=tuple(map(_piece, initial)),
        initial_status=status(schedule.initial),
        initial_note=note(schedule.initial),
        maintenance=tuple(map(_piece, maintenance)),
        maintenance_status=status(schedule.maintenance),
        maintenance_note=note(schedule.maintenance),
        maintenance_meaning=schedule.meaning.value,
        fee_rule=schedule.fee.rule,
        fee_rate=_amount(schedule.fee.rate),
        fee_note=note(schedule.fee.rate),
        notes=schedule.notes,
        evidence=tuple(evidence_row(one) for one in schedule.evidence),
    )


def _piece(numbers: PieceNumbers) -> PieceRow:
    lower, upper, fixed, rate, coefficient, power = numbers
    return PieceRow(lower, None if upper == inf else upper, fixed, rate, coefficient, power)


def coverage_row(schedule: MarginSchedule, *, stale: bool) -> CoverageRow:
    """What is known of an underlying through the schedule that stands for its venue."""
    unknown = [
        f"{word}: {figure.reason}"
        for word, figure in (("IM", schedule.initial), ("MM", schedule.maintenance))
        if isinstance(figure, Unknown)
    ]
    if unknown:
        found, reason = CoverageStatus.NOT_OBSERVABLE, "; ".join(unknown)
    elif schedule.origin is Origin.DOCUMENTATION:
        found, reason = CoverageStatus.DOCUMENTATION, "rests on the venue's documentation"
    elif stale:
        found, reason = CoverageStatus.STALE, f"observed {schedule.observed_at:%Y-%m-%d}"
    else:
        found, reason = CoverageStatus.OBSERVED, ""
    return CoverageRow(
        venue=schedule.instrument.venue,
        underlying=schedule.instrument.underlying.asset,
        symbol=schedule.instrument.symbol,
        status=found,
        reason=reason,
        observed_at=moment(schedule.observed_at),
    )


def defect_row(defect: Defect) -> DefectRow:
    """Something that could not be read."""
    return DefectRow(defect.venue, defect.where, defect.reason, defect.symbol)


def unobserved_row(one: Unobserved, last: datetime | None) -> UnobservedRow:
    """A venue that was not observed, and when it last was."""
    attempted = moment(one.attempted_at) if one.attempted_at else ""
    return UnobservedRow(one.venue, one.reason, attempted, moment(last) if last else "")


def status(figure: Observed[T]) -> Status:
    """Name how far a figure is known."""
    if isinstance(figure, Known):
        return Status.KNOWN
    if isinstance(figure, Derived):
        return Status.DERIVED if figure.verified else Status.UNVERIFIED
    return Status.UNKNOWN


def note(figure: Observed[T]) -> str:
    """Give the derivation of a derived figure, or why an unknown one is unknown."""
    if isinstance(figure, Unknown):
        return figure.reason
    return figure.derivation if isinstance(figure, Derived) else ""


def pieces(figure: Observed[MarginFunction]) -> tuple[PieceRow, ...]:
    """Write a function's pieces; none where it is unknown."""
    function = value_of(figure)
    if function is None:
        return ()
    rows, lower = [], 0.0
    for piece in function.pieces:
        upper = float(piece.upper)
        rows.append(
            PieceRow(
                lower,
                upper if piece.upper.is_finite() else None,
                float(piece.fixed) if piece.fixed else 0.0,
                float(piece.rate),
                float(piece.coefficient) if piece.coefficient else 0.0,
                float(piece.power),
            )
        )
        lower = upper
    return tuple(rows)


def evidence_row(evidence: Evidence) -> EvidenceRow:
    """Pointers into one payload, and the conversion."""
    return EvidenceRow(
        sha256=evidence.sha256,
        rows=evidence.rows,
        columns=tuple(ColumnRow(one.figure, one.key, one.unit) for one in evidence.columns),
        conversion=_conversion_row(evidence.conversion),
    )


def _conversion_row(conversion: Conversion | None) -> ConversionRow | None:
    if conversion is None:
        return None
    return ConversionRow(
        conversion.formula,
        tuple(
            FactorRow(
                one.name,
                float(one.value),
                one.unit,
                one.sha256,
                one.pointer,
                moment(one.observed_at),
            )
            for one in conversion.factors
        ),
    )


def _amount(figure: Observed[Decimal]) -> float | None:
    value = value_of(figure)
    return None if value is None else float(value)


def age_days(observed_at: datetime, as_of: datetime) -> float:
    """Days from an observation to the date of the audit, to a tenth; never negative."""
    return max(0.0, round((as_of - observed_at).total_seconds() / 86400, 1))


def intervals(ranges: Iterable[Range]) -> tuple[Interval, ...]:
    """Write ranges as the document does: one that reaches the horizon is open-ended."""
    return tuple(Interval(lower, None if upper >= HORIZON else upper) for lower, upper in ranges)
