"""What the pages of the report's folder share: one document, indexed once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from harmonize.document import (
    AuditDocument,
    DivergencePoint,
    DivergenceRow,
    Finding,
    LiquidationRow,
    PayloadRow,
    RuleSetRow,
    ScheduleRow,
    Status,
)
from harmonize.document.history import MarginSeries, MarginSince
from reports.finding_order import sort_by_severity
from reports.html.emphasis import venue_styles
from reports.html.page import Reference
from reports.html.references import references
from reports.lookup import Lookup
from reports.site.addresses import (
    finding_anchor,
    rule_set_path,
    schedule_anchor,
    underlying_path,
    venue_path,
)
from reports.site.markup import Html, link_to
from reports.site.readings import Reading, common_terms, readings

ScheduleKey = tuple[str, str, str]
"""Venue, symbol and profile."""

MarginKey = tuple[str, str, str, str, float]
"""Venue, symbol, profile, margin type and notional in USD."""

Download = tuple[str, str, str]
"""Address of a file from the folder, its name, and what it contains."""

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True)
class ReportContext:
    """Read-only indices of one document, each built on first use."""

    document: AuditDocument
    downloads: tuple[Download, ...] = ()

    @cached_property
    def lookup(self) -> Lookup:
        """Access by venue, underlying and rule set."""
        return Lookup(self.document)

    @cached_property
    def references(self) -> dict[str, Reference]:
        """Rule sets with their caveats, by id; each leads to its page."""
        return references(self.document, rule_set_path)

    @cached_property
    def rule_sets(self) -> dict[str, RuleSetRow]:
        """Rule sets by id."""
        return {rule_set.id: rule_set for rule_set in self.document.rule_sets}

    @cached_property
    def venues(self) -> tuple[str, ...]:
        """Venues with a page: with data in the document, or not observed."""
        names = set(self.lookup.venues) | {row.venue for row in self.document.unobserved}
        names |= {finding.venue for finding in self.document.findings if finding.venue}
        return tuple(sorted(names))

    @cached_property
    def underlyings(self) -> tuple[str, ...]:
        """Underlyings with a page, in alphabetical order."""
        names = {row.underlying for row in self.document.schedules}
        names |= {row.underlying for row in self.document.coverage}
        names |= set(self.lookup.comparisons) | set(self.lookup.curves)
        names |= {row.underlying for row in self.document.arbitrages}
        names |= {row.underlying for row in self.document.liquidations}
        names |= {row.underlying for row in self.document.indices}
        names |= {row.underlying for row in self.document.history.series}
        names |= {finding.underlying for finding in self.document.findings if finding.underlying}
        return tuple(sorted(names))

    @cached_property
    def styles(self) -> Mapping[str, int]:
        """Style number of each venue, the same in all charts of the site."""
        return venue_styles(self.lookup, self.venues)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Findings, most severe first."""
        return sort_by_severity(self.document.findings)

    @cached_property
    def findings_by_venue(self) -> Mapping[str, list[Finding]]:
        """Findings per venue, most severe first; findings without a venue are absent."""
        return _grouped((finding.venue, finding) for finding in self.findings if finding.venue)

    @cached_property
    def findings_by_underlying(self) -> Mapping[str, list[Finding]]:
        """Findings per underlying, most severe first; findings without one are absent."""
        pairs = ((finding.underlying, finding) for finding in self.findings)
        return _grouped(pair for pair in pairs if pair[0])

    @cached_property
    def schedules_by_venue(self) -> Mapping[str, list[ScheduleRow]]:
        """Schedules per venue, in the order of the document."""
        return _grouped((row.venue, row) for row in self.document.schedules)

    @cached_property
    def schedules_by_underlying(self) -> Mapping[str, list[ScheduleRow]]:
        """Schedules per underlying, in the order of the document."""
        return _grouped((row.underlying, row) for row in self.document.schedules)

    @cached_property
    def divergences(self) -> Mapping[ScheduleKey, list[DivergenceRow]]:
        """Comparisons with rule sets, per schedule."""
        return _grouped(
            ((row.venue, row.symbol, row.profile), row) for row in self.document.divergences
        )

    @cached_property
    def reference_points(self) -> Mapping[MarginKey, DivergencePoint]:
        """Comparison with the first reference, per schedule, margin type and notional."""
        if not self.lookup.references:
            return {}
        reference = self.lookup.references[0].id
        return {
            (row.venue, row.symbol, row.profile, row.margin_type, point.notional): point
            for row in self.document.divergences
            if row.rule_set == reference
            for point in row.points
        }

    @cached_property
    def since(self) -> Mapping[MarginKey, MarginSince]:
        """Since when a margin applies, where its own observation is not the first of it."""
        return {
            (row.venue, row.symbol, row.profile, row.margin_type, notional): row.since
            for row in self.document.history.since
            for notional in row.notionals
        }

    @cached_property
    def verdicts_by_venue(self) -> Mapping[str, Mapping[str, list[DivergenceRow]]]:
        """Comparisons with rule sets, per venue and rule set."""
        venues: dict[str, dict[str, list[DivergenceRow]]] = {}
        for row in self.document.divergences:
            venues.setdefault(row.venue, {}).setdefault(row.rule_set, []).append(row)
        return venues

    @cached_property
    def liquidations(self) -> Mapping[str, list[LiquidationRow]]:
        """Liquidation distances per underlying."""
        return _grouped((row.underlying, row) for row in self.document.liquidations)

    @cached_property
    def series_by_underlying(self) -> Mapping[str, list[MarginSeries]]:
        """Margins over time per underlying."""
        return _grouped((row.underlying, row) for row in self.document.history.series)

    @cached_property
    def payloads(self) -> Mapping[str, tuple[str, PayloadRow]]:
        """Venue and row of each payload, by its hash."""
        return {
            payload.sha256: (snapshot.venue, payload)
            for snapshot in self.document.snapshots
            for payload in snapshot.payloads
        }

    @cached_property
    def incomplete_venues(self) -> frozenset[str]:
        """Venues that may list more underlyings than were observed."""
        return frozenset({venue for venue, _ in self.lookup.coverage} - self.lookup.complete_venues)

    @cached_property
    def readings(self) -> Mapping[str, Reading]:
        """How each payload is read, by its hash."""
        return readings(self.document.schedules)

    @cached_property
    def common_terms(self) -> Mapping[str, frozenset[str]]:
        """Terms that all schedules of a venue share, per venue."""
        return common_terms(self.document.schedules)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Pairs of a venue and an underlying with a schedule."""
        return frozenset((row.venue, row.underlying) for row in self.document.schedules)

    @cached_property
    def unverified(self) -> frozenset[tuple[str, str, str]]:
        """Venue, underlying and margin type of the compared margins that no source verifies."""
        found = set()
        for comparison in self.document.comparisons:
            for member in comparison.members:
                row = self.lookup.schedule(member)
                statuses = (
                    (("initial", row.initial_status), ("maintenance", row.maintenance_status))
                    if row
                    else ()
                )
                found |= {
                    (member.venue, comparison.underlying, margin_type)
                    for margin_type, status in statuses
                    if status is Status.UNVERIFIED
                }
        return frozenset(found)

    def rule_set_link(self, name: str, up: str) -> Html:
        """Returns a link to a rule set; its name alone if the document does not contain it."""
        return link_to(f"{up}{rule_set_path(name)}" if name in self.rule_sets else "", name)

    def rule_set_links(self, up: str) -> dict[str, str]:
        """Returns the address of every rule set of the document, by its id."""
        return {name: f"{up}{rule_set_path(name)}" for name in self.rule_sets}

    def finding_address(self, finding: Finding) -> str:
        """Returns the permalink of a finding, from the folder of the site."""
        anchor = finding_anchor(finding.fingerprint)
        if finding.underlying:
            return f"{underlying_path(finding.underlying)}#{anchor}"
        if finding.venue:
            return f"{venue_path(finding.venue)}#{anchor}"
        if finding.rule_set in self.rule_sets:
            return f"{rule_set_path(finding.rule_set)}#{anchor}"
        return f"findings.html#{anchor}"


def schedule_address(row: ScheduleRow) -> str:
    """Returns the permalink of a schedule, from the folder of the site."""
    anchor = schedule_anchor(row.venue, row.symbol, row.profile)
    return f"{underlying_path(row.underlying)}#{anchor}"


def _grouped(pairs: Iterable[tuple[K, T]]) -> Mapping[K, list[T]]:
    groups: defaultdict[K, list[T]] = defaultdict(list)
    for key, item in pairs:
        groups[key].append(item)
    return dict(groups)
