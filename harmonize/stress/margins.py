"""Margin terms of every venue on one underlying, and reference margins, from a comparison universe."""

from collections.abc import Mapping

from harmonize.comparison.offers import build_offer, no_margin_reason
from harmonize.comparison.peers import PeerGroup
from harmonize.comparison.universe import Universe
from harmonize.core.instrument import Payoff
from harmonize.core.schedule import MaintenanceMeaning, MarginSchedule, Unknown
from harmonize.core.venue_conventions import ConventionsByVenue
from harmonize.liquidation.distance import margin_basis
from harmonize.numerics.offer import Offer
from harmonize.stress.tiers import Tiers, VenueMargins, tiers_from_pieces

_NO_FEE = frozenset({"none", "none stated", "not stated"})


def venue_margins(
    universe: Universe, peers: PeerGroup, conventions: ConventionsByVenue, fee: float = 0.0
) -> Mapping[str, VenueMargins | Unknown]:
    """Returns the terms by venue, or the reason why they are not observable.

    The isolated schedule of a venue is used if it publishes one. ``fee`` is the taker fee (a rate) for
    venues that add a fee to MM.
    """
    isolated = universe.isolated(peers)
    return {
        schedule.instrument.venue: _terms(universe, row, schedule, conventions, fee)
        for row, schedule in zip(isolated.rows, isolated.schedules, strict=True)
    }


def reference_tiers(
    universe: Universe, rule_set: str, margin_type: str, underlying: str
) -> Tiers | Unknown:
    """Returns a margin that a rule set requires on an underlying, or the reason for none.

    ``margin_type`` is "initial" or "maintenance". MM that calls for margin, or that a clearing member
    deposits, liquidates nothing: it is used only if the rule set converts it to a liquidation trigger.
    """
    trigger = MaintenanceMeaning.LIQUIDATION
    for rule in universe.layout.rules:
        if rule.applied.rule_set.id != rule_set:
            continue
        own_meaning = rule.applied.rule_set.meaning
        is_other = margin_type == "maintenance" and own_meaning is not trigger
        reference = rule.reference(underlying, margin_type, trigger if is_other else None)
        if reference is None and is_other and rule.reference(underlying, margin_type):
            return Unknown(f"MM of {rule_set} is {no_trigger_reason(own_meaning)}")
        if reference is None:
            missing = f"{rule_set} sets no {margin_type} margin for {underlying}"
            return Unknown(rule.applied.reasons.get(underlying, missing))
        return tiers_from_pieces(universe.layout.pieces(reference.function))
    return Unknown(f"{rule_set}: the rule set is not selected")


def no_trigger_reason(meaning: MaintenanceMeaning) -> str:
    """Returns why MM of a meaning other than a liquidation trigger liquidates nothing."""
    return f"a {meaning}, at which nothing is liquidated"


def _terms(
    universe: Universe,
    row: int,
    schedule: MarginSchedule,
    conventions: ConventionsByVenue,
    fee: float,
) -> VenueMargins | Unknown:
    initial = build_offer(universe.layout, "initial", row, schedule)
    maintenance = build_offer(universe.layout, "maintenance", row, schedule)
    if initial is None or maintenance is None:
        return Unknown(no_margin_reason(schedule, "MM" if maintenance is None else "IM"))
    if schedule.meaning is not MaintenanceMeaning.LIQUIDATION:
        return Unknown(f"MM is {no_trigger_reason(schedule.meaning)}")
    if schedule.instrument.payoff is Payoff.QUANTO:
        return Unknown("quanto contract: the loss depends on a third currency")
    smaller = min(initial, maintenance, key=lambda offer: offer.largest)
    return VenueMargins(
        schedule.instrument.venue,
        _tiers(initial),
        _tiers(maintenance),
        smaller.largest,
        0.0 if schedule.fee.rule in _NO_FEE else fee,
        margin_basis(schedule, conventions),
        schedule.instrument.payoff,
        unobserved=smaller.end if smaller.is_unobserved_above else "",
    )


def _tiers(offer: Offer) -> Tiers:
    return tiers_from_pieces(offer.pieces)
