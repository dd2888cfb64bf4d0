"""Builds margin schedules from published formulas: no tiers, only pieces in USD.

Formulas end at the notional at which initial margin is 100 % of it. A larger margin is no margin of a
leveraged position, and no source states what a venue requires there, as IM or as MM.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from harmonize.core.instrument import Instrument
from harmonize.core.payload import (
    Column,
    Conversion,
    Defect,
    Evidence,
    Factor,
    Payload,
    UnreadablePayloadError,
)
from harmonize.core.schedule import (
    INFINITY,
    UNSTATED,
    ZERO,
    MarginFunction,
    MarginSchedule,
    Observed,
    Piece,
    Profile,
    TierRule,
    Unknown,
)
from venues.adapter import Parsed
from venues.facts import Facts, Sizes
from venues.fields import build_defect
from venues.parsing import tier_tables

NO_CAPACITY = tier_tables.NO_CAPACITY
ONLY_LEVERAGE = "only the maximum leverage is published"


@dataclass(frozen=True, slots=True)
class Formula:
    """Margin functions of one instrument and profile, and the location of their parameters.

    ``pointer`` is the JSON pointer of the parameter row. ``doubts`` are derivation steps that the venue
    does not state; ``unverified`` are steps that no source states. Both apply to IM and MM. A
    missing function is ``Unknown``. ``supporting`` is further evidence for the margins. ``supporting_payloads`` are
    further payloads, which count for the dates and the origin.
    """

    payload: Payload
    instrument: Instrument
    profile: Profile
    pointer: str
    columns: tuple[Column, ...]
    initial: MarginFunction | Unknown
    maintenance: MarginFunction | Unknown
    capacity: Observed[Decimal] = NO_CAPACITY
    conversion: Conversion | None = None
    doubts: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    supporting: tuple[Evidence, ...] = ()
    supporting_payloads: tuple[Payload, ...] = ()
    exclusion_reason: str = ""
    effective: Observed[datetime] = UNSTATED
    capacity_price: Decimal | None = None


def build_schedules(formulas: Sequence[Formula], facts: Facts, defects: list[Defect]) -> Parsed:
    """Builds the schedules of all formulas; one that cannot be built is a defect of its contract."""
    schedules = []
    for formula in formulas:
        try:
            schedules.append(build_schedule(formula, facts))
        except Exception as error:  # noqa: BLE001 - one odd formula never hides the others
            symbol, pointer = formula.instrument.id, formula.pointer
            defects.append(build_defect(formula.payload, error, symbol, pointer))
    return Parsed(tuple(schedules), tuple(defects))


def build_schedule(formula: Formula, facts: Facts) -> MarginSchedule:
    """Schedule of one formula.

    Raises UnreadablePayloadError if no fact states how the venue computed margin on that day.
    """
    payload, instrument = formula.payload, formula.instrument
    day = payload.observed_at.date()
    profile = formula.profile
    fact = facts.find(
        payload.venue, instrument.payoff, profile.margin_mode, day, profile.account_class
    )
    if fact is None:
        reason = f"no source states how margin was computed on {day}"
        raise UnreadablePayloadError(where=formula.pointer, reason=reason)
    doubts, unverified = list(formula.doubts), list(formula.unverified)
    (doubts if fact.verified else unverified).append(fact.derivation)
    initial, maintenance = formula.initial, formula.maintenance
    if isinstance(initial, MarginFunction) and isinstance(maintenance, MarginFunction):
        maintenance = up_to_end(maintenance, initial)
    is_known = not (isinstance(initial, Unknown) and isinstance(maintenance, Unknown))
    return MarginSchedule(
        instrument=instrument,
        profile=formula.profile,
        observed_at=payload.observed_at,
        precision=payload.precision,
        dates=_dates(formula),
        origin=tier_tables.least_reliable_origin((payload, *formula.supporting_payloads)),
        rule=TierRule.CONTINUOUS,
        tiers=(),
        initial=_observed(initial, doubts, unverified),
        maintenance=_observed(maintenance, doubts, unverified),
        capacity=tier_tables.finite_capacity(formula.capacity),
        meaning=fact.meaning,
        fee=fact.fee_add_on,
        evidence=(
            Evidence(payload.sha256, (formula.pointer,), formula.columns, formula.conversion),
            *formula.supporting,
        ),
        notes=formula.notes,
        exclusion_reason=formula.exclusion_reason,
        effective=formula.effective,
        capacity_price=formula.capacity_price,
        known_up_to=ZERO if is_known and fact.sizes is not Sizes.ALL else INFINITY,
    )


def up_to_end(maintenance: MarginFunction, initial: MarginFunction) -> MarginFunction:
    """Maintenance margin up to the end of initial margin, where that is the whole notional."""
    pieces = [replace(piece, upper=min(piece.upper, initial.upper)) for piece in maintenance.pieces]
    return MarginFunction(rising(pieces))


def _observed(
    function: MarginFunction | Unknown, doubts: list[str], unverified: list[str]
) -> Observed[MarginFunction]:
    if isinstance(function, Unknown):
        return function
    return tier_tables.observed_function(function, doubts, unverified)


def _dates(formula: Formula) -> tuple[datetime, ...]:
    factors: tuple[Factor, ...] = formula.conversion.factors if formula.conversion else ()
    times = {
        formula.payload.observed_at,
        *(payload.observed_at for payload in formula.supporting_payloads),
    }
    return tuple(sorted(times | {factor.observed_at for factor in factors}))


def single_rate(rate: Decimal, upper: Decimal = INFINITY) -> MarginFunction:
    """Margin function with one rate for any position up to ``upper``, in USD."""
    return MarginFunction((Piece(upper, ZERO, rate),))


def power_above(
    base: Decimal, coefficient: Decimal, exponent: Decimal, upper: Decimal = INFINITY
) -> MarginFunction:
    """Margin function with the rate ``max(base, coefficient * N ** exponent)``.

    The rate applies to the whole position. The pieces split at the notional where the two terms are
    equal, and end at the notional where the rate reaches 1.
    """
    if not coefficient:
        return single_rate(base, upper)
    crossing = (base / coefficient) ** (1 / exponent)
    full_margin = (1 / coefficient) ** (1 / exponent)
    pieces = [
        Piece(min(crossing, upper), ZERO, base),
        Piece(min(full_margin, upper), ZERO, ZERO, coefficient, exponent + 1),
    ]
    return MarginFunction(rising(pieces))


def sloped_above(
    base: Decimal, slope: Decimal, threshold: Decimal, upper: Decimal = INFINITY
) -> MarginFunction:
    """Margin function with the rate ``base + slope * max(0, N - threshold)``, up to a rate of 1.

    The rate applies to the whole position.
    """
    if not slope:
        return single_rate(base, upper)
    full_margin = threshold + (1 - base) / slope
    pieces = [
        Piece(min(threshold, upper), ZERO, base),
        Piece(min(full_margin, upper), ZERO, base - slope * threshold, slope),
    ]
    return MarginFunction(rising(pieces))


def rising(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Pieces whose upper bound exceeds that of the piece before; empty pieces are dropped."""
    kept: list[Piece] = []
    for piece in pieces:
        if piece.upper > (kept[-1].upper if kept else ZERO):
            kept.append(piece)
    return tuple(kept)
