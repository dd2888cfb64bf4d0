"""The judgement of identity pair by pair, as it is defined: the faster one must give the same."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product

from harmonize.comparison.identity import Identity, Listing, Relation, price_ratio, relation
from harmonize.comparison.listing import DATE_SPAN, PRICE_RATIO
from harmonize.core.date_precision import largest_distance

_Group = tuple[Listing, ...]
_Link = Callable[[Listing, Listing], bool]


def judge_by_pairs(listings: Sequence[Listing]) -> Identity:
    """Groups the listings under one name, the group that is compared first."""
    if len({listing.venue for listing in listings}) < 2:
        return Identity((tuple(listings),), {})
    pairs = combinations(listings, 2)
    is_contradicted = any(relation(*pair) is Relation.DIFFERENT for pair in pairs)
    groups = _grouped(listings, is_contradicted=is_contradicted)
    groups.sort(key=_precedence, reverse=True)
    doubts = {
        listing.key: _doubt(listing, group, groups[0], is_contradicted=is_contradicted)
        for group in groups[1:]
        for listing in group
    }
    return Identity(tuple(groups), doubts)


def _distance(first: Listing, second: Listing) -> timedelta | None:
    """Returns the largest possible time between two observations; None if it has no bound."""
    return largest_distance(
        (first.observed_at, first.precision), (second.observed_at, second.precision)
    )


def _grouped(listings: Sequence[Listing], *, is_contradicted: bool) -> list[_Group]:
    """Returns the listings in groups that are one asset each: joined by price, source and date.

    Prices join first, then sources, then close dates. No group holds two listings whose prices
    disagree, so a third listing never bridges them. Close dates join only a name that no price
    contradicts (where one does, the name is known to mean several assets, and a date does not tell
    which), and only if all observations of the joined group are close.
    """
    groups: list[_Group] = [(listing,) for listing in listings]
    groups = _joined(groups, _agree_in_price)
    groups = _joined(groups, _have_sources)
    return groups if is_contradicted else _joined_by_date(groups)


def _agree_in_price(first: Listing, second: Listing) -> bool:
    ratio = price_ratio(first, second)
    return ratio is not None and ratio <= PRICE_RATIO


def _have_sources(first: Listing, second: Listing) -> bool:
    return bool(first.source and second.source)


def _is_consistent(group: _Group) -> bool:
    return all(relation(*pair) is not Relation.DIFFERENT for pair in combinations(group, 2))


def _spread(group: _Group) -> timedelta | None:
    """Returns the largest possible time between two observations of a group; None without a bound."""
    spreads = [_distance(*pair) for pair in combinations(group, 2)]
    known = [spread for spread in spreads if spread is not None]
    return max(known, default=timedelta()) if len(known) == len(spreads) else None


def _joined(groups: Sequence[_Group], is_linked: _Link) -> list[_Group]:
    """Returns groups after all joins of linked groups whose prices do not disagree.

    Where prices of linked groups disagree, the join that gives the group of the highest precedence
    comes first, so that the order of the listings decides nothing.
    """
    result: list[_Group] = []
    for component in _components(groups, is_linked):
        whole = tuple(listing for group in component for listing in group)
        if len(component) == 1 or _is_consistent(whole):
            result.append(whole)
        else:
            result += _best_joins(component, is_linked)
    return result


def _best_joins(groups: Sequence[_Group], is_linked: _Link) -> list[_Group]:
    result = list(groups)
    joins = {pair: pair[0] + pair[1] for pair in combinations(result, 2)}
    while True:
        joins = {
            pair: group
            for pair, group in joins.items()
            if any(is_linked(*listings) for listings in product(*pair)) and _is_consistent(group)
        }
        if not joins:
            return result
        parts, best = max(joins.items(), key=lambda join: _precedence(join[1]))
        result = [group for group in result if group not in parts]
        joins = {pair: group for pair, group in joins.items() if not set(pair) & set(parts)}
        joins |= {(group, best): group + best for group in result}
        result.append(best)


def _joined_by_date(groups: Sequence[_Group]) -> list[_Group]:
    """Returns groups, those joined whose observations are all close at any dates they may have.

    The joined group of the highest precedence comes first, then the one of what it leaves.
    """
    rest = list(groups)
    result = []
    while rest:
        parts = max(
            (_close_from(first, rest) for first in rest),
            key=lambda parts: _precedence(tuple(chain.from_iterable(parts))),
        )
        result.append(tuple(chain.from_iterable(parts)))
        rest = [group for group in rest if group not in parts]
    return result


def _close_from(first: _Group, groups: Sequence[_Group]) -> list[_Group]:
    """Returns the largest set of close groups of which a group has the earliest possible date.

    All dates of the others lie between that date and ``DATE_SPAN`` later, so they are close to one
    another.
    """
    start = _earliest(first)
    spread = _spread(first)
    if start is None or spread is None or spread > DATE_SPAN:
        return [first]
    return [first] + [
        group
        for group in groups
        if group is not first
        and (earliest := _earliest(group)) is not None
        and earliest >= start
        and _latest(group) <= start + DATE_SPAN
        and _latest(first) <= earliest + DATE_SPAN
    ]


def _earliest(group: _Group) -> datetime | None:
    """Returns the earliest possible date of a group; None without a bound."""
    dates = [listing.earliest for listing in group]
    known = [date for date in dates if date is not None]
    return min(known) if len(known) == len(dates) else None


def _latest(group: _Group) -> datetime:
    return max(listing.observed_at for listing in group)


def _components(groups: Sequence[_Group], is_linked: _Link) -> list[list[_Group]]:
    """Returns groups by the chains of links that connect them."""
    components: list[list[_Group]] = []
    for group in groups:
        connected = [
            component
            for component in components
            if any(is_linked(*pair) for other in component for pair in product(other, group))
        ]
        components = [component for component in components if component not in connected]
        components.append([*chain.from_iterable(connected), group])
    return components


def _precedence(group: _Group) -> tuple[object, ...]:
    """Returns a sort key: the group on most venues is compared, of several the newest.

    A group is as new as the newest of its earliest possible dates, which it is known to reach. Names
    decide between groups that are otherwise equal.
    """
    oldest = datetime.min.replace(tzinfo=UTC)
    known = max(listing.earliest or oldest for listing in group)
    return (len({x.venue for x in group}), known, _latest(group), sorted(x.key for x in group))


def _doubt(listing: Listing, group: _Group, compared: _Group, *, is_contradicted: bool) -> str:
    """Returns why a listing of a group is not compared with another group."""
    for other in compared:
        if relation(listing, other) is Relation.DIFFERENT and listing.price and other.price:
            prices = (
                f"{listing.price.value:.6g} USD against {other.price.value:.6g} at {other.venue}"
            )
            return f"{Relation.DIFFERENT}: price per coin {prices}"
    apart = {other: days for other in compared if (days := _distance(listing, other)) is not None}
    if not apart:
        return f"{_NO_COMMON_PRICE}, and {_open_date(listing, compared)}"
    nearest = min(apart, key=lambda other: apart[other])
    if apart[nearest] > DATE_SPAN:
        is_exact = listing.precision.is_exact and nearest.precision.is_exact
        return (
            f"{_NO_COMMON_PRICE}, and the nearest observation ({nearest.venue}) "
            f"{'is' if is_exact else 'may be up to'} {apart[nearest].days} days apart"
        )
    if is_contradicted:
        return f"{Relation.UNOBSERVED}: the name means several assets, and no price tells which"
    return f"{_NO_COMMON_PRICE}, and with it the observations {_span_text((*group, *compared))}"


_NO_COMMON_PRICE = f"{Relation.UNOBSERVED}: no price on a common day"


def _span_text(group: _Group) -> str:
    """Returns in words how far the observations of a group are apart."""
    spread = _spread(group)
    if spread is None:
        return "would have no earliest date"
    is_exact = all(listing.precision.is_exact for listing in group)
    return f"{'are' if is_exact else 'may be up to'} {spread.days} days apart"


def _open_date(listing: Listing, compared: _Group) -> str:
    """Returns in words why no distance between a listing and a group is bounded."""
    if listing.earliest is None:
        return f"the date is only known to be no later than {listing.observed_at:%Y-%m-%d}"
    latest = _latest(compared)
    return f"the dates of the others are only known to be no later than {latest:%Y-%m-%d}"
