"""Words for what the document names by code: lists, figures, rule sets with their caveats."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from harmonize.document import AuditDocument, RuleSetRow
from reports.page import Reference

VERIFIED_SIGNS = {"primary": "●", "secondary": "◐", "derived": "◇", "unverified": "○"}
"""How far a citation was checked, as a shape."""

NBSP = "\N{NO-BREAK SPACE}"

_NOT_WORD = re.compile(r"[^a-z0-9]+")


def listed(words: Sequence[str], most: int = 0) -> str:
    """Join words as in a sentence: ``a, b and c``; above `most`, ``a, b and 3 others``."""
    if most and len(words) > most + 1:
        words = [*words[:most], f"{len(words) - most} others"]
    if len(words) < 2:  # noqa: PLR2004 - one word needs no "and"
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def some(words: Iterable[str], most: int) -> str:
    """Name the first `most` and say how many there are besides."""
    named = list(words)
    left = len(named) - most
    return ", ".join(named[:most]) + (f" … and {left} more" if left > 0 else "")


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
