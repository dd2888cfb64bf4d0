"""Rule sets as text with their caveats, and anchors within the page."""

import re
from collections import Counter
from collections.abc import Callable

from harmonize.document import AuditDocument, RuleSetRow
from harmonize.text.numbers import NBSP
from harmonize.text.words import VERIFIED_SIGNS
from reports.html.page import Reference

_NOT_WORD = re.compile(r"[^a-z0-9]+")


def make_anchor(kind: str, name: str, number: int) -> str:
    """Returns an element id: unique by its number, readable by its name."""
    return f"{kind}-{_NOT_WORD.sub('-', name.lower()).strip('-') or 'x'}-{number}"


def reference(rule_set: RuleSetRow, address: str) -> Reference:
    """Returns a rule set with the verification of its sources, its flags and its legal status.

    ``address`` leads to its citations.
    """
    tally = Counter(citation.verified for citation in rule_set.citations)
    signs = [(VERIFIED_SIGNS.get(level, "○"), level, tally[level]) for level in sorted(tally)]
    sources = ", ".join(f"{sign} {number} {level}" for sign, level, number in signs)
    caveats = [f"sources: {sources or 'none cited'}"]
    if rule_set.flags:
        flags = ", ".join(f"{flag.field} ({flag.status})" for flag in rule_set.flags)
        caveats.append(f"⚑ flags: {flags}")
    if not rule_set.statutory:
        caveats.append("not statutory")
    marks = " ".join(f"{sign}{NBSP}{number}" for sign, _, number in signs)
    return Reference(
        f"{rule_set.id} {rule_set.version}",
        address,
        tuple(caveats),
        f"{marks} ⚑{NBSP}{len(rule_set.flags)}" if rule_set.flags else marks,
    )


def references(
    document: AuditDocument, address_of: Callable[[str], str] | None = None
) -> dict[str, Reference]:
    """Returns the reference text of every rule set in the document, by id.

    ``address_of`` returns the address of a rule set; by default, its anchor within the page.
    """
    return {
        rule_set.id: reference(
            rule_set,
            address_of(rule_set.id)
            if address_of
            else f"#{make_anchor('rules', rule_set.id, number)}",
        )
        for number, rule_set in enumerate(document.rule_sets)
    }
