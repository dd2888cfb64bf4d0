"""What the report rests on: findings, coverage, rule sets, explanations and provenance in words."""

from collections import Counter

from harmonize.document import (
    AuditDocument,
    CoverageStatus,
    Finding,
    PayloadRow,
    RuleSetRow,
    SnapshotRow,
)
from harmonize.text import numbers
from harmonize.text.words import VERIFIED_SIGNS, listed, some
from reports.finding_order import LEVEL_SIGNS, CodeFindings
from reports.html.heat_map import COLUMNS, coverage_columns, coverage_matrix, statuses
from reports.html.page import (
    CodeRow,
    CoverageView,
    Explanation,
    FindingRow,
    Flag,
    InputView,
    PayloadGroup,
    PayloadView,
    ReasonRow,
    Reference,
    RuleSetView,
    SnapshotView,
    Source,
    VenueCoverage,
    WaiverView,
)
from reports.html.references import anchor
from reports.lookup import Lookup

REASONS = 30
"""How many reasons and defects are printed; the rest is counted."""

_Why = tuple[str, str, str]

_WORST = 3
_EXAMPLES = 4


def code_row(found: CodeFindings) -> CodeRow:
    """Sum up one check."""
    rules = Counter(finding.rule_set for finding in found.findings if finding.rule_set)
    return CodeRow(
        found.code,
        found.name,
        f"{LEVEL_SIGNS[found.level]} {found.level.value}",
        listed([f"{numbers.count(number)} {verdict.value}" for verdict, number in found.verdicts]),
        numbers.count(len(found.findings)),
        numbers.count(len(found.venues)),
        ", ".join(f"{rule} {numbers.count(number)}" for rule, number in sorted(rules.items())),
        tuple(dict.fromkeys(map(_example, found.findings)))[:_WORST],
    )


def _example(finding: Finding) -> str:
    named = f"{finding.venue} {finding.symbol}".strip()
    if finding.deviation is not None:
        return f"{named} {numbers.divergence(finding.deviation)}"
    if finding.observed is not None:
        return f"{named} {numbers.rate(finding.observed)}"
    return named


def finding_row(finding: Finding, references: dict[str, Reference]) -> FindingRow:
    """Write one finding."""
    return FindingRow(
        finding.level.value,
        LEVEL_SIGNS[finding.level],
        ", ".join(part for part in (finding.verdict.value, finding.state) if part),
        finding.code,
        finding.venue,
        " · ".join(part for part in (finding.symbol, finding.profile) if part),
        finding.message,
        listed([numbers.interval(part.lower, part.upper) for part in finding.intervals], _EXAMPLES),
        numbers.usd(finding.notional),
        _rate(finding.observed),
        f"{_rate(finding.required)} {VERIFIED_SIGNS.get(finding.verified, '')}".strip(),
        numbers.divergence(finding.deviation),
        references.get(finding.rule_set),
        numbers.date(finding.observed_at),
    )


def _rate(rate: float | None) -> str:
    if rate is None or rate <= 0:
        return numbers.rate(rate)
    return f"{numbers.rate(rate)} ({numbers.leverage(rate)})"


def coverage_view(lookup: Lookup) -> CoverageView:
    """Show what could be observed, and every reason why not."""
    document = lookup.document
    unknown: dict[_Why, list[str]] = {}
    for row in document.coverage:
        if row.reason:
            why = (row.venue, row.status.value, row.reason)
            unknown.setdefault(why, []).append(row.underlying)
    unread: dict[_Why, list[str]] = {}
    for defect in document.defects:
        why = (defect.venue, "not read", defect.reason)
        unread.setdefault(why, []).append(defect.symbol or defect.where)
    unseen: dict[_Why, list[str]] = {}
    for one in document.unobserved:
        held = f"last observed {one.last_observed_at[:10]}" if one.last_observed_at else "never"
        tried = f"tried {one.attempted_at[:10]}" if one.attempted_at else "not tried"
        unseen[one.venue, "not gathered", one.reason] = [f"{tried}, {held}"]
    underlyings = {row.underlying for row in document.coverage}
    return CoverageView(
        statuses(),
        tuple(_venue(lookup, venue) for venue in lookup.venues),
        coverage_columns(lookup),
        coverage_matrix(lookup),
        left(len(underlyings) - COLUMNS, "underlying"),
        (
            ("Why not more is known", *_reasons(unknown)),
            ("What venues sent that could not be read", *_reasons(unread)),
            ("Venues that were not gathered", *_reasons(unseen)),
        ),
    )


def _reasons(found: dict[_Why, list[str]]) -> tuple[tuple[ReasonRow, ...], str]:
    ordered = sorted(found, key=lambda why: (-len(found[why]), why))
    rows = tuple(
        ReasonRow(*why, numbers.count(len(found[why])), some(found[why], _EXAMPLES))
        for why in ordered[:REASONS]
    )
    return rows, left(len(ordered) - REASONS, "reason")


def left(number: int, what: str) -> str:
    """Say how many are not printed, and where they are; nothing if all are."""
    return f"{numbers.counted(number, what)} more in the JSON document" if number > 0 else ""


def _venue(lookup: Lookup, venue: str) -> VenueCoverage:
    tally = Counter(row.status for (at, _), row in lookup.coverage.items() if at == venue)
    underlyings = {underlying for _, underlying in lookup.coverage}
    dates = [row.observed_at for row in lookup.document.snapshots if row.venue == venue]
    unlisted = len(underlyings) - sum(tally.values())
    counts = [*(tally[status] for status in CoverageStatus), unlisted]
    return VenueCoverage(
        venue,
        tuple(numbers.count(number) for number in counts),
        numbers.date(max(dates, default=None)),
    )


