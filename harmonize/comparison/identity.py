"""Judges whether the schedules under one name are on one asset: a ticker is no identity.

Two schedules are on one asset if both state a price within a day and the prices agree, or if the
table of assets or an unmistakable ticker names the asset of both. Prices that disagree mean two
assets. Without either, observations close in time are taken for one asset, others are not observed
to be one. Dates that are not exact count with their whole range: observations are close only if they
are so at any dates within it, and never without an earliest date.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import combinations

from harmonize.core import tickers
from harmonize.core.date_precision import EXACT, DatePrecision, largest_distance
from harmonize.core.schedule import AssetPrice, MarginSchedule

PRICE_RATIO = 1.5
"""Largest ratio of two prices within ``PRICE_WINDOW`` that counts as agreement."""

PRICE_WINDOW = timedelta(days=1)
"""Largest time between two prices that are compared."""

DATE_SPAN = timedelta(days=60)
"""Largest time between observations under one name that are taken for one asset without a price."""


class Relation(StrEnum):
    """Relation between the underlyings of two schedules under one name."""

    SAME = "same asset"  # by their prices, or by a source
    PRESUMED = "same name at close dates"
    UNOBSERVED = "identity not observed"
    DIFFERENT = "another asset"


@dataclass(frozen=True, slots=True)
class Listing:
    """Contract of one venue under a name: its observation, its price, and a source of its asset."""

    venue: str
    symbol: str
    observed_at: datetime
    price: AssetPrice | None
    source: str
    precision: DatePrecision = EXACT

    @classmethod
    def of(cls, schedule: MarginSchedule) -> "Listing":
        """Returns the listing that a schedule belongs to."""
        instrument = schedule.instrument
        source = instrument.asset_source
        if not source and tickers.bundled().is_unmistakable(instrument.underlying.asset):
            source = "ticker that no other asset has"
        return cls(
            instrument.venue,
            instrument.symbol,
            schedule.observed_at,
            schedule.price,
            source,
            schedule.precision,
        )

    @property
    def key(self) -> tuple[str, str]:
        """Venue and symbol."""
        return (self.venue, self.symbol)

    @property
    def earliest(self) -> datetime | None:
        """Earliest possible time of the observation; None if there is no bound."""
        return self.precision.older_end(self.observed_at)


@dataclass(frozen=True, slots=True)
class Identity:
    """Listings under one name in groups that are one asset each, as far as it is observed.

    The first group is the one that is compared; ``doubts`` are the reasons against the others.
    """

    groups: tuple[tuple[Listing, ...], ...]
    doubts: Mapping[tuple[str, str], str]


def with_identities(schedules: Sequence[MarginSchedule]) -> tuple[MarginSchedule, ...]:
    """Returns schedules in their order, those outside the compared group with the reason."""
    doubts: dict[tuple[str, str, str], str] = {}
    for name, identity in identities(schedules).items():
        doubts |= {(name, *key): doubt for key, doubt in identity.doubts.items()}
    if not doubts:
        return tuple(schedules)
    return tuple(
        replace(schedule, identity_doubt=doubt)
        if (doubt := doubts.get((schedule.instrument.underlying.asset, *schedule.key[:2])))
        else schedule
        for schedule in schedules
    )


def identities(schedules: Iterable[MarginSchedule]) -> dict[str, Identity]:
    """Returns the judgement per name of an underlying, sorted by name."""
    listings: dict[str, dict[tuple[str, str], Listing]] = {}
    for schedule in schedules:
        by_key = listings.setdefault(schedule.instrument.underlying.asset, {})
        known = by_key.get(schedule.key[:2])
        if known is None or schedule.observed_at > known.observed_at:
            by_key[schedule.key[:2]] = Listing.of(schedule)
    return {name: judge(tuple(listings[name].values())) for name in sorted(listings)}


def judge(listings: Sequence[Listing]) -> Identity:
    """Groups the listings under one name, the group that is compared first."""
    if len({listing.venue for listing in listings}) < 2:  # noqa: PLR2004 - nothing to compare
        return Identity((tuple(listings),), {})
    relations = {
        (first, second): relation(listings[first], listings[second])
        for first, second in combinations(range(len(listings)), 2)
    }
    groups = [
        tuple(listings[position] for position in group)
        for group in _grouped(len(listings), relations)
    ]
    groups.sort(key=_precedence, reverse=True)
    doubts = {listing.key: _doubt(listing, groups[0]) for group in groups[1:] for listing in group}
    return Identity(tuple(groups), doubts)


def relation(first: Listing, second: Listing) -> Relation:
    """Returns the relation between two listings under one name. It is symmetric."""
    ratio = price_ratio(first, second)
    if ratio is not None:
        return Relation.SAME if ratio <= PRICE_RATIO else Relation.DIFFERENT
    if first.source and second.source:
        return Relation.SAME
    apart = _distance(first, second)
    is_close = apart is not None and apart <= DATE_SPAN
    return Relation.PRESUMED if is_close else Relation.UNOBSERVED


def price_ratio(first: Listing, second: Listing) -> float | None:
    """Returns the larger price divided by the smaller; None without prices within a day."""
    if first.price is None or second.price is None:
        return None
    dates = ((price.observed_at, price.precision) for price in (first.price, second.price))
    apart = largest_distance(*dates)
    if apart is None or apart > PRICE_WINDOW:
        return None
    lower, upper = sorted((first.price.value, second.price.value))
    return float(upper / lower)


def _distance(first: Listing, second: Listing) -> timedelta | None:
    """Returns the largest possible time between two observations; None if it has no bound."""
    return largest_distance(
        (first.observed_at, first.precision), (second.observed_at, second.precision)
    )


def _grouped(count: int, relations: Mapping[tuple[int, int], Relation]) -> list[list[int]]:
    """Returns the positions in groups that the relations join.

    Close dates under one name join only if no price contradicts: where it does, the name is known to
    mean several assets, and a date does not tell which.
    """
    is_contradicted = Relation.DIFFERENT in relations.values()
    joining = {Relation.SAME} if is_contradicted else {Relation.SAME, Relation.PRESUMED}
    group_of = list(range(count))
    for (first, second), found in relations.items():
        if found in joining and group_of[first] != group_of[second]:
            merged, kept = group_of[second], group_of[first]
            group_of = [kept if group == merged else group for group in group_of]
    return [
        [position for position in range(count) if group_of[position] == group]
        for group in dict.fromkeys(group_of)
    ]


def _precedence(group: Sequence[Listing]) -> tuple[object, ...]:
    """Returns a sort key: the group on most venues is compared, of several the newest.

    A group is as new as the newest of its earliest possible dates, which it is known to reach.
    """
    oldest = datetime.min.replace(tzinfo=UTC)
    known = max(listing.earliest or oldest for listing in group)
    latest = max(listing.observed_at for listing in group)
    return (len({listing.venue for listing in group}), known, latest, min(x.key for x in group))


def _doubt(listing: Listing, compared: Sequence[Listing]) -> str:
    """Returns why a listing is not compared with a group."""
    for other in compared:
        if relation(listing, other) is Relation.DIFFERENT and listing.price and other.price:
            prices = (
                f"{listing.price.value:.6g} USD against {other.price.value:.6g} at {other.venue}"
            )
            return f"{Relation.DIFFERENT}: price per coin {prices}"
    apart = {other: days for other in compared if (days := _distance(listing, other)) is not None}
    if not apart:
        return (
            f"{Relation.UNOBSERVED}: no price on a common day, and {_open_date(listing, compared)}"
        )
    nearest = min(apart, key=lambda other: apart[other])
    if apart[nearest] <= DATE_SPAN:
        return f"{Relation.UNOBSERVED}: the name means several assets, and no price tells which"
    is_exact = listing.precision.is_exact and nearest.precision.is_exact
    return (
        f"{Relation.UNOBSERVED}: no price on a common day, and the nearest observation "
        f"({nearest.venue}) {'is' if is_exact else 'may be up to'} {apart[nearest].days} days apart"
    )


def _open_date(listing: Listing, compared: Sequence[Listing]) -> str:
    """Returns in words why no distance between a listing and a group is bounded."""
    if listing.earliest is None:
        return f"the date is only known to be no later than {listing.observed_at:%Y-%m-%d}"
    latest = max(other.observed_at for other in compared)
    return f"the dates of the others are only known to be no later than {latest:%Y-%m-%d}"
