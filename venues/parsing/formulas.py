"""From a published formula to a margin schedule: no tiers, but pieces in USD."""

from collections.abc import Sequence
from dataclasses import dataclass
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
from venues.facts import Facts
from venues.parsing import tier_tables

NO_CAPACITY = Unknown("the venue publishes no largest position")
ONLY_LEVERAGE = "only the maximum leverage is published"


@dataclass(frozen=True, slots=True)
class Formula:
    """Margin functions of one instrument and profile, and where their parameters stand.

    ``at`` points to the row of parameters. ``doubts`` are steps that the venue does not state,
    ``unverified`` those that no source states either; they hold for both functions. A function
    that is missing is ``Unknown``. ``also`` are further payloads that the margins rest on.
    """

    payload: Payload
    instrument: Instrument
    profile: Profile
    at: str
    columns: tuple[Column, ...]
    initial: MarginFunction | Unknown
    maintenance: MarginFunction | Unknown
    capacity: Observed[Decimal] = NO_CAPACITY
    conversion: Conversion | None = None
    doubts: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    also: tuple[Evidence, ...] = ()
    others: tuple[Payload, ...] = ()
    exclusion_reason: str = ""
    effective: Observed[datetime] = UNSTATED
    capacity_price: Decimal | None = None


def parsed(formulas: Sequence[Formula], facts: Facts, defects: list[Defect]) -> Parsed:
    """Turn what an adapter read into what it returns; a day without a fact is a defect."""
    found = []
    for one in formulas:
        try:
            found.append(schedule(one, facts))
        except UnreadablePayloadError as error:
            where = f"{one.payload.call} at {error.where or '/'}"
            defects.append(Defect(one.payload.venue, where, error.reason, one.instrument.id))
    return Parsed(tuple(found), tuple(defects))


def schedule(formula: Formula, facts: Facts) -> MarginSchedule:
    """Build the schedule. Raises UnreadablePayloadError: no source says how margin was computed."""
    payload, listed = formula.payload, formula.instrument
    day = payload.observed_at.date()
    profile = formula.profile
    fact = facts.about(
        payload.venue, listed.payoff, profile.margin_mode, day, profile.account_class
    )
    if fact is None:
        reason = f"no source says how margin was computed on {day}"
        raise UnreadablePayloadError(where=formula.at, reason=reason)
    doubts, guesses = list(formula.doubts), list(formula.unverified)
    (doubts if fact.verified else guesses).append(fact.doubt)
    return MarginSchedule(
        instrument=listed,
        profile=formula.profile,
        observed_at=payload.observed_at,
        dates=_dates(formula),
        origin=tier_tables.weakest((payload, *formula.others)),
        rule=TierRule.CONTINUOUS,
        tiers=(),
        initial=_figure(formula.initial, doubts, guesses),
        maintenance=_figure(formula.maintenance, doubts, guesses),
        capacity=formula.capacity,
        meaning=fact.meaning,
        fee=fact.fee_add_on,
        evidence=(
            Evidence(payload.sha256, (formula.at,), formula.columns, formula.conversion),
            *formula.also,
        ),
        notes=formula.notes,
        exclusion_reason=formula.exclusion_reason,
        effective=formula.effective,
        capacity_price=formula.capacity_price,
    )


def _figure(
    function: MarginFunction | Unknown, doubts: list[str], guesses: list[str]
) -> Observed[MarginFunction]:
    if isinstance(function, Unknown):
        return function
    return tier_tables.figure(function, doubts, guesses)


def _dates(formula: Formula) -> tuple[datetime, ...]:
    factors: tuple[Factor, ...] = formula.conversion.factors if formula.conversion else ()
    times = {formula.payload.observed_at, *(one.observed_at for one in formula.others)}
    return tuple(sorted(times | {one.observed_at for one in factors}))


def least(rate: Decimal, upper: Decimal = INFINITY) -> MarginFunction:
    """One rate on any position up to ``upper``."""
    return MarginFunction((Piece(upper, ZERO, rate),))


def power_above(
    base: Decimal, coefficient: Decimal, exponent: Decimal, upper: Decimal = INFINITY
) -> MarginFunction:
    """``max(base, coefficient * N ** exponent)`` of the whole position, at most all of it.

    Two pieces, split where the terms cross, and a third where the rate reaches 1.
    """
    if not coefficient:
        return least(base, upper)
    crossing = (base / coefficient) ** (1 / exponent)
    whole = (1 / coefficient) ** (1 / exponent)
    steps = [
        Piece(min(crossing, upper), ZERO, base),
        Piece(min(whole, upper), ZERO, ZERO, coefficient, exponent + 1),
        Piece(upper, ZERO, Decimal(1)),
    ]
    return MarginFunction(_rising(steps))


def sloped_above(
    base: Decimal, slope: Decimal, threshold: Decimal, upper: Decimal = INFINITY
) -> MarginFunction:
    """``base + slope * max(0, N - threshold)`` of the whole position, at most all of it."""
    if not slope:
        return least(base, upper)
    whole = threshold + (1 - base) / slope
    steps = [
        Piece(min(threshold, upper), ZERO, base),
        Piece(min(whole, upper), ZERO, base - slope * threshold, slope),
        Piece(upper, ZERO, Decimal(1)),
    ]
    return MarginFunction(_rising(steps))


def _rising(steps: Sequence[Piece]) -> tuple[Piece, ...]:
    """Leave out pieces that end where the one before does."""
    kept: list[Piece] = []
    for piece in steps:
        if piece.upper > (kept[-1].upper if kept else ZERO):
            kept.append(piece)
    return tuple(kept)
