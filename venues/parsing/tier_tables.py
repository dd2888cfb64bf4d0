"""From a table of tiers, as a venue publishes it, to a margin schedule in USD."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from harmonize.core.instrument import Instrument
from harmonize.core.payload import Column, Defect, Evidence, Factor, Origin, Payload, Snapshot
from harmonize.core.schedule import (
    INFINITY,
    UNSTATED,
    ZERO,
    Derived,
    FeeAddOn,
    Known,
    MaintenanceMeaning,
    MarginFunction,
    MarginSchedule,
    Observed,
    Profile,
    Tier,
    TierRule,
    Unknown,
    deductions,
    flat,
    marginal,
)
from venues.adapter import Parsed
from venues.facts import Facts, VenueFact
from venues.parsing.units import ToUsd

_CENT = Decimal("0.01")  # venues round deductions to cents
_WEAKEST_FIRST = (Origin.DOCUMENTATION, Origin.RECORDED, Origin.LIVE)


@dataclass(frozen=True, slots=True)
class TierTable:
    """Tiers of one instrument and profile, in the venue's unit, and where they stand.

    ``usd`` converts the unit; ``capacity`` is in USD already. ``no_maintenance`` says why there
    is none, where the venue publishes none. ``doubts`` are derivations that the venue does not
    state, ``unverified`` those that no source states either; ``also`` are further payloads that
    the schedule rests on. ``exclusion_reason`` says why the schedule is no match for others'.

    ``guessed_unit`` says how the bounds are read where no source states their unit; nothing in USD
    is verified then. ``continued`` are the further pages that tiers stand on, with their rows.
    """

    payload: Payload
    instrument: Instrument
    profile: Profile
    tiers: tuple[Tier, ...]
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    usd: ToUsd | Unknown
    capacity: Observed[Decimal] | None = None
    no_maintenance: str = ""
    doubts: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    also: tuple[Payload, ...] = ()
    exclusion_reason: str = ""
    guessed_unit: str = ""
    continued: tuple[tuple[Payload, tuple[str, ...]], ...] = ()
    effective: Observed[datetime] = UNSTATED
    capacity_price: Decimal | None = None


def parsed(
    snapshot: Snapshot, ladders: Sequence[TierTable], facts: Facts, defects: Sequence[Defect]
) -> Parsed:
    """Turn what an adapter read into what it returns."""
    return Parsed(tuple(schedule(snapshot, one, facts) for one in ladders), tuple(defects))


def schedule(snapshot: Snapshot, table: TierTable, facts: Facts) -> MarginSchedule:
    """Turn tiers into margin functions by the rule that held on the day they were observed."""
    payload, usd = table.payload, table.usd
    day = payload.observed_at.date()
    profile = table.profile
    fact = facts.about(
        payload.venue, table.instrument.payoff, profile.margin_mode, day, profile.account_class
    )
    tiers = () if isinstance(usd, Unknown) else tuple(_in_usd(table.tiers, usd.multiplier))
    shapes = _judged(usd, fact, tiers, day)
    return MarginSchedule(
        instrument=table.instrument,
        profile=table.profile,
        observed_at=payload.observed_at,
        dates=_dates(table),
        origin=weakest((payload, *_further(table))),
        rule=fact.maintenance if fact else None,
        tiers=tiers,
        initial=_initial(table, fact, shapes),
        maintenance=_maintenance(table, len(tiers), fact, shapes),
        capacity=_capacity(table, tiers, shapes),
        meaning=fact.meaning if fact else MaintenanceMeaning.LIQUIDATION,
        fee=fact.fee_add_on if fact else FeeAddOn("unknown", Unknown("no source")),
        evidence=(*_evidence(table), *_supporting(snapshot, table)),
        notes=table.notes,
        exclusion_reason=table.exclusion_reason,
        effective=table.effective,
        capacity_price=table.capacity_price,
    )


def figure(
    function: MarginFunction, doubts: Sequence[str], unverified: Sequence[str] = ()
) -> Observed[MarginFunction]:
    """A margin function is known when nothing in it is our own step, else derived.

    It is verified unless a step is in ``unverified``: one that no source states.
    """
    guesses = [f"unverified: {guess}" for guess in unverified if guess]
    stated = [*(doubt for doubt in doubts if doubt), *guesses]
    if not stated:
        return Known(function)
    return Derived(function, "; ".join(stated), verified=not guesses)


def weakest(payloads: Sequence[Payload]) -> Origin:
    """The origin of the payload to be trusted least; archived market prices do not count."""
    origins = {payload.provenance.origin for payload in payloads}
    return next(origin for origin in _WEAKEST_FIRST if origin in origins)


def fault(tiers: Sequence[Tier]) -> str:
    """Say where tiers leave a gap, overlap, or do not rise; empty when they tile."""
    if tiers and tiers[0].lower is not None and tiers[0].lower != 0:
        return f"the first tier begins at {tiers[0].lower:f}, not at 0"
    for number, (below, above) in enumerate(pairwise(tiers), start=2):
        if above.upper <= below.upper:
            return f"tier {number} ends at {above.upper:f}, not above {below.upper:f}"
        if above.lower is not None and above.lower != below.upper:
            kind = "gap" if above.lower > below.upper else "overlap"
            return (
                f"tiers {number - 1} and {number} leave a {kind} "
                f"between {below.upper:f} and {above.lower:f}"
            )
    if tiers and tiers[0].upper <= 0:
        return f"tier 1 ends at {tiers[0].upper:f}, not above 0"
    return ""


def deduction_fault(tiers: Sequence[Tier]) -> str:
    """Say where a published deduction is not the continuous one; empty when all agree.

    Rates, bounds and deductions then contradict one another, as they do when a tier is missing.
    """
    if all(tier.deduction is None for tier in tiers):
        return ""
    rates = [tier.maintenance_rate or ZERO for tier in tiers]
    derived = deductions([tier.upper for tier in tiers], rates)
    for place, (tier, due) in enumerate(zip(tiers, derived, strict=True), start=1):
        if tier.deduction is not None and abs(tier.deduction - due) > _CENT:
            return (
                f"tier {place} publishes a deduction of ${tier.deduction:,.2f}, "
                f"continuity gives ${due:,.2f}"
            )
    return ""


def _in_usd(tiers: Sequence[Tier], multiplier: Decimal) -> Sequence[Tier]:
    if multiplier == 1:
        return tiers
    return [
        replace(
            tier,
            upper=tier.upper * multiplier,
            lower=None if tier.lower is None else tier.lower * multiplier,
            deduction=None if tier.deduction is None else tier.deduction * multiplier,
        )
        for tier in tiers
    ]


def _judged(
    usd: ToUsd | Unknown, fact: VenueFact | None, tiers: tuple[Tier, ...], day: object
) -> "_Shapes":
    """Make margins of the tiers, or say what keeps them from becoming any."""
    if isinstance(usd, Unknown):
        return _Shapes(usd.reason)
    if fact is None:
        return _Shapes(f"no source says how the venue's tiers became margin on {day}", fault(tiers))
    if not tiers:
        return _Shapes("the venue sent no tiers")
    return _shapes(tiers, fact.initial, fact.maintenance)


@dataclass(frozen=True, slots=True)
class _Shapes:
    """What becomes of a table of tiers: why nothing does, or its margin functions where rates are known.

    ``uneven`` says where the tiers do not tile, whatever their rates.
    """

    fault: str
    uneven: str = ""
    initial: MarginFunction | None = None
    maintenance: MarginFunction | None = None


@lru_cache(maxsize=16384)
def _shapes(tiers: tuple[Tier, ...], initial: TierRule, maintenance: TierRule) -> _Shapes:
    """Make functions of a table once: venues use the same few for many contracts, night after night."""
    uneven = fault(tiers)
    found = uneven or (deduction_fault(tiers) if maintenance is TierRule.MARGINAL else "")
    if found:
        return _Shapes(found, uneven)
    uppers = [tier.upper for tier in tiers]
    rates = [tier.initial_rate for tier in tiers if tier.initial_rate is not None]
    held = [tier.maintenance_rate for tier in tiers if tier.maintenance_rate is not None]
    return _Shapes(
        "",
        "",
        _SHAPES[initial](uppers, rates) if len(rates) == len(tiers) else None,
        _SHAPES[maintenance](uppers, held) if len(held) == len(tiers) else None,
    )


_SHAPES: dict[TierRule, Callable[[Sequence[Decimal], Sequence[Decimal]], MarginFunction]] = {
    TierRule.FLAT: flat,
    TierRule.MARGINAL: marginal,
}


def _initial(table: TierTable, fact: VenueFact | None, shapes: _Shapes) -> Observed[MarginFunction]:
    if shapes.fault or fact is None:
        return Unknown(shapes.fault)
    function = shapes.initial
    if function is None:
        return Unknown("the venue publishes no initial margin for every tier")
    return _figure(table, function, fact, by_fact=fact.initial is not TierRule.FLAT)


def _maintenance(
    table: TierTable, count: int, fact: VenueFact | None, shapes: _Shapes
) -> Observed[MarginFunction]:
    if shapes.fault or fact is None:
        return Unknown(shapes.fault)
    if table.no_maintenance:
        return Unknown(table.no_maintenance)
    function = shapes.maintenance
    if function is None:
        return Unknown("the venue publishes no maintenance margin for every tier")
    return _figure(table, function, fact, by_fact=count > 1)


def _figure(
    table: TierTable, function: MarginFunction, fact: VenueFact, *, by_fact: bool
) -> Observed[MarginFunction]:
    """Mark a margin by what it rests on; ``by_fact`` says whether the rule in the fact matters."""
    derivation = "" if isinstance(table.usd, Unknown) else table.usd.derivation
    doubts, guesses = [derivation, *table.doubts], [table.guessed_unit, *table.unverified]
    if by_fact:
        (doubts if fact.verified else guesses).append(fact.doubt)
    return figure(function, doubts, guesses)


def _capacity(table: TierTable, tiers: Sequence[Tier], shapes: _Shapes) -> Observed[Decimal]:
    """The stated capacity, or else the last tier's bound: above it the venue has no tier."""
    if table.capacity is not None:
        return table.capacity
    if isinstance(table.usd, Unknown):
        return Unknown(table.usd.reason)
    if not tiers or tiers[-1].upper == INFINITY or shapes.uneven:
        return Unknown("the venue publishes no largest position")
    largest = tiers[-1].upper
    derivation, guess = table.usd.derivation, table.guessed_unit
    if guess:
        return Derived(largest, f"unverified: {guess}", verified=False)
    return Derived(largest, derivation) if derivation else Known(largest)


