"""One underlying across venues: who is compared, the spread between them, and the index."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, log

from harmonize.comparison import index
from harmonize.comparison import spread as gap
from harmonize.comparison.layout import FIGURES, FunctionRef, PanelLayout, Rule
from harmonize.comparison.peers import _LEAST_VENUES, PeerGroup, exclusion_reason, observation_span
from harmonize.core.open_interest import Interests, OpenInterest
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
from harmonize.numerics.segments import HORIZON, Group, Segments, cells, cut_at_crossings
from harmonize.text.messages import iso_utc

MEDIAN = "median"
"""What an index is called that compares venues with their own median."""

_NARROW = 5


def comparison(found: PeerGroup, stale: Mapping[tuple[str, str, str], bool]) -> Comparison:
    """Write down who stands for whom, and why a schedule does not count."""
    oldest, newest = found.span
    return Comparison(
        underlying=found.underlying,
        oldest=oldest,
        newest=newest,
        members=tuple(
            Member(
                venue=one.instrument.venue,
                symbol=one.instrument.symbol,
                profile=str(one.profile),
                observed_at=iso_utc(one.observed_at),
                stale=stale[one.key],
                origin=one.origin.value,
                included=not exclusion_reason(one),
                exclusion_reason=exclusion_reason(one),
            )
            for one in found.schedules
        ),
    )


@dataclass(frozen=True, slots=True)
class CostTerms:
    """The notionals of points in USD, what capital costs in a year, and open interest as weights."""

    ladder: tuple[float, ...]
    hurdle: float
    interests: Interests = field(default_factory=dict)


def gaps_and_indices(
    all_: Sequence[PeerGroup],
    laid_out: PanelLayout,
    priced: CostTerms,
) -> tuple[tuple[Spread, ...], tuple[Index, ...]]:
    """The spread of every underlying, for IM and for MM, and its harmonization indices.

    Indices are against every reference schedule, and against the venues' own median. Caps are
    conduct rules and models have one rate for all sizes: no index is computed against them, and
    nothing averages one kind with another.
    """
    gaps: list[Spread] = []
    indices: list[Index] = []
    for figure in FIGURES:
        placed = laid_out.own[figure]
        for among in _by_width(_entrants(all_, laid_out, figure, None)):
            groups, found = _cut(among, placed, laid_out)
            gaps += _gaps(among, groups, found, laid_out, priced)
            indices += _indices(among, index.from_median(found, groups), MEDIAN, priced)
        for rule in laid_out.schedules():
            for against in _by_width(_entrants(all_, laid_out, figure, rule)):
                groups, found = _cut(against, placed, laid_out)
                distances = index.from_reference(found, groups)
                indices += _indices(against, distances, rule.applied.rule_set.id, priced)
    return (
        tuple(sorted(gaps, key=lambda one: (one.underlying, one.margin_type))),
        tuple(sorted(indices, key=lambda one: (one.underlying, one.margin_type, one.reference))),
    )


@dataclass(frozen=True, slots=True)
class _Entrant:
    """The schedules of one underlying that count for one figure, and the reference they meet."""

    figure: str
    peer_groups: PeerGroup
    places: tuple[int, ...]
    reference: FunctionRef | None

    def names(self, group_places: Sequence[int]) -> tuple[str, ...]:
        """Name venues by their places in the group."""
        schedules = self.peer_groups.schedules
        return tuple(schedules[self.places[place]].instrument.venue for place in group_places)

    @property
    def venues(self) -> tuple[str, ...]:
        return self.names(range(len(self.places)))

    @property
    def span(self) -> tuple[str, str]:
        return observation_span([self.peer_groups.schedules[place] for place in self.places])


def _entrants(
    all_: Sequence[PeerGroup], laid_out: PanelLayout, figure: str, rule: Rule | None
) -> list[_Entrant]:
    """Who is compared: with a rule set any counted venue, among themselves at least two."""
    found = []
    for one in all_:
        places = one.counted(laid_out.own[figure])
        if rule is None:
            if len(places) >= _LEAST_VENUES:
                found.append(_Entrant(figure, one, places, None))
            continue
        reference = rule.reference(one.underlying, figure)
        if places and reference:
            found.append(_Entrant(figure, one, places, reference))
    return found


def _by_width(entrants: Sequence[_Entrant]) -> list[list[_Entrant]]:
    """Part many-venue underlyings from the others, whose arrays would be mostly empty beside them."""
    narrow = [one for one in entrants if len(one.places) <= _NARROW]
    wide = [one for one in entrants if len(one.places) > _NARROW]
    return [batch for batch in (narrow, wide) if batch]


def _cut(
    entrants: Sequence[_Entrant], placed: Sequence[FunctionRef | None], laid_out: PanelLayout
) -> tuple[list[Group], Segments]:
    """The groups of some entrants, and their cells, cut where margins cross."""
    groups = [_group(one, placed) for one in entrants]
    return groups, cut_at_crossings(cells(laid_out.panel, groups))


def _group(entrant: _Entrant, placed: Sequence[FunctionRef | None]) -> Group:
    """The entrant's functions in the panel, and the reference behind them."""
    own = [placed[entrant.peer_groups.rows[place]] for place in entrant.places]
    known = [one for one in (*own, entrant.reference) if one is not None]
    return Group(tuple(one.function for one in known), tuple(one.limit for one in known))


