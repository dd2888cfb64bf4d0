"""Conversion of domain values to rows of the audit document."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from math import inf

from harmonize.core.date_precision import EXACT, DatePrecision
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
    INFINITY,
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
    ParameterRow,
    PayloadRow,
    PieceRow,
    RequirementRow,
    RuleSetRow,
    ScheduleRow,
    SnapshotRow,
    Status,
    UnobservedRow,
)
from harmonize.numerics.deviation import HORIZON, Range
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.rounding import rounded
from harmonize.policy.apply import AppliedRuleSet
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import Model, ReferenceClass, RuleSet
from harmonize.policy.summary import parameters, requirement_summary
from harmonize.text.messages import iso_utc

AT_LEAST = "at least"
"""Bound of a margin that is only known not to be less."""


@dataclass(frozen=True, slots=True)
class SnapshotAge:
    """Age of a snapshot of one venue, and whether it is stale.

    The age counts from the older end of the observation time. Without one it counts from the latest
    possible time: the snapshot is at least that old.
    """

    venue: str
    observed_at: datetime
    age_days: float
    stale: bool
    precision: DatePrecision = EXACT


def snapshot_row(snapshot: Snapshot, digest: str, age: SnapshotAge) -> SnapshotRow:
    """Returns the row of a snapshot, with its payloads in the archived order."""
    origins = {payload.provenance.origin for payload in snapshot.payloads} - {
        Origin.MARKET,
        Origin.NOTE,
    }
    return SnapshotRow(
        venue=snapshot.venue,
        observed_at=iso_utc(snapshot.observed_at),
        source=", ".join(origin.value for origin in Origin if origin in origins),
        sha256=digest,
        age_days=age.age_days,
        stale=age.stale,
        complete=snapshot.complete,
        payloads=tuple(_payload_row(payload) for payload in snapshot.payloads),
        observed_from=snapshot.precision.earliest_text(snapshot.observed_at),
        date_kind=snapshot.precision.kind.value,
    )


def _payload_row(payload: Payload) -> PayloadRow:
    provenance = payload.provenance
    return PayloadRow(
        call=str(payload.call),
        request=provenance.request,
        sha256=payload.sha256,
        observed_at=iso_utc(payload.observed_at),
        origin=provenance.origin.value,
        source=provenance.source,
        date_basis=provenance.dating,
        size=len(payload.content),
        observed_from=payload.precision.earliest_text(payload.observed_at),
        date_kind=payload.precision.kind.value,
    )


def rule_set_row(applied: AppliedRuleSet) -> RuleSetRow:
    """Returns the row of a rule set, with its citations and flags."""
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
            CitationRow(
                citation.reference, citation.via, citation.verified.value, citation.supports
            )
            for citation in rule_set.citations
        ),
        flags=tuple(FlagRow(flag.field, flag.status, flag.note) for flag in rule_set.flags),
        tolerance_statistical=None if statistical is None else float(statistical),
        in_force=_in_force(rule_set),
        extends=rule_set.extends,
        requirement=requirement_summary(rule_set),
        description=rule_set.about,
        parameters=tuple(ParameterRow(*pair) for pair in parameters(rule_set)),
        requirements=tuple(map(_requirement_row, _classes(applied))),
    )


def _classes(applied: AppliedRuleSet) -> tuple[ReferenceClass, ...]:
    """Returns the references that apply to some underlying, in their order."""
    schedule = applied.reference_schedule
    return tuple(class_ for class_ in schedule.classes if class_.assets) if schedule else ()


def _requirement_row(class_: ReferenceClass) -> RequirementRow:
    return RequirementRow(
        class_.name,
        class_.assets,
        _function_rows(class_.initial),
        _function_rows(class_.maintenance) if class_.maintenance else (),
        v1=None if class_.v1 is None else float(class_.v1),
        adv=None if class_.adv is None else float(class_.adv),
        basis=class_.basis,
        verified=class_.verified,
    )


def _in_force(rule_set: RuleSet) -> str:
    """Returns the days of a rule set, and the last day on which its published rates are used."""
    scope, requirement = rule_set.scope, rule_set.requirement
    parts = [f"from {scope.since}"] * (scope.since is not None)
    parts += [f"until {scope.until}"] * (scope.until is not None)
    if isinstance(requirement, Model) and requirement.published:
        lapse = max(rates.last_use(requirement.grace_days) for rates in requirement.published)
        published = f"published rates until {lapse}"
        return f"{' '.join(parts)}; {published}" if parts else published
    return " ".join(parts)


def input_rows(applied: Iterable[AppliedRuleSet]) -> tuple[InputRow, ...]:
    """Returns the row of every input that a rule set used, once per name and underlying."""
    inputs = {(used.name, used.underlying): used for rule in applied for used in rule.used_inputs}
    return tuple(_input_row(used) for _, used in sorted(inputs.items()))


def _input_row(used: Input) -> InputRow:
    return InputRow(
        name=used.name,
        underlying=used.underlying,
        value=float(used.value),
        lower=None if used.lower is None else float(used.lower),
        upper=None if used.upper is None else float(used.upper),
        confidence=None if used.confidence is None else float(used.confidence),
        observations=used.observations,
        observed_at=iso_utc(used.observed_at),
        origin=used.origin,
        source=used.source,
        sha256=used.sha256,
        pointer=used.pointer,
    )


def schedule_row(
    schedule: MarginSchedule,
    *,
    stale: bool,
    initial: Sequence[PieceNumbers],
    maintenance: Sequence[PieceNumbers],
) -> ScheduleRow:
    """Returns the row of a schedule, with the pieces of its margin functions as numbers."""
    instrument = schedule.instrument
    classification = instrument.classification
    return ScheduleRow(
        venue=instrument.venue,
        symbol=instrument.symbol,
        underlying=instrument.underlying.asset,
        multiplier=instrument.underlying.multiplier,
        payoff=instrument.payoff.value,
        expiry=instrument.expiry.isoformat() if instrument.expiry else None,
        profile=str(schedule.profile),
        tier_rule=schedule.rule.value if schedule.rule else None,
        observed_at=iso_utc(schedule.observed_at),
        oldest=schedule.precision.earliest_text(schedule.dates[0]),
        newest=iso_utc(schedule.dates[-1]),
        stale=stale,
        origin=schedule.origin.value,
        capacity=_amount(schedule.capacity),
        capacity_status=status(schedule.capacity),
        capacity_note=note(schedule.capacity),
        initial=_piece_rows(tuple(initial), schedule.known_up_to),
        initial_status=margin_status(schedule, schedule.initial),
        initial_note=margin_note(schedule, schedule.initial),
        maintenance=_piece_rows(tuple(maintenance), schedule.known_up_to),
        maintenance_status=margin_status(schedule, schedule.maintenance),
        maintenance_note=margin_note(schedule, schedule.maintenance),
        maintenance_meaning=schedule.meaning.value,
        fee_rule=schedule.fee.rule,
        fee_rate=_amount(schedule.fee.rate),
        fee_note=note(schedule.fee.rate),
        notes=schedule.notes,
        evidence=tuple(evidence_row(evidence) for evidence in schedule.evidence),
        underlying_class=classification.asset_class.value,
        underlying_class_basis=classification.basis.value,
        underlying_class_note=classification.reason,
        observed_from=schedule.precision.earliest_text(schedule.observed_at),
        date_kind=schedule.precision.kind.value,
        not_trading=schedule.not_trading,
        known_up_to=float(schedule.known_up_to) if schedule.known_up_to.is_finite() else None,
    )


@lru_cache(maxsize=4096)
def _piece_rows(numbers: tuple[PieceNumbers, ...], known_up_to: Decimal) -> tuple[PieceRow, ...]:
    """Returns the pieces of a function; schedules with equal functions share the rows."""
    return bounded([_piece(piece) for piece in numbers], known_up_to)


def bounded(pieces: Iterable[PieceRow], known_up_to: Decimal) -> tuple[PieceRow, ...]:
    """Returns pieces with those above ``known_up_to``, in USD, as lower bounds, cut there."""
    limit = float(known_up_to)
    if limit == inf:
        return tuple(pieces)
    rows: list[PieceRow] = []
    for piece in pieces:
        is_exact = piece.upper is not None and piece.upper <= limit
        if is_exact:
            rows.append(piece)
            continue
        if piece.lower < limit:
            rows.append(replace(piece, upper=limit))
        rows.append(replace(piece, lower=max(piece.lower, limit), bound=AT_LEAST))
    return tuple(rows)


def _piece(numbers: PieceNumbers) -> PieceRow:
    lower, upper, fixed, rate, coefficient, power = numbers
    return PieceRow(lower, None if upper == inf else upper, fixed, rate, coefficient, power)


def coverage_row(schedule: MarginSchedule, *, stale: bool) -> CoverageRow:
    """Returns the coverage of an underlying by the representative schedule of its venue."""
    unknown = [
        f"{abbreviation}: {margin.reason}"
        for abbreviation, margin in (("IM", schedule.initial), ("MM", schedule.maintenance))
        if isinstance(margin, Unknown)
    ]
    if unknown:
        coverage, reason = CoverageStatus.NOT_OBSERVABLE, "; ".join(unknown)
    elif not schedule.known_up_to:
        reason = f"lower bounds only: {schedule.exclusion_reason or 'no size is published'}"
        coverage = CoverageStatus.NOT_OBSERVABLE
    elif schedule.origin is Origin.DOCUMENTATION:
        coverage, reason = CoverageStatus.DOCUMENTATION, "rests on the venue's documentation"
    elif stale:
        coverage, reason = (
            CoverageStatus.STALE,
            f"observed {schedule.precision.day_text(schedule.observed_at)}",
        )
    else:
        coverage, reason = CoverageStatus.OBSERVED, ""
    return CoverageRow(
        venue=schedule.instrument.venue,
        underlying=schedule.instrument.underlying.asset,
        symbol=schedule.instrument.symbol,
        status=coverage,
        reason="; ".join(part for part in (schedule.not_trading, reason) if part),
        observed_at=iso_utc(schedule.observed_at),
        identity=schedule.identity_doubt,
        asset_source=schedule.instrument.asset_source,
        observed_from=schedule.precision.earliest_text(schedule.observed_at),
        date_kind=schedule.precision.kind.value,
    )


def defect_row(defect: Defect) -> DefectRow:
    """Returns the row of unreadable data."""
    return DefectRow(defect.venue, defect.where, defect.reason, defect.symbol)


def unobserved_row(unobserved: Unobserved, last_observed_at: datetime | None) -> UnobservedRow:
    """Returns the row of a venue that was not observed, with its last observation."""
    return UnobservedRow(
        venue=unobserved.venue,
        reason=unobserved.reason,
        attempted_at=iso_utc(unobserved.attempted_at) if unobserved.attempted_at else "",
        last_observed_at=iso_utc(last_observed_at) if last_observed_at else "",
    )


def status(observed: Observed[T]) -> Status:
    """Returns the observability of a value."""
    if isinstance(observed, Known):
        return Status.KNOWN
    if isinstance(observed, Derived):
        return Status.DERIVED if observed.verified else Status.UNVERIFIED
    return Status.UNKNOWN


def note(observed: Observed[T]) -> str:
    """Returns the derivation of a derived value, or the reason for an unknown value."""
    if isinstance(observed, Unknown):
        return observed.reason
    return observed.derivation if isinstance(observed, Derived) else ""


def margin_status(schedule: MarginSchedule, margin: Observed[MarginFunction]) -> Status:
    """Returns the observability of a margin; one that is a lower bound at every size is ``at least``."""
    is_lower_bound = not schedule.known_up_to and value_of(margin) is not None
    return Status.AT_LEAST if is_lower_bound else status(margin)


def margin_note(schedule: MarginSchedule, margin: Observed[MarginFunction]) -> str:
    """Returns the derivation of a margin, or the reason why it is unknown or a lower bound."""
    is_lower_bound = margin_status(schedule, margin) is Status.AT_LEAST
    return note(margin) or (schedule.exclusion_reason if is_lower_bound else "")


def pieces(
    observed: Observed[MarginFunction], known_up_to: Decimal = INFINITY
) -> tuple[PieceRow, ...]:
    """Returns the pieces of a margin function; empty if the function is unknown.

    Pieces above ``known_up_to``, in USD, are lower bounds.
    """
    function = value_of(observed)
    return () if function is None else bounded(_function_rows(function), known_up_to)


def _function_rows(function: MarginFunction) -> tuple[PieceRow, ...]:
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
    """Returns the row of the evidence in one payload, with the conversion."""
    return EvidenceRow(
        sha256=evidence.sha256,
        rows=evidence.rows,
        columns=tuple(
            ColumnRow(column.quantity, column.key, column.unit) for column in evidence.columns
        ),
        conversion=_conversion_row(evidence.conversion),
    )


def _conversion_row(conversion: Conversion | None) -> ConversionRow | None:
    if conversion is None:
        return None
    return ConversionRow(
        conversion.formula,
        tuple(
            FactorRow(
                factor.name,
                float(factor.value),
                factor.unit,
                factor.sha256,
                factor.pointer,
                iso_utc(factor.observed_at),
            )
            for factor in conversion.factors
        ),
    )


def _amount(observed: Observed[Decimal]) -> float | None:
    value = value_of(observed)
    return None if value is None else float(value)


def age_days(observed_at: datetime, as_of: datetime) -> float:
    """Returns the whole days from an observation to the date of the audit; at least 0."""
    return float(max(0, (as_of - observed_at).days))


def is_stale(
    observed_at: datetime, precision: DatePrecision, as_of: datetime, stale_after_days: float
) -> bool:
    """Whether an observation may be older than the limit; without an earliest time it may be."""
    earliest = precision.older_end(observed_at)
    return earliest is None or age_days(earliest, as_of) > stale_after_days


def intervals(ranges: Iterable[Range]) -> tuple[Interval, ...]:
    """Returns ranges as intervals of the document; a range that ends at the horizon is open-ended."""
    return tuple(
        Interval(rounded(lower), None if upper >= HORIZON else rounded(upper))
        for lower, upper in ranges
    )
