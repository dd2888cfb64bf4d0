"""Words for what the document names by code: lists, figures, rule sets with their caveats."""

import re
from collections import Counter

from harmonize.document import AuditDocument, RuleSetRow
from harmonize.text.words import VERIFIED_SIGNS
from reports.html.page import Reference

NBSP = "\N{NO-BREAK SPACE}"

_NOT_WORD = re.compile(r"[^a-z0-9]+")


def anchor(kind: str, name: str, number: int) -> str:
    """Make a place in the page to link to: unique by its number, readable by its name."""
    return f"{kind}-{_NOT_WORD.sub('-', name.lower()).strip('-') or 'x'}-{number}"


def reference(rule_set: RuleSetRow, number: int) -> Reference:
    """Name a rule set, with how far its sources were checked, every flag, and its standing."""
    tally = Counter(citation.verified for citation in rule_set.citations)
    signs = [(VERIFIED_SIGNS.get(mark, "○"), mark, tally[mark]) for mark in sorted(tally)]
    checked = ", ".join(f"{sign} {number} {mark}" for sign, mark, number in signs)
    caveats = [f"sources: {checked or 'none cited'}"]
    if rule_set.flags:
        flags = ", ".join(f"{flag.field} ({flag.status})" for flag in rule_set.flags)
        caveats.append(f"⚑ flags: {flags}")
    if not rule_set.statutory:
        caveats.append("not law")
    marks = " ".join(f"{sign}{NBSP}{number}" for sign, _, number in signs)
    return Reference(
        f"{rule_set.id} {rule_set.version}",
        anchor("rules", rule_set.id, number),
        tuple(caveats),
        f"{marks} ⚑{NBSP}{len(rule_set.flags)}" if rule_set.flags else marks,
    )


def references(document: AuditDocument) -> dict[str, Reference]:
    """Name every rule set of the document, by id."""
    return {
        rule_set.id: reference(rule_set, number)
        for number, rule_set in enumerate(document.rule_sets)
    }