def _gaps(
    entrants: Sequence[_Entrant],
    groups: Sequence[Group],
    found: Segments,
    laid_out: PanelLayout,
    priced: CostTerms,
) -> list[Spread]:
    return [
        _gap(entrant, stretches, rungs, priced.hurdle)
        for entrant, stretches, rungs in zip(
            entrants,
            gap.stretches(found, len(groups)),
            gap.rungs(laid_out.panel, groups, priced.ladder),
            strict=True,
        )
    ]


def _gap(
    entrant: _Entrant,
    stretches: Sequence[gap.Stretch],
    rungs: Sequence[gap.Rung],
    hurdle: float,
) -> Spread:
    oldest, newest = entrant.span
    shares = gap.alone_shares(stretches, index.LOWER, index.UPPER)
    named = ((entrant.names((place,))[0], share) for place, share in shares.items())
    return Spread(
        underlying=entrant.peer_groups.underlying,
        margin_type=entrant.figure,
        venues=entrant.venues,
        oldest=oldest,
        newest=newest,
        intervals=tuple(
            SpreadInterval(
                lower=one.lower,
                upper=None if one.upper >= HORIZON else one.upper,
                lowest_venues=entrant.names(one.cheapest),
                highest_venues=entrant.names(one.dearest),
                spread_lower=one.spread_lower,
                spread_upper=None if one.upper >= HORIZON else one.spread_upper,
                widest=one.widest,
                widest_notional=one.widest_notional,
            )
            for one in stretches
        ),
        points=tuple(
            SpreadPoint(
                notional=rung.notional,
                venues=rung.count,
                lowest_venues=entrant.names(rung.cheapest),
                lowest=rung.least,
                highest_venues=entrant.names(rung.dearest),
                highest=rung.most,
                spread=rung.most - rung.least,
                highest_leverage=rung.notional / rung.least if rung.least else 0.0,
                lowest_leverage=rung.notional / rung.most if rung.most else 0.0,
                annual_cost=(rung.most - rung.least) * hurdle,
            )
            for rung in rungs
        ),
        shares=tuple(
            LowestMarginShare(venue, share)
            for venue, share in sorted(named, key=lambda one: (-one[1], one[0]))
        ),
    )


def _indices(
    entrants: Sequence[_Entrant],
    distances: Sequence[index.Distance],
    against: str,
    priced: CostTerms,
) -> list[Index]:
    found = []
    for entrant, distance in zip(entrants, distances, strict=True):
        contracts = [entrant.peer_groups.schedules[place].instrument for place in entrant.places]
        known = [
            (VenueDistance(one.venue, far, upper), priced.interests.get((one.venue, one.id)))
            for one, far, upper in zip(contracts, distance.each, distance.uppers, strict=False)
            if isfinite(far)
        ]
        if known:
            found.append(_index(entrant, against, known))
    return found


def _index(
    entrant: _Entrant, against: str, known: Sequence[tuple[VenueDistance, OpenInterest | None]]
) -> Index:
    """Weighted by open interest where every venue that counts has some, else equally."""
    oldest, newest = entrant.span
    venues = tuple(one for one, _ in known)
    far = [one.distance for one in venues]
    held = [float(one.value) for _, one in known if one is not None]
    weights = held if len(held) == len(known) and min(held) > 0.0 else None
    least, most = index.interval(far, weights) or (None, None)
    rest = index.without_one(far, weights) if against != MEDIAN else None
    return Index(
        underlying=entrant.peer_groups.underlying,
        margin_type=entrant.figure,
        reference=against,
        value=index.index_of(far, weights),
        weights="open interest" if weights else "equal",
        lower=index.LOWER,
        upper=index.UPPER,
        venues=venues,
        oldest=oldest,
        newest=newest,
        interval_lower=least,
        interval_upper=most,
        leave_one_out=rest.value if rest else None,
        leave_one_out_venue=venues[rest.place].venue if rest else "",
    )


def summaries(indices: Iterable[Index]) -> tuple[IndexSummary, ...]:
    """The index over all underlyings, and of every venue over those that it counts in."""
    held: dict[tuple[str, str, str], list[float]] = {}
    for one in indices:
        whole = ("", one.margin_type, one.reference)
        held.setdefault(whole, []).append(-log(one.value / 100.0))
        for each in one.venues:
            held.setdefault((each.venue, one.margin_type, one.reference), []).append(each.distance)
    found = []
    for (venue, figure, against), distances in sorted(held.items()):
        least, most = index.interval(distances) or (None, None)
        value = index.index_of(distances)
        found.append(IndexSummary(venue, figure, against, value, len(distances), least, most))
    return tuple(found)
