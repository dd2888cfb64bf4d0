"""Converts a published tier table into a margin schedule in USD."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

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
    flat,
    marginal,
    value_of,
)
from venues.adapter import Parsed
from venues.facts import Facts, Sizes, VenueFact
from venues.fields import build_defect
from venues.parsing.tier_bounds import (
    close_steps,
    find_deduction_fault,
    find_tiling_fault,
    without_empty_tiers,
)
from venues.parsing.units import UsdConversion

_BOUNDS = frozenset({"upper", "lower"})
NO_CAPACITY = Unknown("the venue publishes no position limit")
_WEAKEST_FIRST = (Origin.DOCUMENTATION, Origin.RECORDED, Origin.LIVE)


@dataclass(frozen=True, slots=True)
class TierTable:
    """Tiers of one instrument and profile in the venue's unit, and their location.

    ``usd`` converts the unit to USD; ``capacity`` is already in USD. ``no_maintenance`` is the
    reason for a missing MM. ``doubts`` are derivation steps that the venue does not state;
    ``unverified`` are steps that no source states. ``initial_doubts`` are steps for IM alone, and
    ``maintenance_doubts`` for MM alone where there is more than one tier; ``maintenance_steps`` for MM
    alone with any number of tiers. ``supporting`` are further payloads that the schedule depends on. ``exclusion_reason`` is the reason for exclusion from cross-venue statistics.

    A venue that publishes lower bounds gives each tier its ``lower``, in the same unit: tiers that
    leave a gap or overlap have no margin. One published step between two tiers is no gap: see
    ``close_steps``. A tier without end has ``upper`` ``INFINITY``, as ``fields.upper_bound`` reads.

    ``assumed_unit`` states the assumed unit of the bounds if no source states it; no amount in USD
    is verified then. ``continued`` are further pages with tiers, each with its row pointers.
    ``instrument_row`` is the pointer of the instrument's own row, if the tiers lie elsewhere.
    """

    payload: Payload
    instrument: Instrument
    profile: Profile
    tiers: tuple[Tier, ...]
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    usd: UsdConversion | Unknown
    capacity: Observed[Decimal] | None = None
    no_maintenance: str = ""
    doubts: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    supporting: tuple[Payload, ...] = ()
    exclusion_reason: str = ""
    assumed_unit: str = ""
    continued: tuple[tuple[Payload, tuple[str, ...]], ...] = ()
    effective: Observed[datetime] = UNSTATED
    capacity_price: Decimal | None = None
    initial_doubts: tuple[str, ...] = ()
    maintenance_doubts: tuple[str, ...] = ()
    maintenance_steps: tuple[str, ...] = ()
    instrument_row: str = ""


def build_schedules(
    snapshot: Snapshot, tables: Sequence[TierTable], facts: Facts, defects: Sequence[Defect]
) -> Parsed:
    """Builds the schedules of all tables and adds the defects found while reading.

    A table that defines no schedule is a defect of its contract, at its first row.
    """
    schedules: list[MarginSchedule] = []
    found = list(defects)
    for table in tables:
        try:
            schedules.append(build_schedule(snapshot, table, facts))
        except Exception as error:  # noqa: BLE001 - one odd table never hides the others
            pointer = table.rows[0] if table.rows else ""
            found.append(build_defect(table.payload, error, table.instrument.id, pointer))
    return Parsed(tuple(schedules), tuple(found))


def build_schedule(snapshot: Snapshot, table: TierTable, facts: Facts) -> MarginSchedule:
    """Schedule of one table, under the tier rule in force on the observation date."""
    payload, usd = table.payload, table.usd
    day = payload.observed_at.date()
    profile = table.profile
    fact = facts.find(
        payload.venue, table.instrument.payoff, profile.margin_mode, day, profile.account_class
    )
    closed = close_steps(table.tiers, _unit_of_bounds(table.columns))
    in_usd = () if isinstance(usd, Unknown) else tuple(_in_usd(closed, usd.multiplier))
    tiers = without_empty_tiers(in_usd)
    functions = _functions_or_fault(usd, fact, tiers, day)
    return MarginSchedule(
        instrument=table.instrument,
        profile=table.profile,
        observed_at=payload.observed_at,
        precision=payload.precision,
        dates=_dates(table),
        origin=least_reliable_origin((payload, *_further_payloads(table))),
        rule=fact.maintenance if fact else None,
        tiers=tiers,
        initial=_initial(table, fact, functions),
        maintenance=_maintenance(table, len(tiers), fact, functions),
        capacity=_capacity(table, tiers, functions),
        meaning=fact.meaning if fact else MaintenanceMeaning.LIQUIDATION,
        fee=fact.fee_add_on if fact else FeeAddOn("unknown", Unknown("no source")),
        evidence=(*_evidence(table), *_supporting(snapshot, table)),
        notes=table.notes,
        exclusion_reason=table.exclusion_reason,
        effective=table.effective,
        capacity_price=table.capacity_price,
        known_up_to=_known_up_to(table, fact),
    )


def _known_up_to(table: TierTable, fact: VenueFact | None) -> Decimal:
    """Largest notional at which the table is the venue's margin, in USD; 0 if it is a lower bound.

    Rates without any published bound hold at every size only if a fact states so, and if they are
    not only part of what the venue requires.
    """
    if not _is_unbounded(table):
        return INFINITY
    holds = fact is not None and fact.sizes is Sizes.ALL and not table.exclusion_reason
    return INFINITY if holds else ZERO


def _is_unbounded(table: TierTable) -> bool:
    """Whether the table is one rate whose bound the venue does not publish."""
    has_bounds = any(column.quantity in _BOUNDS for column in table.columns)
    return not has_bounds and [tier.upper for tier in table.tiers] == [INFINITY]


def observed_function(
    function: MarginFunction, doubts: Sequence[str], unverified: Sequence[str] = ()
) -> Observed[MarginFunction]:
    """Margin function, known without any derivation step and derived otherwise.

    A derived function is verified unless ``unverified`` names a step that no source states.
    """
    unverified_steps = [f"unverified: {step}" for step in unverified if step]
    steps = [*(doubt for doubt in doubts if doubt), *unverified_steps]
    if not steps:
        return Known(function)
    return Derived(function, "; ".join(steps), verified=not unverified_steps)


def least_reliable_origin(payloads: Sequence[Payload]) -> Origin:
    """Least reliable origin among the payloads; archived market prices are ignored."""
    origins = {payload.provenance.origin for payload in payloads}
    return next(origin for origin in _WEAKEST_FIRST if origin in origins)


def _unit_of_bounds(columns: Sequence[Column]) -> str:
    return next((column.unit for column in columns if column.quantity in _BOUNDS), "")


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


def _functions_or_fault(
    usd: UsdConversion | Unknown, fact: VenueFact | None, tiers: tuple[Tier, ...], day: object
) -> "_TierFunctions":
    """Margin functions of the tiers, or the reason why the tiers define none."""
    if isinstance(usd, Unknown):
        return _TierFunctions(usd.reason)
    if fact is None or not {fact.initial, fact.maintenance} <= _FUNCTION_OF_RULE.keys():
        return _TierFunctions(
            f"no source states how the venue's tiers determined margin on {day}",
            find_tiling_fault(tiers),
        )
    if not tiers:
        return _TierFunctions("the venue published no tiers")
    return _tier_functions(tiers, fact.initial, fact.maintenance)


@dataclass(frozen=True, slots=True)
class _TierFunctions:
    """Margin functions of a tier table, or the ``reason`` why there are none.

    A function is None if a tier has no rate. ``tiling_fault`` locates tiers that do not tile,
    whatever their rates.
    """

    reason: str
    tiling_fault: str = ""
    initial: MarginFunction | None = None
    maintenance: MarginFunction | None = None


@lru_cache(maxsize=16384)
def _tier_functions(
    tiers: tuple[Tier, ...], initial: TierRule, maintenance: TierRule
) -> _TierFunctions:
    """Margin functions of a tier table; cached because many contracts and days share tables."""
    tiling_fault = find_tiling_fault(tiers)
    reason = tiling_fault or (
        find_deduction_fault(tiers) if maintenance is TierRule.MARGINAL else ""
    )
    if reason:
        return _TierFunctions(reason, tiling_fault)
    uppers = [tier.upper for tier in tiers]
    im_rates = [tier.initial_rate for tier in tiers if tier.initial_rate is not None]
    mm_rates = [tier.maintenance_rate for tier in tiers if tier.maintenance_rate is not None]
    return _TierFunctions(
        "",
        "",
        _FUNCTION_OF_RULE[initial](uppers, im_rates) if len(im_rates) == len(tiers) else None,
        _FUNCTION_OF_RULE[maintenance](uppers, mm_rates) if len(mm_rates) == len(tiers) else None,
    )


_FUNCTION_OF_RULE: dict[
    TierRule, Callable[[Sequence[Decimal], Sequence[Decimal]], MarginFunction]
] = {
    TierRule.FLAT: flat,
    TierRule.MARGINAL: marginal,
}


def _initial(
    table: TierTable, fact: VenueFact | None, functions: _TierFunctions
) -> Observed[MarginFunction]:
    if functions.reason or fact is None:
        return Unknown(functions.reason)
    function = functions.initial
    if function is None:
        return Unknown("the venue does not publish initial margin for every tier")
    uses_rule = fact.initial is not TierRule.FLAT
    return _observed(table, function, fact, *table.initial_doubts, uses_rule=uses_rule)


def _maintenance(
    table: TierTable, count: int, fact: VenueFact | None, functions: _TierFunctions
) -> Observed[MarginFunction]:
    if functions.reason or fact is None:
        return Unknown(functions.reason)
    if table.no_maintenance:
        return Unknown(table.no_maintenance)
    function = functions.maintenance
    if function is None:
        return Unknown("the venue does not publish maintenance margin for every tier")
    own_doubts = table.maintenance_doubts if count > 1 else ()
    steps = (*table.maintenance_steps, *own_doubts)
    return _observed(table, function, fact, *steps, uses_rule=count > 1)


def _observed(
    table: TierTable, function: MarginFunction, fact: VenueFact, *own_doubts: str, uses_rule: bool
) -> Observed[MarginFunction]:
    """Margin function with its derivation; ``uses_rule``: whether the fact's tier rule affects it."""
    derivation = "" if isinstance(table.usd, Unknown) else table.usd.derivation
    doubts, unverified = (
        [derivation, *table.doubts, *own_doubts],
        [table.assumed_unit, *table.unverified],
    )
    if uses_rule:
        (doubts if fact.verified else unverified).append(fact.derivation)
    if _known_up_to(table, fact) and _is_unbounded(table):
        doubts.append(fact.size_derivation)
    return observed_function(function, doubts, unverified)