def rule_set_view(rule_set: RuleSetRow, number: int) -> RuleSetView:
    """Print a rule set with its sources."""
    tolerances = [
        f"{numbers.rate(share)} of {of}"
        for share, of in (
            (rule_set.tolerance_relative, "the reference"),
            (rule_set.tolerance_absolute, "notional"),
        )
        if share
    ]
    if rule_set.tolerance_statistical is not None:
        confidence = numbers.rate(rule_set.tolerance_statistical)
        tolerances.append(f"the interval of the inputs at {confidence}")
    return RuleSetView(
        anchor("rules", rule_set.id, number),
        f"{rule_set.id} {rule_set.version}",
        rule_set.title,
        tuple(_paragraph(part) for part in rule_set.description.split("\n\n") if part.strip()),
        (
            ("Kind", rule_set.kind),
            ("Asks", rule_set.requirement or "see the file"),
            ("Scope", rule_set.scope),
            ("In force", rule_set.in_force or "always"),
            ("Standing", "statutory" if rule_set.statutory else "not law"),
            ("Tolerance", listed(tolerances) or "none"),
            ("Maintenance margin means", rule_set.maintenance_meaning),
        ),
        tuple(
            Source(one.reference, one.via, one.verified, VERIFIED_SIGNS.get(one.verified, "○"))
            for one in rule_set.citations
        ),
        tuple(Flag(flag.field, flag.status, flag.note) for flag in rule_set.flags),
    )


def _paragraph(text: str) -> tuple[str, tuple[str, ...]]:
    """A paragraph on one line; what is indented by four is a formula, and keeps its lines."""
    if text.lstrip("\n").startswith("    "):
        return "", tuple(line.removeprefix("    ") for line in text.splitlines() if line)
    return " ".join(text.split()), ()


def input_views(document: AuditDocument) -> tuple[InputView, ...]:
    """Print what rule sets' formulas were computed from."""
    return tuple(
        InputView(
            one.name,
            one.underlying,
            _measure(one.value),
            ""
            if one.lower is None or one.upper is None or one.confidence is None
            else f"{_measure(one.lower)} to {_measure(one.upper)} ({numbers.rate(one.confidence)})",
            "" if one.observations is None else numbers.count(one.observations),
            numbers.date(one.observed_at),
            f"{VERIFIED_SIGNS.get(one.origin, '○')} {one.origin}",
            one.source,
        )
        for one in document.inputs
    )


def _measure(value: float) -> str:
    return numbers.rate(value) if value <= 1 else numbers.usd(value)


def waiver_views(document: AuditDocument) -> tuple[WaiverView, ...]:
    """Print what is waived, by whom, why and until when."""
    return tuple(
        WaiverView(
            one.status,
            ", ".join(one.codes),
            one.scope,
            one.reason,
            one.owner,
            numbers.date(one.expires),
            numbers.count(one.findings),
        )
        for one in document.waivers
    )


def known(document: AuditDocument) -> str:
    """Say what is left out of the findings, and why; empty where nothing is."""
    parts = []
    if document.waived:
        parts.append(f"{numbers.counted(len(document.waived), 'more finding')} waived, see below")
    if document.baseline:
        one = document.baseline
        parts.append(
            f"held against {one.name} of {numbers.date(one.as_of)}: {numbers.count(one.new)} new,"
            f" {numbers.count(one.worse)} worse, {numbers.count(one.unchanged)} unchanged and left"
            f" out, {numbers.count(one.resolved)} gone"
        )
    return "; ".join(parts)


def explanations(document: AuditDocument) -> tuple[Explanation, ...]:
    """Print what the audit says of its own rules, in its order."""
    return tuple(
        Explanation(
            _heading(key), tuple(part.strip() for part in text.split("\n\n") if part.strip())
        )
        for key, text in document.explanations.items()
    )


def _heading(key: str) -> str:
    words = key.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def snapshot_view(snapshot: SnapshotRow, number: int) -> SnapshotView:
    """Print a snapshot and its payloads."""
    return SnapshotView(
        anchor("snapshot", snapshot.venue, number),
        snapshot.venue,
        numbers.time(snapshot.observed_at),
        numbers.age(snapshot.age_days),
        f"{'● complete' if snapshot.complete else '◐ incomplete'}"
        f"{', † stale' if snapshot.stale else ''}",
        snapshot.source,
        numbers.digest(snapshot.sha256),
        snapshot.sha256,
        numbers.count(len(snapshot.payloads)),
        _groups(snapshot.payloads),
    )


def _groups(payloads: tuple[PayloadRow, ...]) -> tuple[PayloadGroup, ...]:
    """Gather payloads that share origin, source, dating and time: what is common is said once."""
    gathered: dict[tuple[str, str, str, str], list[PayloadView]] = {}
    for payload in payloads:
        shared = (payload.observed_at, payload.origin, payload.source, payload.date_basis)
        gathered.setdefault(shared, []).append(
            PayloadView(
                payload.call,
                payload.request,
                numbers.size(payload.size),
                numbers.digest(payload.sha256),
                payload.sha256,
            )
        )
    return tuple(
        PayloadGroup(numbers.time(observed_at), origin, source, dating, tuple(views))
        for (observed_at, origin, source, dating), views in gathered.items()
    )
