"""The document, found again by venue, underlying, figure and rule set."""

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
    Member,
    RuleSetRow,
    ScheduleRow,
    Spread,
    SpreadPoint,
)
from harmonize.text import numbers

FIGURES = (("initial", "Initial margin"), ("maintenance", "Maintenance margin"))
"""The two figures as the document and as the report names them."""

_BEST_FIRST = tuple(CoverageStatus)


@dataclass(frozen=True)
class Lookup:
    """Read-only indices over one document, built when first asked for."""

    document: AuditDocument

    @cached_property
    def venues(self) -> tuple[str, ...]:
        """Every venue that the document names, in alphabetical order."""
        named = {row.venue for row in self.document.coverage}
        named |= {row.venue for row in self.document.snapshots}
        named |= {row.venue for row in self.document.schedules}
        named |= {m.venue for comparison in self.document.comparisons for m in comparison.members}
        named |= {curve.name for curve in self.document.curves if not curve.is_reference}
        return tuple(sorted(named))

    @cached_property
    def references(self) -> tuple[RuleSetRow, ...]:
        """The rule sets that say what margin should be at every notional."""
        return tuple(row for row in self.document.rule_sets if row.kind == "schedule")

    @cached_property
    def coverage(self) -> dict[tuple[str, str], CoverageRow]:
        """The best-known row of every venue and underlying."""
        best: dict[tuple[str, str], CoverageRow] = {}
        for row in self.document.coverage:
            known = best.get((row.venue, row.underlying))
            if known is None or _rank(row) < _rank(known):
                best[row.venue, row.underlying] = row
        return best

    @cached_property
    def comparisons(self) -> dict[str, Comparison]:
        """The comparison of each underlying."""
        return {comparison.underlying: comparison for comparison in self.document.comparisons}

    @cached_property
    def gaps(self) -> dict[tuple[str, str], Spread]:
        """The spread of each underlying and figure."""
        return {(gap.underlying, gap.margin_type): gap for gap in self.document.spreads}

    @cached_property
    def drawn(self) -> dict[str, tuple[Curve, ...]]:
        """The curves of each underlying that has any, in the document's order."""
        gathered: dict[str, list[Curve]] = {}
        for curve in self.document.curves:
            gathered.setdefault(curve.underlying, []).append(curve)
        return {underlying: tuple(curves) for underlying, curves in gathered.items()}

    @cached_property
    def reading_order(self) -> tuple[str, ...]:
        """Compared underlyings: those drawn first, then by how many venues, then by name."""
        place = {underlying: number for number, underlying in enumerate(self.drawn)}
        return tuple(
            sorted(
                self.comparisons,
                key=lambda name: (
                    place.get(name, len(place)),
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

    def divergence(self, rule_set: str, figure: str, member: Member) -> DivergenceRow | None:
        """Find how a venue's chosen schedule stands to a rule set."""
        key = (rule_set, figure, member.venue, member.symbol, member.profile)
        return self._divergences.get(key)

    def schedule(self, member: Member) -> ScheduleRow | None:
        """Find the schedule that stands for a venue."""
        return self._schedules.get((member.venue, member.symbol, member.profile))

    def spread(self, underlying: str, figure: str, notional: float) -> SpreadPoint | None:
        """Find the spread at one notional."""
        gap = self.gaps.get((underlying, figure))
        points = gap.points if gap else ()
        return next((point for point in points if point.notional == notional), None)


def at(row: DivergenceRow | None, notional: float) -> DivergencePoint | None:
    """Find the point of a divergence row at one notional."""
    points = row.points if row else ()
    return next((point for point in points if point.notional == notional), None)


def _rank(row: CoverageRow) -> int:
    return _BEST_FIRST.index(row.status)


def snapshot_span(document: AuditDocument) -> str:
    """Give the dates of everything that was read."""
    moments = [row.observed_at for row in document.snapshots if row.observed_at]
    return numbers.span(min(moments, default=None), max(moments, default=None))