def _capacity(
    table: TierTable, tiers: Sequence[Tier], functions: _TierFunctions
) -> Observed[Decimal]:
    """Published capacity in USD; otherwise the bound of the last tier."""
    if table.capacity is not None:
        return finite_capacity(table.capacity)
    if isinstance(table.usd, Unknown):
        return Unknown(table.usd.reason)
    if not tiers or tiers[-1].upper == INFINITY or functions.tiling_fault:
        return NO_CAPACITY
    largest = tiers[-1].upper
    derivation, guessed_unit = table.usd.derivation, table.assumed_unit
    if guessed_unit:
        return Derived(largest, f"unverified: {guessed_unit}", verified=False)
    return Derived(largest, derivation) if derivation else Known(largest)


def finite_capacity(capacity: Observed[Decimal]) -> Observed[Decimal]:
    """Capacity, unknown where a venue states that there is no end: that is no infinite limit."""
    value = value_of(capacity)
    return capacity if value is None or value.is_finite() else NO_CAPACITY


def _dates(table: TierTable) -> tuple[datetime, ...]:
    times = {payload.observed_at for payload in (table.payload, *_further_payloads(table))}
    if not isinstance(table.usd, Unknown):
        times |= {factor.observed_at for factor in table.usd.conversion.factors}
    return tuple(sorted(times))


