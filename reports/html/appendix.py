"""Findings, coverage, rule sets, explanations and provenance, as text for the templates."""

from collections import Counter
from collections.abc import Collection

from harmonize.document import (
    AuditDocument,
    CoverageStatus,
    Finding,
    PayloadRow,
    RuleSetRow,
    SnapshotRow,
)
from harmonize.text import numbers
from harmonize.text.words import VERIFIED_SIGNS, first_words, join_words
from reports.finding_order import LEVEL_SIGNS, CheckFindings, levels_text
from reports.html.heat_map import COLUMNS, coverage_columns, coverage_matrix, statuses
from reports.html.page import (
    CheckRow,
    CitationView,
    CoverageView,
    Explanation,
    FindingRow,
    FlagView,
    InputView,
    PayloadGroup,
    PayloadView,
    ReasonRow,
    Reference,
    RuleSetView,
    SnapshotView,
    VenueCoverage,
    WaiverView,
)
from reports.html.references import make_anchor
from reports.lookup import Lookup, age_text, date_text, newest_date

REASONS = 30
"""Largest number of printed reasons per table; the remaining ones are counted."""

_Reason = tuple[str, str, str]  # venue, status, reason

_WORST_EXAMPLES = 3
_EXAMPLES = 4


def check_row(check: CheckFindings) -> CheckRow:
    """Returns the summary of one check."""
    rules = Counter(finding.rule_set for finding in check.findings if finding.rule_set)
    return CheckRow(
        check.code,
        check.name,
        levels_text(check.findings, has_signs=True),
        join_words(
            [f"{numbers.count(number)} {verdict.value}" for verdict, number in check.verdicts]
        ),
        numbers.count(len(check.findings)),
        numbers.count(len(check.venues)),
        ", ".join(f"{rule} {numbers.count(number)}" for rule, number in sorted(rules.items())),
        tuple(dict.fromkeys(map(_example_text, check.findings)))[:_WORST_EXAMPLES],
    )


def _example_text(finding: Finding) -> str:
    instrument = f"{finding.venue} {finding.symbol}".strip()
    if finding.deviation is not None:
        return f"{instrument} {numbers.deviation(finding.deviation)}"
    if finding.observed is not None:
        return f"{instrument} {numbers.rate(finding.observed)}"
    return instrument


def finding_row(finding: Finding, references: dict[str, Reference]) -> FindingRow:
    """Returns the row of one finding."""
    return FindingRow(
        finding.level.value,
        LEVEL_SIGNS[finding.level],
        ", ".join(part for part in (finding.verdict.value, finding.state) if part),
        finding.code,
        finding.venue,
        " · ".join(part for part in (finding.symbol, finding.profile) if part),
        finding.message,
        join_words(
            [numbers.notional_range(part.lower, part.upper) for part in finding.intervals],
            _EXAMPLES,
        ),
        numbers.usd(finding.notional),
        _rate(finding.observed),
        f"{_rate(finding.required)} {VERIFIED_SIGNS.get(finding.verified, '')}".strip(),
        numbers.deviation(finding.deviation),
        references.get(finding.rule_set),
        date_text(finding),
    )


def _rate(rate: float | None) -> str:
    if rate is None or rate <= 0:
        return numbers.rate(rate)
    return f"{numbers.rate(rate)} ({numbers.leverage_at(rate)})"


