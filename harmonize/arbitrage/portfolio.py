"""Margin of a portfolio per venue, by the reference, and as the cheapest split of every position.

Isolated: every underlying and side is a separate position, and margins add up. Cross: long and short
in one underlying are combined by the venue's offset rule. Where that rule is unknown, a portfolio with
both sides has no known cross margin. Different underlyings are not offset against one another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from harmonize.arbitrage.accounts import SplitConstraints
from harmonize.arbitrage.gap import arbitrage
from harmonize.arbitrage.position_file import Position
from harmonize.arbitrage.rows import allocation_rows, too_large_reason
from harmonize.core.venue_conventions import ConventionsByVenue, OffsetRule, combined_margin
from harmonize.document import AllocationRow
from harmonize.numerics.offer import Offer, offer_margin


@dataclass(frozen=True, slots=True)
class UnderlyingExposure:
    """Long and short positions of a portfolio in one underlying, in USD."""

    underlying: str
    long: float
    short: float

    @property
    def sides(self) -> tuple[tuple[str, float], ...]:
        """Sides with a position, each with its notional."""
        both = (("long", self.long), ("short", self.short))
        return tuple((side, notional) for side, notional in both if notional > 0.0)


@dataclass(frozen=True, slots=True)
class UnderlyingOffers:
    """IM and MM of each venue and of the reference on one underlying.

    ``isolated_*`` are those in isolated margin. ``min_position`` of a reference is the notional above
    which it applies. ``oldest`` and ``newest`` are observation dates of the schedules.
    """

    initial: Mapping[str, Offer]
    maintenance: Mapping[str, Offer]
    isolated_initial: Mapping[str, Offer]
    isolated_maintenance: Mapping[str, Offer]
    reference_initial: Offer | None = None
    reference_maintenance: Offer | None = None
    oldest: str = ""
    newest: str = ""


@dataclass(frozen=True, slots=True)
class VenueMargins:
    """Margin of the whole portfolio at one venue, in USD; None if unknown, with ``reasons``."""

    venue: str
    isolated_initial: float | None
    isolated_maintenance: float | None
    cross_initial: float | None
    cross_maintenance: float | None
    opposite: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PositionSplit:
    """Cheapest split of one side of one underlying; ``cost`` is None if there is none, for ``reason``."""

    underlying: str
    side: str
    notional: float
    cost: float | None
    single: float | None
    parts: tuple[AllocationRow, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Margin of a portfolio, in USD.

    ``reference_*`` is the margin by the rule set, position by position; None if it does not cover
    one of them. ``split`` is the sum of the cheapest splits. ``excluded`` has a line per row of the
    file that is not in these numbers, ``readings`` a line per name or number that was interpreted.
    """

    positions: int
    gross: float
    held: tuple[UnderlyingExposure, ...]
    rule_set: str
    reference_initial: float | None
    reference_maintenance: float | None
    reference_reasons: tuple[str, ...]
    venues: tuple[VenueMargins, ...]
    cheapest_isolated: tuple[str, ...]
    cheapest_cross: tuple[str, ...]
    splits: tuple[PositionSplit, ...]
    split: float | None
    oldest: str
    newest: str
    excluded: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()


def exposures_of(positions: Iterable[Position]) -> tuple[UnderlyingExposure, ...]:
    """Returns the sum of the positions by underlying and side, sorted by underlying."""
    exposures: dict[str, UnderlyingExposure] = {}
    for position in positions:
        name, side = position.underlying, position.side
        exposure = exposures.get(name, UnderlyingExposure(name, 0.0, 0.0))
        total = getattr(exposure, side) + position.notional
        exposures[name] = replace(exposure, **{side: total})
    return tuple(exposures[name] for name in sorted(exposures))


def portfolio_margins(
    positions: Sequence[Position],
    tables: Mapping[str, UnderlyingOffers],
    conventions: ConventionsByVenue,
    constraints: SplitConstraints | None = None,
    rule_set: str = "",
) -> Portfolio:
    """Returns the margin of the positions at every venue. ``tables`` are by underlying."""
    exposures = exposures_of(positions)
    empty = UnderlyingOffers({}, {}, {}, {})
    own = {exposure.underlying: tables.get(exposure.underlying, empty) for exposure in exposures}
    excluded = constraints.excluded if constraints else frozenset[str]()
    names = sorted({venue for table in own.values() for venue in table.initial} - excluded)
    venues = tuple(_venue_margins(venue, exposures, own, conventions) for venue in names)
    splits = tuple(
        _split(exposure.underlying, side, notional, own[exposure.underlying].initial, constraints)
        for exposure in exposures
        for side, notional in exposure.sides
    )
    initial, maintenance, reasons = _reference(exposures, own)
    spans = [(table.oldest, table.newest) for table in own.values() if table.newest]
    return Portfolio(
        positions=len(positions),
        gross=sum(position.notional for position in positions),
        held=exposures,
        rule_set=rule_set,
        reference_initial=initial,
        reference_maintenance=maintenance,
        reference_reasons=reasons,
        venues=venues,
        cheapest_isolated=_cheapest(venues, lambda venue: venue.isolated_initial),
        cheapest_cross=_cheapest(venues, lambda venue: venue.cross_initial),
        splits=splits,
        split=_total([row.cost for row in splits]),
        oldest=min((oldest for oldest, _ in spans), default=""),
        newest=max((newest for _, newest in spans), default=""),
    )


