"""Cross-venue comparison per underlying: members, spreads and harmonization indices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from harmonize.comparison import index, spread
from harmonize.comparison.layout import MARGIN_TYPES, FunctionRef, PanelLayout, RuleSetLayout
from harmonize.comparison.peers import MIN_VENUES, PeerGroup, exclusion_reason, observation_span
from harmonize.core.open_interest import OpenInterest, OpenInterestByContract
from harmonize.document import (
    Comparison,
    Index,
    IndexSummary,
    LowestMarginShare,
    Member,
    Spread,
    SpreadInterval,
    SpreadPoint,
    VenueDistance,
)
from harmonize.numerics.elementary import logarithm
from harmonize.numerics.rounding import rounded, rounded_or_none
from harmonize.numerics.segments import HORIZON, Group, Segments, cells, cut_at_crossings
from harmonize.text.messages import iso_utc

MEDIAN = "median"
"""Reference name of an index that compares venues with their own median."""

MIN_INDEX_VENUES = 3
"""Smallest number of venues of an index: the distance of one or two says nothing of a market."""

_ELEMENTS = 1 << 17  # cells times functions of one batch, so that its memory is bounded


def build_comparison(peers: PeerGroup, stale: Mapping[tuple[str, str, str], bool]) -> Comparison:
    """Returns the members of a peer group, with the reason for each exclusion.

    ``stale`` is by schedule key.
    """
    oldest, newest = peers.span
    return Comparison(
        underlying=peers.underlying,
        oldest=oldest,
        newest=newest,
        members=tuple(
            Member(
                venue=schedule.instrument.venue,
                symbol=schedule.instrument.symbol,
                profile=str(schedule.profile),
                observed_at=iso_utc(schedule.observed_at),
                observed_from=schedule.precision.earliest_text(schedule.observed_at),
                date_kind=schedule.precision.kind.value,
                stale=stale[schedule.key],
                origin=schedule.origin.value,
                included=not exclusion_reason(schedule),
                exclusion_reason=exclusion_reason(schedule),
                counted_with=schedule.counted_with,
            )
            for schedule in peers.schedules
        ),
    )


@dataclass(frozen=True, slots=True)
class CostTerms:
    """Notional grid in USD, cost of capital per year, and open interest that weights indices."""

    notional_grid: tuple[float, ...]
    cost_of_capital: float
    open_interest: OpenInterestByContract = field(default_factory=dict)


def spreads_and_indices(
    peer_groups: Sequence[PeerGroup],
    layout: PanelLayout,
    terms: CostTerms,
) -> tuple[tuple[Spread, ...], tuple[Index, ...]]:
    """Returns the spread and the harmonization indices of every underlying, for IM and for MM.

    Indices compare with every reference schedule, and with the venues' own median, from three
    venues upward. Caps are conduct
    rules, and models have one rate for all sizes: neither has an index. Rule sets of different
    kinds are never averaged.
    """
    spreads: list[Spread] = []
    indices: list[Index] = []
    for margin_type in MARGIN_TYPES:
        own = layout.own[margin_type]
        for batch in _batches(_entrants(peer_groups, layout, margin_type, None), own, layout):
            groups, segments = _segments(batch, own, layout)
            spreads += _spreads(batch, groups, segments, layout, terms)
            indices += _indices(batch, index.from_median(segments, groups), MEDIAN, terms)
        for rule in layout.schedules():
            for batch in _batches(_entrants(peer_groups, layout, margin_type, rule), own, layout):
                groups, segments = _segments(batch, own, layout)
                distances = index.from_reference(segments, groups)
                indices += _indices(batch, distances, rule.applied.rule_set.id, terms)
    return (
        tuple(sorted(spreads, key=lambda row: (row.underlying, row.margin_type))),
        tuple(sorted(indices, key=lambda row: (row.underlying, row.margin_type, row.reference))),
    )


@dataclass(frozen=True, slots=True)
class _Entrant:
    """Included schedules of one underlying for one margin type, and their reference, if any.

    ``positions`` are those of the included schedules in the peer group.
    """

    margin_type: str
    peers: PeerGroup
    positions: tuple[int, ...]
    reference: FunctionRef | None

    @property
    def venues(self) -> tuple[str, ...]:
        schedules = self.peers.schedules
        return tuple(schedules[position].instrument.venue for position in self.positions)

    @property
    def span(self) -> tuple[str, str]:
        return observation_span([self.peers.schedules[position] for position in self.positions])


def _entrants(
    peer_groups: Sequence[PeerGroup],
    layout: PanelLayout,
    margin_type: str,
    rule: RuleSetLayout | None,
) -> list[_Entrant]:
    """Returns what can be compared: at least one venue with a reference, otherwise two."""
    entrants = []
    for peers in peer_groups:
        positions = peers.included_positions(layout.own[margin_type])
        if rule is None:
            if len(positions) >= MIN_VENUES:
                entrants.append(_Entrant(margin_type, peers, positions, None))
            continue
        reference = rule.reference(peers.underlying, margin_type)
        if positions and reference:
            entrants.append(_Entrant(margin_type, peers, positions, reference))
    return entrants


def _batches(
    entrants: Sequence[_Entrant], own: Sequence[FunctionRef | None], layout: PanelLayout
) -> Iterator[list[_Entrant]]:
    """Yields underlyings together whose arrays are of bounded size, by venue count.

    Arrays are as wide as the widest entrant of a batch, and have a row per bound of its functions.
    """
    batch: list[_Entrant] = []
    bounds = 0
    for entrant in sorted(entrants, key=lambda entrant: len(entrant.positions)):
        width = len(entrant.positions) + 1
        refs = filter(None, (own[entrant.peers.rows[position]] for position in entrant.positions))
        count = sum(layout.first[ref.function + 1] - layout.first[ref.function] for ref in refs)
        if batch and (bounds + count) * width > _ELEMENTS:
            yield batch
            batch, bounds = [], 0
        batch.append(entrant)
        bounds += count
    if batch:
        yield batch


def _segments(
    entrants: Sequence[_Entrant], own: Sequence[FunctionRef | None], layout: PanelLayout
) -> tuple[list[Group], Segments]:
    """Returns one group per entrant, and the groups' segments, cut where margins cross."""
    groups = [_group(entrant, own) for entrant in entrants]
    return groups, cut_at_crossings(cells(layout.panel, groups))