def _further_payloads(table: TierTable) -> tuple[Payload, ...]:
    return (*table.supporting, *(payload for payload, _ in table.continued))


def _evidence(table: TierTable) -> tuple[Evidence, ...]:
    """Evidence of every page with tiers: its row pointers, columns and conversion."""
    conversion = None if isinstance(table.usd, Unknown) else table.usd.conversion
    pages = ((table.payload, table.rows), *table.continued)
    context = (table.instrument_row,) * bool(table.instrument_row)
    return tuple(
        Evidence(payload.sha256, rows, table.columns, conversion, context * (page == 0))
        for page, (payload, rows) in enumerate(pages)
    )


def _supporting(snapshot: Snapshot, table: TierTable) -> tuple[Evidence, ...]:
    """Evidence of payloads that only the conversion uses, so that every factor can be traced."""
    if isinstance(table.usd, Unknown):
        return ()
    by_hash: dict[str, list[Factor]] = {}
    for factor in table.usd.conversion.factors:
        if factor.sha256 != table.payload.sha256:
            by_hash.setdefault(factor.sha256, []).append(factor)
    in_snapshot = {payload.sha256 for payload in snapshot.payloads}
    return tuple(
        Evidence(
            sha256,
            ("",),
            tuple(Column(factor.name, factor.pointer, factor.unit) for factor in factors),
        )
        for sha256, factors in sorted(by_hash.items())
        if sha256 in in_snapshot
    )


def upper_bounds(lowers: Sequence[Decimal], last: Decimal = INFINITY) -> list[Decimal]:
    """Upper bounds of tiers published by lower bound; the last tier ends at ``last``."""
    return [*lowers[1:], last]


def leverage_to_rate(leverage: Decimal) -> Decimal:
    """Lowest initial margin rate under a leverage limit: 1 / leverage."""
    return Decimal(1) / leverage