def _dates(table: TierTable) -> tuple[datetime, ...]:
    times = {one.observed_at for one in (table.payload, *_further(table))}
    if not isinstance(table.usd, Unknown):
        times |= {one.observed_at for one in table.usd.conversion.factors}
    return tuple(sorted(times))


def _further(table: TierTable) -> tuple[Payload, ...]:
    return (*table.also, *(payload for payload, _ in table.continued))


def _evidence(table: TierTable) -> tuple[Evidence, ...]:
    """Point to the rows of every page that tiers stand on."""
    conversion = None if isinstance(table.usd, Unknown) else table.usd.conversion
    pages = ((table.payload, table.rows), *table.continued)
    return tuple(
        Evidence(payload.sha256, rows, table.columns, conversion) for payload, rows in pages
    )


def _supporting(snapshot: Snapshot, table: TierTable) -> tuple[Evidence, ...]:
    """Name the payloads that only the conversion rests on, so that each can be traced."""
    if isinstance(table.usd, Unknown):
        return ()
    by_hash: dict[str, list[Factor]] = {}
    for one in table.usd.conversion.factors:
        if one.sha256 != table.payload.sha256:
            by_hash.setdefault(one.sha256, []).append(one)
    held = {payload.sha256 for payload in snapshot.payloads}
    return tuple(
        Evidence(
            sha256,
            ("",),
            tuple(Column(one.name, one.pointer, one.unit) for one in factors),
        )
        for sha256, factors in sorted(by_hash.items())
        if sha256 in held
    )


def open_ended(lowers: Sequence[Decimal], last: Decimal = INFINITY) -> list[Decimal]:
    """Upper bounds of tiers that are published by their lower ones: each ends where the next begins."""
    return [*lowers[1:], last]


def inverse(leverage: Decimal) -> Decimal:
    """The least initial margin rate under a leverage limit: 1 / leverage."""
    return Decimal(1) / leverage