def _venue_margins(
    venue: str,
    exposures: Sequence[UnderlyingExposure],
    tables: Mapping[str, UnderlyingOffers],
    conventions: ConventionsByVenue,
) -> VenueMargins:
    convention = conventions.get(venue)
    rule = convention.offset_rule if convention else None
    reasons: list[str] = []
    isolated: dict[str, list[float | None]] = {"initial": [], "maintenance": []}
    cross: dict[str, list[float | None]] = {"initial": [], "maintenance": []}
    for exposure in exposures:
        own, name = tables[exposure.underlying], exposure.underlying
        for margin_type, word, cross_offers, isolated_offers in (
            ("initial", "IM", own.initial, own.isolated_initial),
            ("maintenance", "MM", own.maintenance, own.isolated_maintenance),
        ):
            offer = cross_offers.get(venue)
            isolated[margin_type] += _separate(exposure, isolated_offers.get(venue))
            cross[margin_type] += _cross(exposure, offer, rule)
            reasons += _reasons(exposure, offer, word)
            if offer is not None and venue not in isolated_offers:
                reasons.append(f"no comparable isolated {word} on {name}")
        if len(exposure.sides) > 1 and rule is None and venue in own.initial:
            reasons.append(f"offset rule for long and short {name} unknown")
    return VenueMargins(
        venue=venue,
        isolated_initial=_total(isolated["initial"]),
        isolated_maintenance=_total(isolated["maintenance"]),
        cross_initial=_total(cross["initial"]),
        cross_maintenance=_total(cross["maintenance"]),
        opposite=rule.value if rule else "",
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _separate(exposure: UnderlyingExposure, offer: Offer | None) -> list[float | None]:
    """Returns the margin of every side as a separate position."""
    return [
        None if offer is None else offer_margin(offer, notional) for _, notional in exposure.sides
    ]


def _cross(
    exposure: UnderlyingExposure, offer: Offer | None, rule: OffsetRule | None
) -> list[float | None]:
    """Returns the margin of one side, or of both sides combined by the venue's offset rule."""
    if len(exposure.sides) == 1:
        return _separate(exposure, offer)
    if rule is None or offer is None:
        return [None]
    return [combined_margin(rule, partial(offer_margin, offer), exposure.long, exposure.short)]


def _reasons(exposure: UnderlyingExposure, offer: Offer | None, word: str) -> list[str]:
    if offer is None:
        return [f"no comparable {word} on {exposure.underlying}"]
    return [
        f"{side} {exposure.underlying} of ${notional:,.0f}: {offer.end} ({word})"
        for side, notional in exposure.sides
        if offer_margin(offer, notional) is None
    ]


def _split(
    underlying: str,
    side: str,
    notional: float,
    offers: Mapping[str, Offer],
    constraints: SplitConstraints | None,
) -> PositionSplit:
    result = arbitrage(offers, notional, constraints) if offers else None
    if result is None:
        reason = (
            too_large_reason(offers, [notional]) if offers else "no venue has an observed margin"
        )
        return PositionSplit(underlying, side, notional, None, None, (), reason)
    rows = allocation_rows(result)
    return PositionSplit(underlying, side, notional, result.split.cost, result.single, rows)


def _reference(
    exposures: Sequence[UnderlyingExposure], tables: Mapping[str, UnderlyingOffers]
) -> tuple[float | None, float | None, tuple[str, ...]]:
    """Returns IM and MM by the reference, and a reason per position that it does not cover."""
    initial: list[float | None] = []
    maintenance: list[float | None] = []
    reasons = []
    for exposure in exposures:
        own, name = tables[exposure.underlying], exposure.underlying
        for side, notional in exposure.sides:
            required = _reference_margin(own.reference_initial, notional)
            initial.append(required)
            maintenance.append(_reference_margin(own.reference_maintenance, notional))
            if required is None and not own.initial:
                reasons.append(f"no venue has an observed margin for {side} {name}")
            elif required is None:
                reasons.append(f"the rule set does not cover {side} {name} of ${notional:,.0f}")
    return _total(initial), _total(maintenance), tuple(reasons)


def _reference_margin(reference: Offer | None, notional: float) -> float | None:
    """Returns the reference margin; None up to the notional above which the reference applies."""
    if reference is None or notional <= reference.min_position:
        return None
    return offer_margin(reference, notional)


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


def _cheapest(
    venues: Sequence[VenueMargins], margin_of: Callable[[VenueMargins], float | None]
) -> tuple[str, ...]:
    known = [(amount, venue.venue) for venue in venues if (amount := margin_of(venue)) is not None]
    least = min(known, default=(0.0, ""))[0]
    return tuple(name for amount, name in known if amount <= least)