def _group(entrant: _Entrant, own: Sequence[FunctionRef | None]) -> Group:
    """Returns the entrant's functions, followed by the reference."""
    members = [own[entrant.peers.rows[position]] for position in entrant.positions]
    functions = [member for member in (*members, entrant.reference) if member is not None]
    return Group(
        tuple(member.function for member in functions), tuple(member.limit for member in functions)
    )


def _spreads(
    entrants: Sequence[_Entrant],
    groups: Sequence[Group],
    segments: Segments,
    layout: PanelLayout,
    terms: CostTerms,
) -> list[Spread]:
    return [
        _spread(entrant, intervals, points, terms.cost_of_capital)
        for entrant, intervals, points in zip(
            entrants,
            spread.interval_spreads(segments, len(groups)),
            spread.point_spreads(layout.panel, groups, terms.notional_grid),
            strict=True,
        )
    ]


def _spread(
    entrant: _Entrant,
    intervals: Sequence[spread.IntervalSpread],
    points: Sequence[spread.PointSpread],
    cost_of_capital: float,
) -> Spread:
    oldest, newest = entrant.span
    names = _Names(entrant.venues)
    shares = spread.sole_lowest_shares(intervals, index.LOWER, index.UPPER)
    venue_shares = [(names.venues[place], share) for place, share in shares.items()]
    return Spread(
        underlying=entrant.peers.underlying,
        margin_type=entrant.margin_type,
        venues=names.venues,
        oldest=oldest,
        newest=newest,
        intervals=tuple(_spread_interval(names, interval) for interval in intervals),
        points=tuple(_spread_point(names, point, cost_of_capital) for point in points),
        shares=tuple(
            LowestMarginShare(venue, rounded(share))
            for venue, share in sorted(venue_shares, key=lambda pair: (-pair[1], pair[0]))
        ),
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """Venues of the included schedules; intervals with the same venues share one tuple of names."""

    venues: tuple[str, ...]
    by_positions: dict[tuple[int, ...], tuple[str, ...]] = field(default_factory=dict)

    def at(self, positions: tuple[int, ...]) -> tuple[str, ...]:
        """Returns the venues at some positions among the included schedules."""
        names = self.by_positions.get(positions)
        if names is None:
            names = tuple(self.venues[position] for position in positions)
            self.by_positions[positions] = names
        return names


def _spread_interval(names: _Names, interval: spread.IntervalSpread) -> SpreadInterval:
    is_open_ended = interval.upper >= HORIZON
    return SpreadInterval(
        lower=rounded(interval.lower),
        upper=None if is_open_ended else rounded(interval.upper),
        lowest_venues=names.at(interval.lowest),
        highest_venues=names.at(interval.highest),
        spread_lower=rounded(interval.spread_lower),
        spread_upper=None if is_open_ended else rounded(interval.spread_upper),
        widest=rounded(interval.widest),
        widest_notional=rounded(interval.widest_notional),
    )


def _spread_point(names: _Names, point: spread.PointSpread, cost_of_capital: float) -> SpreadPoint:
    least, most = rounded(point.lowest_margin), rounded(point.highest_margin)
    return SpreadPoint(
        notional=point.notional,
        venues=point.count,
        lowest_venues=names.at(point.lowest),
        lowest=least,
        highest_venues=names.at(point.highest),
        highest=most,
        spread=rounded(most - least),
        highest_leverage=rounded(point.notional / least) if least else 0.0,
        lowest_leverage=rounded(point.notional / most) if most else 0.0,
        annual_cost=rounded((most - least) * cost_of_capital),
    )


def _indices(
    entrants: Sequence[_Entrant],
    distances: Sequence[index.Distance],
    reference: str,
    terms: CostTerms,
) -> list[Index]:
    indices = []
    for entrant, distance in zip(entrants, distances, strict=True):
        contracts = [entrant.peers.schedules[position].instrument for position in entrant.positions]
        venues = [
            (
                VenueDistance(contract.venue, rounded(value), upper),
                terms.open_interest.get((contract.venue, contract.id)),
            )
            for contract, value, upper in zip(
                contracts, distance.values, distance.uppers, strict=False
            )
            if isfinite(value)
        ]
        if len(venues) >= MIN_INDEX_VENUES:
            indices.append(_index(entrant, reference, venues))
    return indices


def _index(
    entrant: _Entrant,
    reference: str,
    venues_with_interest: Sequence[tuple[VenueDistance, OpenInterest | None]],
) -> Index:
    """Returns an index, weighted by open interest if every venue has some, otherwise equally."""
    oldest, newest = entrant.span
    venues = tuple(venue for venue, _ in venues_with_interest)
    distances = [venue.distance for venue in venues]
    interests = [
        float(interest.value) for _, interest in venues_with_interest if interest is not None
    ]
    is_weighted = len(interests) == len(venues) and min(interests) > 0.0
    weights = interests if is_weighted else None
    lower, upper = index.interval(distances, weights) or (None, None)
    left_out = index.leave_one_out(distances, weights) if reference != MEDIAN else None
    return Index(
        underlying=entrant.peers.underlying,
        margin_type=entrant.margin_type,
        reference=reference,
        value=rounded(index.index_of(distances, weights)),
        weights="open interest" if weights else "equal",
        lower=index.LOWER,
        upper=index.UPPER,
        venues=venues,
        oldest=oldest,
        newest=newest,
        interval_lower=rounded_or_none(lower),
        interval_upper=rounded_or_none(upper),
        leave_one_out=rounded(left_out.value) if left_out else None,
        leave_one_out_venue=venues[left_out.position].venue if left_out else "",
    )


def index_summaries(indices: Iterable[Index]) -> tuple[IndexSummary, ...]:
    """Returns indices over all underlyings, in total (empty venue) and per venue."""
    distances_by_key: dict[tuple[str, str, str], list[float]] = {}
    for row in indices:
        total = ("", row.margin_type, row.reference)
        distances_by_key.setdefault(total, []).append(-logarithm(row.value / 100.0))
        for venue in row.venues:
            key = (venue.venue, row.margin_type, row.reference)
            distances_by_key.setdefault(key, []).append(venue.distance)
    rows = []
    for (name, margin_type, reference), distances in sorted(distances_by_key.items()):
        bounds = index.interval(distances) or (None, None)
        lower, upper = map(rounded_or_none, bounds)
        value = rounded(index.index_of(distances))
        rows.append(IndexSummary(name, margin_type, reference, value, len(distances), lower, upper))
    return tuple(rows)
