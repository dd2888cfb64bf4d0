"""The audit in Markdown: a summary, counts by check, the gravest findings, the rule sets."""

import re
from collections.abc import Iterable, Sequence

from harmonize.document import AuditDocument, Finding, RuleSetRow
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from reports.finding_order import by_code, gravest, leading, level_counts
from reports.lookup import snapshot_span

TOP = 50
"""How many findings get a line of their own."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#!&~]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""What Markdown obeys, and what would make a link of a bare address."""


def markdown(document: AuditDocument) -> str:
    """Write the audit so that it can be pasted into an issue or a wiki."""
    ordered = gravest(document.findings)
    parts = [_summary(document), _codes(ordered), _top(ordered), _rules(document.rule_sets)]
    return "\n".join(part for part in parts if part)


def _summary(document: AuditDocument) -> str:
    number = numbers.counted(len(document.findings), "finding")
    levels = ", ".join(
        f"{numbers.count(n)} {one.value}" for one, n in level_counts(document.findings)
    )
    lines = [
        "# Margin audit",
        "",
        f"- as of {numbers.date(document.as_of)}, by {document.tool.name} {document.tool.version}",
        f"- read from {_safe(document.archive)}; snapshots of {snapshot_span(document)}",
        f"- {numbers.counted(len(document.schedules), 'schedule')}, {number}: {levels}",
    ]
    if document.waived:
        lines.append(f"- {numbers.counted(len(document.waived), 'finding')} waived")
    if document.baseline:
        one = document.baseline
        lines.append(
            f"- against {_safe(one.name)} of {numbers.date(one.as_of)}: {numbers.count(one.new)} new,"
            f" {numbers.count(one.worse)} worse, {numbers.count(one.unchanged)} unchanged and left"
            f" out, {numbers.count(one.resolved)} gone"
        )
    return "\n".join([*lines, ""])


def _codes(ordered: tuple[Finding, ...]) -> str:
    rows = (
        (
            found.level.value,
            found.code,
            found.name,
            numbers.count(len(found.findings)),
            numbers.count(len(found.venues)),
        )
        for found in by_code(ordered)
    )
    return _table("## Findings by check", ("level", "code", "check", "findings", "venues"), rows)


def _top(ordered: tuple[Finding, ...]) -> str:
    picked = leading(ordered, TOP)
    if not picked:
        return ""
    title = f"## Gravest {numbers.count(len(picked))} of {numbers.count(len(ordered))}"
    rows = (
        (one.level.value, one.code, one.verdict.value, one.venue, one.symbol, one.message)
        for one in picked
    )
    return _table(title, ("level", "code", "verdict", "venue", "symbol", "finding"), rows)


def _rules(rule_sets: Sequence[RuleSetRow]) -> str:
    lines = ["## Rule sets", ""]
    for one in rule_sets:
        standing = "law" if one.statutory else "benchmark"
        asks = f": {_safe(one.requirement)}" if one.requirement else ""
        title = f"**{_safe(one.id)}** {_safe(one.version)}, {_safe(one.title)}"
        lines.append(f"- {title}; {one.kind}, {standing}{asks}")
        lines += [f"  - {cited.verified}: {_safe(cited.reference)}" for cited in one.citations]
    return "\n".join([*lines, ""])


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [title, "", f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
    lines += [f"| {' | '.join(map(_safe, row))} |" for row in rows]
    return "\n".join([*lines, ""])


def _safe(text: str) -> str:
    """Text that Markdown takes for nothing but text, on one line."""
    return _SPECIAL.sub(r"\\\1", plain(text)).replace("@", "&#64;")  # else somebody is called
