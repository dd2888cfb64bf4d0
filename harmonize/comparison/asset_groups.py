"""Groups the listings under one name that are on one asset: joined by price, source and date."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, combinations
from operator import or_

import numpy as np
from numpy.typing import NDArray

from harmonize.comparison.listing import DATE_SPAN
from harmonize.comparison.pair_evidence import NEVER, Flags, PairEvidence, Times, microseconds

Group = tuple[int, ...]
"""Positions of listings that are on one asset."""

_Bits = Sequence[int]
"""Per listing, the listings that it is linked with or contradicts, as bits of a number."""

_Precedence = tuple[int, int, int, list[tuple[str, str]]]


def group_listings(evidence: PairEvidence) -> list[Group]:
    """Returns the listings in groups that are one asset each, the group that is compared first.

    Prices join first, then sources, then close dates. No group holds two listings whose prices
    disagree, so a third listing never bridges them. Close dates join only a name that no price
    contradicts (where one does, the name is known to mean several assets, and a date does not tell
    which), and only if all observations of the joined group are close.
    """
    differ = _bits(evidence.differ)
    sourced = np.array([listing.source != "" for listing in evidence.listings])
    groups: list[Group] = [(position,) for position in range(len(evidence.listings))]
    for linked in (evidence.agree, sourced & sourced[:, None]):
        groups = _Joining(evidence, _bits(linked), differ).joined(groups)
    if not evidence.is_contradicted:
        groups = _joined_by_date(evidence, groups)
    return sorted(groups, key=lambda group: precedence(evidence, group), reverse=True)


def precedence(evidence: PairEvidence, group: Group) -> _Precedence:
    """Returns a sort key: the group on most venues is compared, of several the newest.

    A group is as new as the newest of its earliest possible dates, which it is known to reach. Names
    decide between groups that are otherwise equal.
    """
    members = [evidence.listings[position] for position in group]
    rows = list(group)
    return (
        len({member.venue for member in members}),
        int(evidence.earliest[rows].max()),
        int(evidence.latest[rows].max()),
        sorted(member.key for member in members),
    )


def _bits(flags: Flags) -> list[int]:
    packed = np.packbits(flags, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def _union(bits: _Bits, group: Group) -> int:
    return reduce(or_, (bits[position] for position in group), 0)


def _members(group: Group) -> int:
    return reduce(or_, (1 << position for position in group), 0)


@dataclass(frozen=True, slots=True)
class _Joining:
    """One kind of evidence that links listings, and the contradictions that no join may contain."""

    evidence: PairEvidence
    linked: _Bits
    differ: _Bits

    def joined(self, groups: Sequence[Group]) -> list[Group]:
        """Returns groups after all joins of linked groups whose prices do not disagree.

        Where prices of linked groups disagree, the join that gives the group of the highest
        precedence comes first, so that the order of the listings decides nothing.
        """
        if not any(self.linked):
            return list(groups)
        result: list[Group] = []
        for component in self._components(groups):
            whole = tuple(chain.from_iterable(component))
            if len(component) == 1 or not _union(self.differ, whole) & _members(whole):
                result.append(whole)
            else:
                result += self._best_joins(component)
        return result

    def _components(self, groups: Sequence[Group]) -> list[list[Group]]:
        """Returns groups by the chains of links that connect them."""
        components: list[tuple[int, list[Group]]] = []  # with all listings that one is linked with
        for group in groups:
            members, links = _members(group), _union(self.linked, group)
            connected = [component for component in components if component[0] & members]
            components = [component for component in components if not component[0] & members]
            links = reduce(or_, (linked for linked, _ in connected), links)
            parts = [*chain.from_iterable(component for _, component in connected), group]
            components.append((links, parts))
        return [parts for _, parts in components]

    def _best_joins(self, groups: Sequence[Group]) -> list[Group]:
        result = list(groups)
        joins = self._joins(list(combinations(result, 2)))
        while joins:
            parts, _ = max(joins.items(), key=lambda join: join[1])
            best = parts[0] + parts[1]
            result = [group for group in result if group not in parts]
            joins = {pair: rank for pair, rank in joins.items() if not set(pair) & set(parts)}
            joins |= self._joins([(group, best) for group in result])
            result.append(best)
        return result

    def _joins(
        self, pairs: Sequence[tuple[Group, Group]]
    ) -> dict[tuple[Group, Group], _Precedence]:
        """Returns the precedence of the joins of linked pairs whose prices do not disagree."""
        return {
            (first, second): precedence(self.evidence, first + second)
            for first, second in pairs
            if _union(self.linked, first) & _members(second)
            and not _union(self.differ, first) & _members(second)
        }


@dataclass(frozen=True, slots=True)
class _DatedGroups:
    """Groups with the bounds of their dates, and those close to each.

    ``close[k]`` are the groups whose dates all lie between the earliest of group k and
    ``DATE_SPAN`` later, at any dates they may have, so that they are close to one another. ``on`` is 1
    where a group has a listing on a venue. ``known`` is the newest earliest date of a group.
    """

    close: Flags
    on: NDArray[np.intp]
    known: Times
    latest: Times

    @classmethod
    def of(cls, evidence: PairEvidence, groups: Sequence[Group]) -> "_DatedGroups":
        span = microseconds(DATE_SPAN)
        flat = np.array(list(chain.from_iterable(groups)), np.intp)
        sizes = np.array([len(group) for group in groups])
        begins = np.cumsum(sizes) - sizes
        latest = np.maximum.reduceat(evidence.latest[flat], begins)
        earliest = np.minimum.reduceat(evidence.earliest[flat], begins)
        known = np.maximum.reduceat(evidence.earliest[flat], begins)
        spread = np.zeros_like(latest)
        for number in np.flatnonzero(sizes > 1).tolist():
            spread[number] = evidence.distance[np.ix_(groups[number], groups[number])].max()
        is_dated = earliest > NEVER
        close = (
            (is_dated & (spread <= span))[:, None]
            & is_dated
            & (earliest >= earliest[:, None])
            & (latest <= (earliest + span)[:, None])
            & (latest[:, None] <= earliest + span)
        )
        np.fill_diagonal(close, val=True)
        numbers: dict[str, int] = {}
        venues = [numbers.setdefault(x.venue, len(numbers)) for x in evidence.listings]
        on = np.zeros((len(groups), len(numbers)), np.intp)
        on[np.repeat(np.arange(len(groups)), sizes), np.array(venues)[flat]] = 1
        return cls(close, on, known, latest)


def _joined_by_date(evidence: PairEvidence, groups: Sequence[Group]) -> list[Group]:
    """Returns groups, those joined whose observations are all close at any dates they may have.

    The join of the highest precedence comes first. The groups outside it are joined likewise.
    """
    if len(groups) == 1:
        return list(groups)
    dated = _DatedGroups.of(evidence, groups)
    is_left = np.ones(len(groups), np.bool_)
    result = []
    while is_left.any():
        joined = _best_by_date(evidence, groups, dated, np.flatnonzero(is_left))
        result.append(tuple(chain.from_iterable(groups[number] for number in joined)))
        is_left[joined] = False
    return result


def _best_by_date(
    evidence: PairEvidence, groups: Sequence[Group], dated: _DatedGroups, rest: NDArray[np.intp]
) -> list[int]:
    """Returns the groups of the best join: the group of the earliest date, then the others."""
    close = dated.close[np.ix_(rest, rest)]
    venues = ((close @ dated.on[rest]) > 0).sum(axis=1)
    known = np.where(close, dated.known[rest], NEVER).max(axis=1)
    latest = np.where(close, dated.latest[rest], NEVER).max(axis=1)
    best = venues == venues.max()
    best &= known == known[best].max()
    best &= latest == latest[best].max()
    firsts: dict[bytes, int] = {}
    for row in np.flatnonzero(best).tolist():
        firsts.setdefault(close[row].tobytes(), row)
    candidates: list[list[int]] = []
    for row in firsts.values():
        others = np.flatnonzero(close[row])
        candidates.append(rest[[row, *others[others != row]]].tolist())
    if len(candidates) == 1:
        return candidates[0]
    return max(
        candidates,
        key=lambda joined: sorted(
            evidence.listings[position].key for number in joined for position in groups[number]
        ),
    )
