"""What is requested of a stress: changes of rules, or the references in parts; what is not simulated."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from harmonize.api.stress_case import NamedChange
from harmonize.api.stress_changes import Change
from harmonize.api.stress_references import Reference
from harmonize.core.schedule import Unknown
from harmonize.document.stress import StressRow
from harmonize.stress.positions import Positions

_NO_RULE_SET = (Reference("", Unknown(""), Unknown("")),)
"""Stands for the rule sets of a change that needs none."""


@dataclass(frozen=True, slots=True)
class UnderlyingChanges:
    """Changes that can be simulated, and why others cannot."""

    made: tuple[NamedChange, ...]
    missing: tuple[str, ...]


def requested_changes(
    changes: Sequence[Change],
    references: Sequence[Reference],
    underlying: str,
    not_in_book: Collection[tuple[str, str]],
    venues: Collection[str],
) -> UnderlyingChanges:
    """Returns the changes on an underlying: without any, every reference with both margins and each alone.

    ``venues`` are those of the book, ``not_in_book`` other venues with the reason for it.
    """
    if not changes:
        return _default_changes(references, underlying)
    absent = dict(not_in_book)
    made, missing = [], []
    for change in changes:
        begin = f"underlying {underlying}: what-if {change.specification}"
        if change.kind == "adopt" and change.argument not in venues:
            reason = absent.get(change.argument, "no margins were observed")
            missing.append(f"{begin}: {change.argument} is not in the book: {reason}")
            continue
        for reference in references if change.margin_types else _NO_RULE_SET:
            what_if = change.what_if(reference.initial, reference.maintenance)
            if isinstance(what_if, Unknown):
                missing.append(f"{begin}: {what_if.reason}{_fix(change, reference)}")
            else:
                made.append(NamedChange(change.specification, reference.rule_set, what_if))
    return UnderlyingChanges(tuple(made), tuple(missing))


def _fix(change: Change, reference: Reference) -> str:
    """Returns the part of the reference that is known, as a fix; empty without any."""
    parts = {"reference=im": reference.initial, "reference=mm": reference.maintenance}
    known = [name for name, margin in parts.items() if not isinstance(margin, Unknown)]
    return f"; use {known[0]}" if known and len(change.margin_types) == len(parts) else ""


def _default_changes(references: Sequence[Reference], underlying: str) -> UnderlyingChanges:
    made = [
        NamedChange(specification, reference.rule_set, what_if)
        for reference in references
        for specification, what_if in reference.changes()
    ]
    missing = [
        f"underlying {underlying}: what-if reference: {'; '.join(reference.reasons)}"
        for reference in references
        if not reference.changes()
    ]
    return UnderlyingChanges(tuple(made), tuple(missing))


def reference_notes(rows: Sequence[StressRow], changes: Sequence[Change]) -> tuple[str, ...]:
    """Returns why only one margin of a rule set is applied, if no change was requested by name."""
    if changes:
        return ()
    applied = {(row.underlying, change.rule_set) for row in rows for change in row.reactions}
    return tuple(
        f"underlying {row.underlying}: {own.reason}; only the other margin is applied"
        for row in rows
        for own in row.thresholds
        if own.reason and (row.underlying, own.rule_set) in applied
    )


def unsimulated(
    venues: Sequence[str],
    funds: Iterable[str],
    positions: Positions | None,
    rows: Sequence[StressRow],
) -> list[str]:
    """Returns the requested venues that no book contains, funds without positions, and given positions."""
    simulated = {venue.venue for row in rows for venue in row.venues}
    absent = {own.venue: own.reason for row in rows for own in row.not_observable}
    lines = [
        f"venue {venue}: not simulated: {absent.get(venue, 'no open interest and margins')}"
        for venue in venues
        if venue not in simulated
    ]
    lines += [
        f"option --fund {venue}: not counted: {absent.get(venue, 'no position is on this venue')}"
        for venue in funds
        if venue not in simulated
    ]
    if positions is None:
        return lines
    given = set(positions.venues)
    lines += [
        f"positions: {row.underlying} on {own.venue}: not simulated: {own.reason}"
        for row in rows
        for own in row.not_observable
        if own.venue in given
    ]
    return lines
