"""Ranking of the venues on one underlying by their margin at one notional, lowest margin first.

A venue is represented by the schedule that every other comparison uses. Verdicts are those of the
rule sets at this notional alone, on the ranges that the exact comparison over all sizes finds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from harmonize.comparison.applicability import Jurisdictions
from harmonize.comparison.layout import FunctionRef, PanelLayout, RuleSetLayout
from harmonize.comparison.margin_sources import MarginSource
from harmonize.comparison.offers import end_reason, no_margin_reason
from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.universe import Universe
from harmonize.comparison.verdicts import evaluate
from harmonize.core.schedule import Derived, MarginSchedule, Unknown, value_of
from harmonize.document import DivergenceRow, Interval, Verdict
from harmonize.document.history import MarginSince
from harmonize.document.ranks import ranks_of
from harmonize.document.rows import age_days, is_stale
from harmonize.numerics.offer import margin_of_pieces
from harmonize.numerics.rounding import rounded
from harmonize.text.messages import iso_utc
from harmonize.text.words import margin_abbreviation


@dataclass(frozen=True, slots=True)
class RankingTerms:
    """Position and date of a ranking: notional in USD, margin type, time that ages count from."""

    notional: float
    margin_type: str
    as_of: datetime
    stale_after_days: float = 30.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Verdict of one rule set on one margin at one notional.

    ``required`` is the margin of the rule set in USD, ``deviation`` margin / required − 1; None if
    the rule set has no margin there, for the ``reason``. ``verified`` is the verification of the
    required margin: that of its measured inputs, or of the rule set's source if none were measured.
    ``tolerance_below`` is the share below the required margin down to which a margin complies.
    """

    rule_set: str
    verdict: Verdict
    required: float | None = None
    deviation: float | None = None
    reason: str = ""
    verified: str = ""
    tolerance_below: float | None = None


@dataclass(frozen=True, slots=True)
class RankedVenue:
    """Margin of a venue at the notional, in USD, its rate and leverage, and how it is known.

    ``sources`` are the published numbers of the tier that contains the notional.
    ``status`` is known or derived. ``age_days`` counts from the earliest possible time; None
    without one. ``capacity`` is the largest position in USD; None if it is not observed.
    """

    rank: int
    venue: str
    symbol: str
    profile: str
    margin: float
    rate: float
    leverage: float | None
    status: str
    capacity: float | None
    observed_at: str
    observed_from: str
    date_kind: str
    age_days: float | None
    stale: bool
    standings: tuple[Standing, ...]
    since: MarginSince | None = None
    sources: tuple[MarginSource, ...] = ()