def coverage_view(lookup: Lookup) -> CoverageView:
    """Returns what was observed, and every reason for missing data."""
    document = lookup.document
    unobservable: dict[_Reason, list[str]] = {}
    for row in document.coverage:
        if row.reason:
            key = (row.venue, row.status.value, row.reason)
            unobservable.setdefault(key, []).append(row.underlying)
    unreadable: dict[_Reason, list[str]] = {}
    for defect in document.defects:
        key = (defect.venue, "unreadable", defect.reason)
        unreadable.setdefault(key, []).append(defect.symbol or defect.where)
    attempted = {row.venue for row in document.unobserved if row.attempted_at}
    not_gathered: dict[_Reason, list[str]] = {}
    for venue in document.unobserved:
        last_observed = (
            f"last observed {venue.last_observed_at[:10]}"
            if venue.last_observed_at
            else "never observed"
        )
        last_attempt = (
            f"last attempt {venue.attempted_at[:10]}" if venue.attempted_at else "no attempt"
        )
        not_gathered[venue.venue, "not gathered", venue.reason] = [
            f"{last_attempt}, {last_observed}"
        ]
    underlyings = {row.underlying for row in document.coverage}
    return CoverageView(
        statuses(),
        tuple(_venue_coverage(lookup, venue) for venue in lookup.venues),
        coverage_columns(lookup),
        coverage_matrix(lookup),
        omitted_text(len(underlyings) - COLUMNS, "underlying"),
        (
            ("Data gaps, by reason", *_reason_table(unobservable)),
            ("Unreadable data from venues", *_reason_table(unreadable)),
            ("Venues not gathered", *_reason_table(not_gathered, attempted)),
        ),
    )


def _reason_table(
    subjects_by_reason: dict[_Reason, list[str]], first: Collection[str] = ()
) -> tuple[tuple[ReasonRow, ...], str]:
    """Returns the reasons with most subjects, those of the venues in ``first`` before all others."""
    ordered = sorted(
        subjects_by_reason,
        key=lambda reason: (reason[0] not in first, -len(subjects_by_reason[reason]), reason),
    )
    rows = tuple(
        ReasonRow(
            *reason,
            numbers.count(len(subjects_by_reason[reason])),
            first_words(subjects_by_reason[reason], _EXAMPLES),
        )
        for reason in ordered[:REASONS]
    )
    return rows, omitted_text(len(ordered) - REASONS, "reason")


def omitted_text(number: int, noun: str) -> str:
    """States how many items only the JSON document contains; empty if there are none."""
    return (
        f"{numbers.count_text(number, f'more {noun}')} in the JSON document" if number > 0 else ""
    )


def _venue_coverage(lookup: Lookup, venue: str) -> VenueCoverage:
    tally = Counter(
        row.status for (row_venue, _), row in lookup.coverage.items() if row_venue == venue
    )
    underlyings = {underlying for _, underlying in lookup.coverage}
    absent = len(underlyings) - sum(tally.values())
    is_complete = venue in lookup.complete_venues
    not_listed, not_recorded = (absent, 0) if is_complete else (0, absent)
    counts = [*(tally[status] for status in CoverageStatus), not_listed, not_recorded]
    return VenueCoverage(
        venue,
        tuple(numbers.count(number) for number in counts),
        newest_date(lookup.document, venue),
    )


def rule_set_view(rule_set: RuleSetRow, number: int) -> RuleSetView:
    """Returns a rule set with its sources."""
    tolerances = [
        f"{numbers.rate(share)} of {base}"
        for share, base in (
            (rule_set.tolerance_relative, "the reference"),
            (rule_set.tolerance_absolute, "notional"),
        )
        if share
    ]
    if rule_set.tolerance_statistical is not None:
        confidence = numbers.rate(rule_set.tolerance_statistical)
        tolerances.append(f"the interval of the inputs at {confidence}")
    return RuleSetView(
        make_anchor("rules", rule_set.id, number),
        f"{rule_set.id} {rule_set.version}",
        rule_set.title,
        tuple(
            _paragraph(paragraph)
            for paragraph in rule_set.description.split("\n\n")
            if paragraph.strip()
        ),
        (
            ("Kind", rule_set.kind),
            ("Requirement", rule_set.requirement or "see the rule file"),
            ("Scope", rule_set.scope),
            ("In force", rule_set.in_force or "always"),
            ("Legal status", "statutory" if rule_set.statutory else "not statutory"),
            ("Tolerance", join_words(tolerances) or "none"),
            ("Meaning of maintenance margin", rule_set.maintenance_meaning),
        ),
        tuple(
            CitationView(
                citation.reference,
                citation.via,
                citation.verified,
                VERIFIED_SIGNS.get(citation.verified, "○"),
            )
            for citation in rule_set.citations
        ),
        tuple(FlagView(flag.field, flag.status, flag.note) for flag in rule_set.flags),
    )


