"""Access to an audit document by venue, underlying, margin type and rule set."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harmonize.document import (
    AuditDocument,
    Comparison,
    CoverageRow,
    CoverageStatus,
    Curve,
    DivergencePoint,
    DivergenceRow,
    Finding,
    LiquidationRow,
    Member,
    PayloadRow,
    RuleSetRow,
    ScheduleRow,
    SnapshotRow,
    Spread,
    SpreadPoint,
)
from harmonize.document.history import MarginSince, SeriesPoint
from harmonize.text import numbers
from harmonize.text.words import VERIFIED_SIGNS

MARGIN_TYPES = (("initial", "Initial margin"), ("maintenance", "Maintenance margin"))
"""Margin types, with the name of each in the document and in the report."""

_BEST_FIRST = tuple(CoverageStatus)

Observed = (
    CoverageRow
    | DivergenceRow
    | Finding
    | LiquidationRow
    | Member
    | PayloadRow
    | ScheduleRow
    | SeriesPoint
    | SnapshotRow
)
"""Rows with the date of an observation."""


@dataclass(frozen=True)
class Lookup:
    """Read-only indices of one document, each built on first use."""

    document: AuditDocument

    @cached_property
    def venues(self) -> tuple[str, ...]:
        """All venues in the document, in alphabetical order."""
        venues = {row.venue for row in self.document.coverage}
        venues |= {row.venue for row in self.document.snapshots}
        venues |= {row.venue for row in self.document.schedules}
        venues |= {
            member.venue
            for comparison in self.document.comparisons
            for member in comparison.members
        }
        venues |= {curve.name for curve in self.document.curves if not curve.is_reference}
        return tuple(sorted(venues))

    @cached_property
    def references(self) -> tuple[RuleSetRow, ...]:
        """Rule sets of kind schedule, which require a margin at every notional."""
        return tuple(row for row in self.document.rule_sets if row.kind == "schedule")

    @cached_property
    def coverage(self) -> dict[tuple[str, str], CoverageRow]:
        """Coverage row with the best status, per venue and underlying."""
        best: dict[tuple[str, str], CoverageRow] = {}
        for row in self.document.coverage:
            current = best.get((row.venue, row.underlying))
            if current is None or _rank(row) < _rank(current):
                best[row.venue, row.underlying] = row
        return best

    @cached_property
    def complete_venues(self) -> frozenset[str]:
        """Venues with a snapshot of every listed contract: only there, what is absent is not listed."""
        return frozenset(row.venue for row in self.document.snapshots if row.complete)

    @cached_property
    def not_recorded(self) -> int:
        """Number of pairs of a venue and an underlying for which it is not known whether it is listed.

        The underlyings are those of the document, the venues those with a schedule whose recording
        is not complete.
        """
        underlyings = {underlying for _, underlying in self.coverage}
        venues = {venue for venue, _ in self.coverage} - self.complete_venues
        recorded = sum(venue in venues for venue, _ in self.coverage)
        return len(underlyings) * len(venues) - recorded

    @cached_property
    def comparisons(self) -> dict[str, Comparison]:
        """Comparison per underlying."""
        return {comparison.underlying: comparison for comparison in self.document.comparisons}

    @cached_property
    def compared(self) -> int:
        """Number of underlyings with two venues or more that cross-venue statistics include."""
        return sum(comparison.is_compared for comparison in self.document.comparisons)

    def named(self, underlying: str, venues: Sequence[str]) -> list[str]:
        """Returns venues with those that they count for: ``modetrade (and woofipro)``."""
        comparison = self.comparisons.get(underlying)
        others: dict[str, list[str]] = {}
        for member in comparison.members if comparison else ():
            if member.counted_with:
                others.setdefault(member.counted_with, []).append(member.venue)
        return [
            f"{venue} (and {', '.join(others[venue])})" if venue in others else venue
            for venue in venues
        ]

    @cached_property
    def representatives(self) -> frozenset[tuple[str, str, str]]:
        """Schedules that comparisons include, one per venue and underlying: venue, symbol, profile."""
        return frozenset(
            (member.venue, member.symbol, member.profile)
            for comparison in self.document.comparisons
            if comparison.is_compared
            for member in comparison.members
            if member.included
        )

    @cached_property
    def spreads(self) -> dict[tuple[str, str], Spread]:
        """Spread per underlying and margin type."""
        return {(spread.underlying, spread.margin_type): spread for spread in self.document.spreads}

    @cached_property
    def curves(self) -> dict[str, tuple[Curve, ...]]:
        """Curves per underlying, in the order of the document; underlyings without curves are absent."""
        curves: dict[str, list[Curve]] = {}
        for curve in self.document.curves:
            curves.setdefault(curve.underlying, []).append(curve)
        return {underlying: tuple(group) for underlying, group in curves.items()}

    @cached_property
    def reading_order(self) -> tuple[str, ...]:
        """Compared underlyings: those with curves first, then by number of venues, then by name."""
        rank = {underlying: number for number, underlying in enumerate(self.curves)}
        return tuple(
            sorted(
                self.comparisons,
                key=lambda name: (
                    rank.get(name, len(rank)),
                    -len(self.comparisons[name].members),
                    name,
                ),
            )
        )

    @cached_property
    def _divergences(self) -> dict[tuple[str, str, str, str, str], DivergenceRow]:
        return {
            (row.rule_set, row.margin_type, row.venue, row.symbol, row.profile): row
            for row in self.document.divergences
        }

    @cached_property
    def _schedules(self) -> dict[tuple[str, str, str], ScheduleRow]:
        return {(row.venue, row.symbol, row.profile): row for row in self.document.schedules}

    def divergence(self, rule_set: str, margin_type: str, member: Member) -> DivergenceRow | None:
        """Returns the divergence of a venue's representative schedule from a rule set, if evaluated."""
        key = (rule_set, margin_type, member.venue, member.symbol, member.profile)
        return self._divergences.get(key)

    def schedule(self, member: Member) -> ScheduleRow | None:
        """Returns the representative schedule of a venue, if the document contains it."""
        return self._schedules.get((member.venue, member.symbol, member.profile))

    def spread_point(
        self, underlying: str, margin_type: str, notional: float
    ) -> SpreadPoint | None:
        """Returns the spread at one notional, if the document contains it."""
        spread = self.spreads.get((underlying, margin_type))
        points = spread.points if spread else ()
        return next((point for point in points if point.notional == notional), None)