@dataclass(frozen=True, slots=True)
class UnrankedVenue:
    """Venue without a rank, and why. ``margin`` is its margin in USD if one is published.

    If ``is_lower_bound`` is True, the venue requires at least that margin. ``sources`` are the
    published numbers of a margin that is stated.
    """

    venue: str
    symbol: str
    profile: str
    reason: str
    margin: float | None = None
    observed_at: str = ""
    observed_from: str = ""
    date_kind: str = "exact"
    is_lower_bound: bool = False
    sources: tuple[MarginSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranked venues, lowest margin first, and the venues without a rank, by name."""

    venues: tuple[RankedVenue, ...]
    unranked: tuple[UnrankedVenue, ...]


def rank_venues(
    universe: Universe, underlying: str, terms: RankingTerms, jurisdictions: Jurisdictions
) -> Ranking:
    """Ranks the venues on an underlying of the universe; one without schedules has no venues."""
    positions = {schedule.key: row for row, schedule in enumerate(universe.schedules)}
    rows = _rows_by_key(universe, terms, jurisdictions)
    ranked: list[RankedVenue] = []
    unranked: list[UnrankedVenue] = []
    for schedule in universe.chosen.get(underlying, {}).values():
        row = positions[schedule.key]
        margin = _margin(universe.layout.own, universe.layout, row, terms)
        reason = _unranked_reason(universe.layout, row, schedule, terms)
        if reason or margin is None:
            published = _margin(universe.layout.published, universe.layout, row, terms)
            unranked.append(_unranked(schedule, reason, published, is_lower_bound=margin is None))
            continue
        standings = tuple(
            _standing(
                rule,
                universe.layout,
                (schedule, margin, rows.get((*schedule.key, rule.applied.rule_set.id))),
                terms,
            )
            for rule in universe.layout.rules
        )
        ranked.append(_ranked(schedule, margin, standings, terms))
    return Ranking(with_ranks(ranked), tuple(sorted(unranked, key=lambda venue: venue.venue)))


def with_ranks(venues: Sequence[RankedVenue]) -> tuple[RankedVenue, ...]:
    """Returns venues by margin with their ranks from 1; equal margins share a rank."""
    ordered = sorted(venues, key=lambda venue: (venue.margin, venue.venue))
    ranks = ranks_of([venue.margin for venue in ordered])
    return tuple(replace(venue, rank=rank) for venue, rank in zip(ordered, ranks, strict=True))


def _rows_by_key(
    universe: Universe, terms: RankingTerms, jurisdictions: Jurisdictions
) -> dict[tuple[str, str, str, str], DivergenceRow]:
    """Returns the rows of one margin type by venue, symbol, profile and rule set."""
    return {
        (row.venue, row.symbol, row.profile, row.rule_set): row
        for row in evaluate(universe.schedules, universe.layout, (), jurisdictions)
        if row.margin_type == terms.margin_type
    }


def _margin(
    functions: Mapping[str, Sequence[FunctionRef | None]],
    layout: PanelLayout,
    row: int,
    terms: RankingTerms,
) -> float | None:
    """Returns the margin in USD; None if it is unknown, or the position above what is known."""
    function = functions[terms.margin_type][row]
    if function is None or terms.notional > function.limit:
        return None
    margin = margin_of_pieces(layout.pieces(function.function), terms.notional)
    return None if margin is None else rounded(margin)


def _unranked_reason(
    layout: PanelLayout, row: int, schedule: MarginSchedule, terms: RankingTerms
) -> str:
    """Returns why a schedule has no rank; empty if it has one."""
    if reason := exclusion_reason(schedule):
        return reason
    function = schedule.initial if terms.margin_type == "initial" else schedule.maintenance
    if isinstance(function, Unknown):
        return function.reason
    own = layout.own[terms.margin_type][row]
    if own is None:
        return no_margin_reason(schedule, margin_abbreviation(terms.margin_type))
    return "" if terms.notional <= own.limit else end_reason(schedule, own.limit)


def _ranked(
    schedule: MarginSchedule, margin: float, standings: tuple[Standing, ...], terms: RankingTerms
) -> RankedVenue:
    function = schedule.initial if terms.margin_type == "initial" else schedule.maintenance
    observed_at, precision = schedule.observed_at, schedule.precision
    capacity, earliest = value_of(schedule.capacity), precision.older_end(observed_at)
    return RankedVenue(
        rank=0,
        venue=schedule.instrument.venue,
        symbol=schedule.instrument.symbol,
        profile=str(schedule.profile),
        margin=margin,
        rate=rounded(margin / terms.notional),
        leverage=rounded(terms.notional / margin) if margin > 0.0 else None,
        status="derived" if isinstance(function, Derived) else "known",
        capacity=None if capacity is None else float(capacity),
        observed_at=iso_utc(observed_at),
        observed_from=precision.earliest_text(observed_at),
        date_kind=precision.kind.value,
        age_days=None if earliest is None else age_days(earliest, terms.as_of),
        stale=is_stale(observed_at, precision, terms.as_of, terms.stale_after_days),
        standings=standings,
    )


def _unranked(
    schedule: MarginSchedule, reason: str, margin: float | None, *, is_lower_bound: bool
) -> UnrankedVenue:
    return UnrankedVenue(
        *schedule.key,
        reason or "margin not observed",
        margin,
        iso_utc(schedule.observed_at),
        schedule.precision.earliest_text(schedule.observed_at),
        schedule.precision.kind.value,
        is_lower_bound and margin is not None,
    )


def _standing(
    rule: RuleSetLayout,
    layout: PanelLayout,
    own: tuple[MarginSchedule, float, DivergenceRow | None],
    terms: RankingTerms,
) -> Standing:
    """Returns the verdict of a rule set at the notional.

    ``own`` are the schedule, its margin there, and its row under the rule set.
    """
    rule_set = rule.applied.rule_set
    schedule, margin, row = own
    asset = schedule.instrument.underlying.asset
    if row is None:
        return Standing(rule_set.id, *_without_row(rule, schedule, terms.margin_type))
    if row.lowest is None:
        return Standing(rule_set.id, row.verdict, reason=row.reason)
    if not float(rule_set.scope.above) < terms.notional <= rule.up_to:
        reason = "the rule set covers positions of other sizes"
        return Standing(rule_set.id, Verdict.NOT_APPLICABLE, reason=reason)
    required = _required(rule, layout, schedule, terms)
    if required is None:
        reason = "the rule set has no margin at this size"
        return Standing(rule_set.id, Verdict.NOT_OBSERVABLE, reason=reason)
    return Standing(
        rule_set.id,
        _verdict(row, terms.notional),
        rounded(required),
        rounded(margin / required - 1.0) if required else None,
        "" if row.verdict is Verdict.NOT_OBSERVABLE else row.reason,
        rule.verification(asset, terms.margin_type),
        rounded(rule.tolerance_below(asset, required / terms.notional)),
    )


def _without_row(
    rule: RuleSetLayout, schedule: MarginSchedule, margin_type: str
) -> tuple[Verdict, None, None, str]:
    """Returns verdict and reason of a rule set that states nothing on a schedule."""
    scope, instrument = rule.applied.rule_set.scope, schedule.instrument
    asset = instrument.underlying.asset
    if scope.underlyings and asset not in scope.underlyings:
        return Verdict.NOT_APPLICABLE, None, None, f"the rule set does not cover {asset}"
    if scope.venues and instrument.venue not in scope.venues:
        reason = f"the rule set does not cover {instrument.venue}"
        return Verdict.NOT_APPLICABLE, None, None, reason
    if margin_type in rule.margin_types:
        return Verdict.NOT_OBSERVABLE, None, None, f"no measured inputs of the model on {asset}"
    return Verdict.NOT_APPLICABLE, None, None, f"the rule set sets no {margin_type} margin"


def _required(
    rule: RuleSetLayout, layout: PanelLayout, schedule: MarginSchedule, terms: RankingTerms
) -> float | None:
    rule_set, asset = rule.applied.rule_set, schedule.instrument.underlying.asset
    is_other = terms.margin_type == "maintenance" and schedule.meaning is not rule_set.meaning
    reference = rule.reference(asset, terms.margin_type, schedule.meaning if is_other else None)
    if reference is None or terms.notional > reference.limit:
        return None
    return margin_of_pieces(layout.pieces(reference.function), terms.notional)


def _verdict(row: DivergenceRow, notional: float) -> Verdict:
    """Returns the verdict at one notional, from the ranges of a row over all sizes."""
    if _contains(row.under, notional):
        return Verdict.BREACH if row.verdict is Verdict.BREACH else Verdict.UNDER
    return Verdict.OVER if _contains(row.over, notional) else Verdict.COMPLIANT


def _contains(intervals: Sequence[Interval], notional: float) -> bool:
    return any(
        interval.lower < notional and (interval.upper is None or notional <= interval.upper)
        for interval in intervals
    )
