"""A proposed schedule, compared as if a venue published it today."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from harmonize.comparison.layout import asset_of, build_layout
from harmonize.comparison.peers import PeerGroup
from harmonize.comparison.universe import Universe
from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Origin
from harmonize.core.schedule import (
    INFINITY,
    FeeAddOn,
    Known,
    MaintenanceMeaning,
    MarginFunction,
    MarginMode,
    MarginSchedule,
    Observed,
    Profile,
    Tier,
    TierRule,
    Unknown,
    flat,
    marginal,
)
from harmonize.policy.apply import AppliedRuleSet

SOURCE = "as the proposal states"
"""Source of the asset of a proposal."""


@dataclass(frozen=True, slots=True)
class ProposedTier:
    """Tier up to ``upper`` USD, infinite if it is open-ended; a maintenance rate may be missing."""

    upper: Decimal
    initial_rate: Decimal
    maintenance_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Tiers that a venue or an authority proposes for contracts on an underlying."""

    name: str
    underlying: str
    rule: TierRule
    tiers: tuple[ProposedTier, ...]


def schedule_of(
    proposal: Proposal, as_of: datetime, others: Iterable[MarginSchedule] = ()
) -> MarginSchedule:
    """Returns the schedule of a proposal, observed at ``as_of``.

    The class of its underlying is that of the ``others`` on the same asset, where the name alone
    tells none. Raises ValueError: bounds that do not rise.
    """
    rates = [tier.initial_rate for tier in proposal.tiers]
    last = proposal.tiers[-1].upper
    return MarginSchedule(
        instrument=_instrument(proposal, others),
        profile=Profile(MarginMode.ANY),
        observed_at=as_of,
        dates=(as_of,),
        origin=Origin.LIVE,
        rule=proposal.rule,
        tiers=_tiers(proposal),
        initial=Known(_function(proposal, rates)),
        maintenance=_maintenance(proposal),
        capacity=Known(last)
        if last.is_finite()
        else Unknown("the proposal states no largest position"),
        meaning=MaintenanceMeaning.LIQUIDATION,
        fee=FeeAddOn("none", Unknown("the proposal states no fee")),
        evidence=(),
    )


def _instrument(proposal: Proposal, others: Iterable[MarginSchedule]) -> Instrument:
    asset = proposal.underlying
    own = contract(proposal.name, asset, base=asset, quote="USDT", settle="USDT")
    own = replace(own, asset_source=SOURCE)
    stated = (
        other.instrument.stated_class
        for other in others
        if asset_of(other) == asset and other.instrument.stated_class
    )
    return own if own.classification.known else replace(own, stated_class=next(stated, None))


def _tiers(proposal: Proposal) -> tuple[Tier, ...]:
    lowers = [Decimal(0), *(tier.upper for tier in proposal.tiers)]
    return tuple(
        Tier(tier.upper, tier.initial_rate, tier.maintenance_rate, lower)
        for tier, lower in zip(proposal.tiers, lowers, strict=False)
    )


def _maintenance(proposal: Proposal) -> Observed[MarginFunction]:
    rates = [tier.maintenance_rate for tier in proposal.tiers]
    known = [rate for rate in rates if rate is not None]
    if len(known) < len(rates):
        return Unknown("the proposal states no maintenance rate")
    return Known(_function(proposal, known))


def _function(proposal: Proposal, rates: Sequence[Decimal]) -> MarginFunction:
    build = marginal if proposal.rule is TierRule.MARGINAL else flat
    return build([tier.upper for tier in proposal.tiers], rates)


def with_proposal(
    universe: Universe, schedule: MarginSchedule, applied: Sequence[AppliedRuleSet]
) -> Universe:
    """Returns the universe with a proposal among the venues on its underlying.

    It takes the place of the venue whose name it has. ``applied`` are the rule sets with the inputs
    on its underlying.
    """
    asset, venue = asset_of(schedule), schedule.instrument.venue
    chosen = {name: dict(by_venue) for name, by_venue in universe.chosen.items()}
    chosen.setdefault(asset, {})[venue] = schedule
    schedules = (*(s for s in universe.schedules if s.key != schedule.key), schedule)
    rows = {own.key: row for row, own in enumerate(schedules)}
    on_asset = (chosen[asset][name] for name in sorted(chosen[asset]))
    members = tuple(own for own in on_asset if not own.not_trading)
    group = PeerGroup(asset, tuple(rows[own.key] for own in members), members)
    others = (
        PeerGroup(peers.underlying, tuple(rows[s.key] for s in peers.schedules), peers.schedules)
        for peers in universe.peer_groups
        if peers.underlying != asset
    )
    return Universe(
        schedules, tuple(applied), build_layout(schedules, applied), chosen, (group, *others)
    )


def one_tier(
    name: str, underlying: str, leverage: Decimal, maintenance_rate: Decimal | None = None
) -> Proposal:
    """Returns a proposal with one leverage at every size."""
    tier = ProposedTier(INFINITY, 1 / leverage, maintenance_rate)
    return Proposal(name, underlying, TierRule.FLAT, (tier,))