def point_at(row: DivergenceRow | None, notional: float) -> DivergencePoint | None:
    """Returns the point of a divergence row at one notional, if there is one."""
    points = row.points if row else ()
    return next((point for point in points if point.notional == notional), None)


def _rank(row: CoverageRow) -> int:
    return _BEST_FIRST.index(row.status)


def snapshot_span(document: AuditDocument) -> str:
    """Returns the range of possible observation dates of all snapshots."""
    dated = [row for row in document.snapshots if row.observed_at]
    oldest = min(map(earliest_date, dated), default=None)
    return numbers.date_range(oldest, max((row.observed_at for row in dated), default=None))


def newest_date(document: AuditDocument, venue: str) -> str:
    """Returns the date of a venue's newest snapshot, as far as it is known."""
    rows = [row for row in document.snapshots if row.venue == venue]
    newest = max(rows, key=lambda row: row.observed_at, default=None)
    return date_text(newest) if newest else numbers.NOT_OBSERVABLE


def date_text(row: Observed) -> str:
    """Returns the observation date of a row, as far as it is known: ``≤ 1 Aug 2026``."""
    return numbers.observation_date(row.observed_at, row.observed_from, row.date_kind)


def since_text(since: MarginSince) -> str:
    """Returns the date since which a margin applies; ``≤`` if it may have applied before."""
    if since.is_bound:
        return numbers.date_range("", since.observed_at)
    return numbers.observation_date(since.observed_at, since.observed_from, since.date_kind)


_SOURCE_MEANINGS = {
    "primary": "original text read",
    "secondary": "reported by others",
    "derived": "computed here",
    "unverified": "not verified",
}


def source_sign(rule_set: RuleSetRow, margin_type: str) -> tuple[str, str]:
    """Returns the sign and meaning of the best verification of a rule set's IM or MM.

    Citations that name the margin type take precedence over those of every number.
    """
    specific = [row for row in rule_set.citations if margin_type in row.supports]
    general = [row for row in rule_set.citations if not row.supports]
    levels = {row.verified for row in specific or general}
    best = next((level for level in VERIFIED_SIGNS if level in levels), "unverified")
    order = ("primary", "secondary", "unverified", "derived")
    best = next((level for level in order if level in levels), best)
    return VERIFIED_SIGNS[best], _SOURCE_MEANINGS[best]


def earliest_date(row: Observed) -> str:
    """Returns the earliest possible time of a row's observation; empty if it is not known."""
    return row.observed_at if row.date_kind == "exact" else row.observed_from


def age_text(snapshot: SnapshotRow) -> str:
    """Returns the age of a snapshot: exact, up to its oldest possible age, or at least one."""
    age = numbers.age(snapshot.age_days)
    if snapshot.date_kind == "exact":
        return age
    return f"up to {age}" if snapshot.observed_from else f"at least {age}"


def lower_bound(schedule: ScheduleRow | None, margin_type: str, notional: float) -> str:
    """Returns the rate that a venue requires at least, as ``≥ 0.25 %``; empty if it is no lower bound.

    The rate is omitted if it varies with size.
    """
    pieces = getattr(schedule, margin_type) if schedule else ()
    for piece in pieces:
        is_covered = piece.lower < notional and (piece.upper is None or notional <= piece.upper)
        if is_covered and piece.bound:
            has_rate = not piece.fixed and not piece.coefficient
            return f"≥ {numbers.rate(piece.rate)}" if has_rate else "≥"
    return ""
