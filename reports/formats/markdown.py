"""The audit in Markdown: summary, findings per check, most severe findings, rule sets."""

import re
from collections.abc import Iterable, Sequence

from harmonize.document import AuditDocument, Finding, RuleSetRow
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from reports.finding_order import (
    group_by_check,
    level_counts,
    levels_text,
    select_leading,
    sort_by_severity,
)
from reports.lookup import snapshot_span

TOP = 50
"""Largest number of findings listed individually."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#!&~]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""Characters with a meaning in Markdown, and those that turn a bare address into a link."""


def markdown(document: AuditDocument) -> str:
    """Renders the audit for an issue or a wiki."""
    findings = sort_by_severity(document.findings)
    parts = [
        _summary(document),
        _checks(findings),
        _most_severe(findings),
        _rules(document.rule_sets),
    ]
    return "\n".join(part for part in parts if part)


def _summary(document: AuditDocument) -> str:
    number = numbers.count_text(len(document.findings), "finding")
    levels = ", ".join(
        f"{numbers.count(n)} {level.value}" for level, n in level_counts(document.findings)
    )
    lines = [
        "# Margin audit",
        "",
        f"- as of {numbers.date(document.as_of)}, by {document.tool.name} {document.tool.version}",
        f"- read from {_escape(document.archive)}; snapshots of {snapshot_span(document)}",
        f"- {numbers.count_text(len(document.schedules), 'schedule')}, {number}: {levels}",
    ]
    if document.waived:
        lines.append(f"- {numbers.count_text(len(document.waived), 'finding')} waived")
    if document.baseline:
        baseline = document.baseline
        lines.append(
            f"- compared with {_escape(baseline.name)} of {numbers.date(baseline.as_of)}: {numbers.count(baseline.new)} new,"
            f" {numbers.count(baseline.worse)} worse, {numbers.count(baseline.unchanged)} unchanged and"
            f" excluded, {numbers.count(baseline.resolved)} resolved"
        )
    return "\n".join([*lines, ""])


def _checks(findings: tuple[Finding, ...]) -> str:
    rows = (
        (
            levels_text(check.findings, has_signs=False),
            check.code,
            check.name,
            numbers.count(len(check.findings)),
            numbers.count(len(check.venues)),
        )
        for check in group_by_check(findings)
    )
    return _table("## Findings by check", ("level", "code", "check", "findings", "venues"), rows)


def _most_severe(findings: tuple[Finding, ...]) -> str:
    selected = select_leading(findings, TOP)
    if not selected:
        return ""
    title = (
        f"## Most severe findings, {numbers.count(len(selected))} of {numbers.count(len(findings))}"
    )
    rows = (
        (
            finding.level.value,
            finding.code,
            finding.verdict.value,
            finding.venue,
            finding.symbol,
            finding.message,
        )
        for finding in selected
    )
    return _table(title, ("level", "code", "verdict", "venue", "symbol", "finding"), rows)


def _rules(rule_sets: Sequence[RuleSetRow]) -> str:
    lines = ["## Rule sets", ""]
    for rule_set in rule_sets:
        legal_status = "statutory" if rule_set.statutory else "benchmark"
        requirement = f": {_escape(rule_set.requirement)}" if rule_set.requirement else ""
        title = f"**{_escape(rule_set.id)}** {_escape(rule_set.version)}, {_escape(rule_set.title)}"
        lines.append(f"- {title}; {rule_set.kind}, {legal_status}{requirement}")
        lines += [
            f"  - {citation.verified}: {_escape(citation.reference)}"
            for citation in rule_set.citations
        ]
    return "\n".join([*lines, ""])


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [title, "", f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
    lines += [f"| {' | '.join(map(_escape, row))} |" for row in rows]
    return "\n".join([*lines, ""])


def _escape(text: str) -> str:
    """Escapes text for Markdown, on one line."""
    return _SPECIAL.sub(r"\\\1", plain(text)).replace(
        "@", "&#64;"
    )  # an unescaped @ would notify a user