def _paragraph(text: str) -> tuple[str, tuple[str, ...]]:
    """Returns a paragraph on one line, or the lines of a formula, which is indented by four."""
    if text.lstrip("\n").startswith("    "):
        return "", tuple(line.removeprefix("    ") for line in text.splitlines() if line)
    return " ".join(text.split()), ()


def input_views(document: AuditDocument) -> tuple[InputView, ...]:
    """Returns the measured inputs of rule-set formulas."""
    return tuple(
        InputView(
            row.name,
            row.underlying,
            _input_text(row.value),
            ""
            if row.lower is None or row.upper is None or row.confidence is None
            else f"{_input_text(row.lower)} to {_input_text(row.upper)} ({numbers.rate(row.confidence)})",
            "" if row.observations is None else numbers.count(row.observations),
            numbers.date(row.observed_at),
            f"{VERIFIED_SIGNS.get(row.origin, '○')} {row.origin}",
            row.source,
        )
        for row in document.inputs
    )


def _input_text(value: float) -> str:
    return numbers.rate(value) if value <= 1 else numbers.usd(value)


def waiver_views(document: AuditDocument) -> tuple[WaiverView, ...]:
    """Returns every waiver with owner, reason and expiry."""
    return tuple(
        WaiverView(
            waiver.status,
            ", ".join(waiver.codes),
            waiver.scope,
            waiver.reason,
            waiver.owner,
            numbers.date(waiver.expires),
            numbers.count(waiver.findings),
        )
        for waiver in document.waivers
    )


def exclusions(document: AuditDocument) -> str:
    """States which findings are excluded, and why; empty if there are none."""
    parts = []
    if document.waived:
        parts.append(
            f"{numbers.count_text(len(document.waived), 'more finding')} waived, see below"
        )
    if document.baseline:
        baseline = document.baseline
        parts.append(
            f"compared with {baseline.name} of {numbers.date(baseline.as_of)}: {numbers.count(baseline.new)} new,"
            f" {numbers.count(baseline.worse)} worse, {numbers.count(baseline.unchanged)} unchanged and"
            f" excluded, {numbers.count(baseline.resolved)} resolved"
        )
    return "; ".join(parts)


def explanations(document: AuditDocument) -> tuple[Explanation, ...]:
    """Returns the explanations of the audit, in its order."""
    return tuple(
        Explanation(
            _heading(key),
            tuple(paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip()),
        )
        for key, text in document.explanations.items()
    )


def _heading(key: str) -> str:
    words = key.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def snapshot_view(snapshot: SnapshotRow, number: int) -> SnapshotView:
    """Returns a snapshot with its payloads."""
    return SnapshotView(
        make_anchor("snapshot", snapshot.venue, number),
        snapshot.venue,
        _time_text(snapshot),
        age_text(snapshot),
        f"{'● complete' if snapshot.complete else '◐ incomplete'}"
        f"{', † stale' if snapshot.stale else ''}",
        snapshot.source,
        numbers.digest(snapshot.sha256),
        snapshot.sha256,
        numbers.count(len(snapshot.payloads)),
        _payload_groups(snapshot.payloads),
    )


def _payload_groups(payloads: tuple[PayloadRow, ...]) -> tuple[PayloadGroup, ...]:
    """Groups payloads with the same time, origin, source and date basis, stated once per group."""
    groups: dict[tuple[str, str, str, str], list[PayloadView]] = {}
    for payload in payloads:
        key = (_time_text(payload), payload.origin, payload.source, payload.date_basis)
        groups.setdefault(key, []).append(
            PayloadView(
                payload.call,
                payload.request,
                numbers.byte_size(payload.size),
                numbers.digest(payload.sha256),
                payload.sha256,
            )
        )
    return tuple(
        PayloadGroup(time, origin, source, dating, tuple(views))
        for (time, origin, source, dating), views in groups.items()
    )


def _time_text(row: SnapshotRow | PayloadRow) -> str:
    """Returns the time of an observation to the minute if it is exact, otherwise its possible days."""
    return numbers.time(row.observed_at) if row.date_kind == "exact" else date_text(row)
