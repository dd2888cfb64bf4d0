"""Judges whether the schedules under one name are on one asset: a ticker is no identity.

Two schedules are on one asset if both state a price within a day and the prices agree, or if the
table of assets or an unmistakable ticker names the asset of both. Prices that disagree mean two
assets, and no third schedule joins them. Without either, observations close in time are taken for
one asset if they are all close to one another, others are not observed to be one.

Dates that are not exact count with their whole range: observations are close only if they are so at
any dates within it, and never without an earliest date.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from harmonize.comparison.asset_groups import Group, group_listings
from harmonize.comparison.listing import DATE_SPAN, Listing, Relation, price_ratio, relation
from harmonize.comparison.pair_evidence import UNBOUNDED, PairEvidence, microseconds
from harmonize.core.schedule import MarginSchedule

__all__ = [
    "Identity",
    "Listing",
    "Relation",
    "identities",
    "judge",
    "price_ratio",
    "relation",
    "with_identities",
]


@dataclass(frozen=True, slots=True)
class Identity:
    """Listings under one name in groups that are one asset each, as far as it is observed.

    The first group is the one that is compared; ``doubts`` are the reasons against the others.
    """

    groups: tuple[tuple[Listing, ...], ...]
    doubts: Mapping[tuple[str, str], str]


def with_identities(schedules: Sequence[MarginSchedule]) -> tuple[MarginSchedule, ...]:
    """Returns schedules in their order, those outside the compared group with the reason.

    Contracts that do not trade are compared with none: they neither have a doubt nor raise one.
    """
    trading = (schedule for schedule in schedules if not schedule.not_trading)
    doubts = {
        (name, *key): doubt
        for name, identity in identities(trading).items()
        for key, doubt in identity.doubts.items()
    }
    if not doubts:
        return tuple(schedules)
    return tuple(
        replace(schedule, identity_doubt=doubt)
        if (doubt := doubts.get(_key(schedule)))
        else schedule
        for schedule in schedules
    )


def _key(schedule: MarginSchedule) -> tuple[str, str, str]:
    instrument = schedule.instrument
    return (instrument.underlying.asset, instrument.venue, instrument.symbol)


def identities(schedules: Iterable[MarginSchedule]) -> dict[str, Identity]:
    """Returns the judgement per name of an underlying, sorted by name."""
    newest: dict[tuple[str, str, str], MarginSchedule] = {}
    for schedule in schedules:
        known = newest.setdefault(_key(schedule), schedule)
        if schedule.observed_at > known.observed_at:
            newest[_key(schedule)] = schedule
    listings: dict[str, list[Listing]] = {}
    for (name, _, _), schedule in newest.items():
        listings.setdefault(name, []).append(Listing.of(schedule))
    return {name: judge(listings[name]) for name in sorted(listings)}


def judge(listings: Sequence[Listing]) -> Identity:
    """Groups the listings under one name, the group that is compared first."""
    if len({listing.venue for listing in listings}) < 2:  # noqa: PLR2004 - nothing to compare
        return Identity((tuple(listings),), {})
    evidence = PairEvidence.of(listings)
    groups = group_listings(evidence)
    doubts = {
        key: doubt for group in groups[1:] for key, doubt in _doubts(evidence, group, groups[0])
    }
    return Identity(
        tuple(tuple(listings[position] for position in group) for group in groups), doubts
    )


def _doubts(
    evidence: PairEvidence, group: Group, compared: Group
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yields why each listing of a group is not compared with another group."""
    listings, others = evidence.listings, np.array(compared)
    rows = np.array(group)
    differ = evidence.differ[rows[:, None], others]
    apart = evidence.distance[rows[:, None], others]
    contradicted, nearest = differ.argmax(axis=1).tolist(), apart.argmin(axis=1).tolist()
    span = "" if evidence.is_contradicted else _span_text(evidence, (*group, *compared))
    for row, position in enumerate(group):
        listing = listings[position]
        if differ[row, contradicted[row]]:
            doubt = _other_price(listing, listings[compared[contradicted[row]]])
        elif (distance := int(apart[row, nearest[row]])) >= UNBOUNDED:
            latest = max(listings[other].observed_at for other in compared)
            doubt = f"{_NO_COMMON_PRICE}, and {_open_date(listing, latest)}"
        elif distance > microseconds(DATE_SPAN):
            doubt = _far_apart(listing, listings[compared[nearest[row]]], distance)
        elif evidence.is_contradicted:
            doubt = (
                f"{Relation.UNOBSERVED}: the name means several assets, and no price tells which"
            )
        else:
            doubt = f"{_NO_COMMON_PRICE}, and with it the observations {span}"
        yield listing.key, doubt


_NO_COMMON_PRICE = f"{Relation.UNOBSERVED}: no price on a common day"
_DAY = microseconds(timedelta(days=1))


def _other_price(listing: Listing, other: Listing) -> str:
    """Returns in words that the prices of two listings, which both have one, contradict one asset."""
    values = [f"{item.price.value:.6g}" for item in (listing, other) if item.price]
    prices = f"{values[0]} USD against {values[1]} at {other.venue}"
    return f"{Relation.DIFFERENT}: price per coin {prices}"


def _far_apart(listing: Listing, nearest: Listing, distance: int) -> str:
    """Returns in words how far a listing is from the nearest; the distance is in microseconds."""
    is_exact = listing.precision.is_exact and nearest.precision.is_exact
    return (
        f"{_NO_COMMON_PRICE}, and the nearest observation ({nearest.venue}) "
        f"{'is' if is_exact else 'may be up to'} {distance // _DAY} days apart"
    )


def _span_text(evidence: PairEvidence, group: Group) -> str:
    """Returns in words how far the observations of a group are apart."""
    spread = int(evidence.distance[np.ix_(group, group)].max())
    if spread >= UNBOUNDED:
        return "would have no earliest date"
    is_exact = all(evidence.listings[position].precision.is_exact for position in group)
    return f"{'are' if is_exact else 'may be up to'} {spread // _DAY} days apart"


def _open_date(listing: Listing, latest: datetime) -> str:
    """Returns in words why no distance between a listing and others, by their latest date, is bounded."""
    if listing.earliest is None:
        return f"the date is only known to be no later than {listing.observed_at:%Y-%m-%d}"
    return f"the dates of the others are only known to be no later than {latest:%Y-%m-%d}"
