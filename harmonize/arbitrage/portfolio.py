"""What each venue asks for a book of positions, what the reference asks, and the cheapest ways to hold it.

Isolated: every underlying and side is a position of its own, and margins add up. Cross: long and short
in one underlying count together by the venue's own rule; where nobody told that rule, a book that holds
both sides has no cross margin there that could be known. Underlyings are not offset against one another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from harmonize.arbitrage.accounts import SplitConstraints
from harmonize.arbitrage.gap import arbitrage
from harmonize.arbitrage.position_file import Position
from harmonize.core.venue_conventions import Conducts, combined_margin
from harmonize.document import AllocationRow
from harmonize.numerics.offer import Offer, margin


@dataclass(frozen=True, slots=True)
class Held:
    """The positions of a book in one underlying, in USD."""

    underlying: str
    long: float
    short: float

    @property
    def sides(self) -> tuple[tuple[str, float], ...]:
        """The sides that hold something."""
        both = (("long", self.long), ("short", self.short))
        return tuple((side, amount) for side, amount in both if amount > 0.0)


@dataclass(frozen=True, slots=True)
class Tables:
    """What is known of one underlying: each venue's IM and MM, and the reference's.

    ``isolated_*`` are those in isolated margin; ``ticket`` of a reference is the size from which it
    speaks. ``oldest`` and ``newest`` are the dates that the
    schedules rest on.
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
class VenueAsks:
    """What one venue asks for the whole book in USD; None where it cannot be said, and ``reasons`` why."""

    venue: str
    isolated_initial: float | None
    isolated_maintenance: float | None
    cross_initial: float | None
    cross_maintenance: float | None
    opposite: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SplitOf:
    """The cheapest split of one side of one underlying; ``cost`` None where venues do not take it."""

    underlying: str
    side: str
    notional: float
    cost: float | None
    single: float | None
    parts: tuple[AllocationRow, ...]


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The answer for a book; amounts in USD.

    ``reference_*`` is what the rule set asks of every position as it stands, None where it does not
    speak of one. ``split`` is the sum of the cheapest splits, position by position.
    """

    positions: int
    gross: float
    held: tuple[Held, ...]
    rule_set: str
    reference_initial: float | None
    reference_maintenance: float | None
    reference_reasons: tuple[str, ...]
    venues: tuple[VenueAsks, ...]
    cheapest_isolated: tuple[str, ...]
    cheapest_cross: tuple[str, ...]
    splits: tuple[SplitOf, ...]
    split: float | None
    oldest: str
    newest: str


def book(positions: Iterable[Position]) -> tuple[Held, ...]:
    """Add up the positions by underlying and side."""
    found: dict[str, Held] = {}
    for one in positions:
        held = found.get(one.underlying, Held(one.underlying, 0.0, 0.0))
        amount = {one.side: getattr(held, one.side) + one.notional}
        found[one.underlying] = replace(held, **amount)
    return tuple(found[name] for name in sorted(found))


def portfolio(
    positions: Sequence[Position],
    tables: Mapping[str, Tables],
    conducts: Conducts,
    conditions: SplitConstraints | None = None,
    rule_set: str = "",
) -> Portfolio:
    """Ask every venue, and the reference, for a book. ``tables`` are by underlying."""
    held = book(positions)
    nothing = Tables({}, {}, {}, {})
    known = {one.underlying: tables.get(one.underlying, nothing) for one in held}
    excluded = conditions.excluded if conditions else frozenset[str]()
    names = sorted({venue for one in known.values() for venue in one.initial} - excluded)
    venues = tuple(_asks(venue, held, known, conducts) for venue in names)
    splits = tuple(
        _split(one.underlying, side, amount, known[one.underlying].initial, conditions)
        for one in held
        for side, amount in one.sides
    )
    costs = [one.cost for one in splits]
    initial, maintenance, reasons = _reference(held, known)
    dates = [one for each in known.values() for one in (each.oldest, each.newest) if one]
    return Portfolio(
        positions=len(positions),
        gross=sum(one.notional for one in positions),
        held=held,
        rule_set=rule_set,
        reference_initial=initial,
        reference_maintenance=maintenance,
        reference_reasons=reasons,
        venues=venues,
        cheapest_isolated=_cheapest(venues, lambda one: one.isolated_initial),
        cheapest_cross=_cheapest(venues, lambda one: one.cross_initial),
        splits=splits,
        split=_total(costs),
        oldest=min(dates, default=""),
        newest=max(dates, default=""),
    )


def _asks(
    venue: str, held: Sequence[Held], tables: Mapping[str, Tables], conducts: Conducts
) -> VenueAsks:
    conduct = conducts.get(venue)
    rule = conduct.opposite if conduct else None
    reasons: list[str] = []
    sums: dict[str, list[float | None]] = {"isolated_initial": [], "isolated_maintenance": []}
    sums |= {"cross_initial": [], "cross_maintenance": []}
    for one in held:
        own = tables[one.underlying]
        for figure, offers, apart in (
            ("initial", own.initial, own.isolated_initial),
            ("maintenance", own.maintenance, own.isolated_maintenance),
        ):
            offer = offers.get(venue)
            sums[f"isolated_{figure}"] += _alone(one, apart.get(venue))
            if len(one.sides) == 1:
                sums[f"cross_{figure}"] += _alone(one, offer)
            elif rule is None or offer is None:
                sums[f"cross_{figure}"].append(None)
            else:
                asked = combined_margin(rule, partial(margin, offer), one.long, one.short)
                sums[f"cross_{figure}"].append(asked)
            word = "IM" if figure == "initial" else "MM"
            reasons += _reasons(one, offer, word)
            if offer is not None and venue not in apart:
                reasons.append(f"no isolated {word} of {one.underlying} that counts")
        if len(one.sides) > 1 and rule is None and venue in own.initial:
            reasons.append(f"how it counts long and short {one.underlying} together is not known")
    return VenueAsks(
        venue=venue,
        **{name: _total(amounts) for name, amounts in sums.items()},
        opposite=rule.value if rule else "",
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _alone(held: Held, offer: Offer | None) -> list[float | None]:
    """What every side needs as a position of its own."""
    return [_of(offer, amount) for _, amount in held.sides]


def _reasons(held: Held, offer: Offer | None, word: str) -> list[str]:
    if offer is None:
        return [f"no {word} of {held.underlying} that counts"]
    largest = min(offer.limit, offer.pieces[-1][1])
    return [
        f"{side} {held.underlying} of ${amount:,.0f} is above its ${largest:,.0f} ({word})"
        for side, amount in held.sides
        if margin(offer, amount) is None
    ]


def _split(
    underlying: str,
    side: str,
    amount: float,
    offers: Mapping[str, Offer],
    conditions: SplitConstraints | None,
) -> SplitOf:
    found = arbitrage(offers, amount, conditions) if offers else None
    if found is None:
        return SplitOf(underlying, side, amount, None, None, ())
    parts = tuple(
        AllocationRow(one.venue, one.number, one.notional, one.margin) for one in found.parts
    )
    return SplitOf(underlying, side, amount, found.split.cost, found.single, parts)


def _reference(
    held: Sequence[Held], tables: Mapping[str, Tables]
) -> tuple[float | None, float | None, tuple[str, ...]]:
    initial: list[float | None] = []
    maintenance: list[float | None] = []
    reasons = []
    for one in held:
        own = tables[one.underlying]
        for side, amount in one.sides:
            asked = _asked(own.reference_initial, amount)
            initial.append(asked)
            maintenance.append(_asked(own.reference_maintenance, amount))
            if asked is None:
                reasons.append(f"it does not speak of {side} {one.underlying} of ${amount:,.0f}")
    return _total(initial), _total(maintenance), tuple(reasons)


def _asked(reference: Offer | None, amount: float) -> float | None:
    """What the reference asks, above the smallest size that it speaks of."""
    return None if reference is None or amount <= reference.ticket else margin(reference, amount)


def _of(offer: Offer | None, amount: float) -> float | None:
    return None if offer is None else margin(offer, amount)


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [one for one in amounts if one is not None]
    return sum(known) if len(known) == len(amounts) else None


def _cheapest(
    venues: Sequence[VenueAsks], asked: Callable[[VenueAsks], float | None]
) -> tuple[str, ...]:
    known = [(amount, one.venue) for one in venues if (amount := asked(one)) is not None]
    least = min(known, default=(0.0, ""))[0]
    return tuple(venue for amount, venue in known if amount <= least)
