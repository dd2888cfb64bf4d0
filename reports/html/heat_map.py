"""Venue by underlying: the heat-map of divergence, and what could be observed."""

import math
from collections.abc import Sequence

from harmonize.document import (
    Comparison,
    CoverageStatus,
    DivergenceRow,
    Member,
    RuleSetRow,
    Verdict,
)
from harmonize.text import numbers
from reports.html.page import Cell, HeatMap, Mark, MatrixRow, Reference
from reports.lookup import FIGURES, Lookup, at

COLUMNS = 12
"""How many underlyings a matrix shows; the rest is in the JSON document, and the page says so."""

_SHADES = (1.25, 2.0, 4.0, 8.0)
_STALE, _DOCUMENTATION, _ASIDE = "†", "‡", "°"
_NOT_OBSERVABLE = Cell("no", "n/o", "")
_NOT_LISTED = Cell("nl", "·", "")
_STATUS_MARKS = {
    CoverageStatus.OBSERVED: Mark("ob", "● obs", "observed"),
    CoverageStatus.STALE: Mark("st", "◐ stale", "stale snapshot"),
    CoverageStatus.DOCUMENTATION: Mark("dc", "◇ doc", "from documentation"),
    CoverageStatus.NOT_OBSERVABLE: Mark("no", "✕ n/o", "not observable"),
}
_UNLISTED_MARK = Mark("nl", "·", "not listed")


def heat_maps(lookup: Lookup, references: dict[str, Reference]) -> tuple[HeatMap, ...]:
    """Show every venue's divergence from every schedule rule set, IM then MM."""
    return tuple(
        _heat_map(lookup, rule_set, figure, name, references[rule_set.id])
        for rule_set in lookup.references
        for figure, name in FIGURES
    )


def heat_legend() -> tuple[Mark, ...]:
    """Explain the shades and marks."""
    less = [numbers.divergence(1 / shade - 1) for shade in _SHADES]
    more = [numbers.divergence(shade - 1) for shade in _SHADES]
    return (
        Mark("u4", "−", f"{less[3]} and below"),
        Mark("u3", "−", f"{less[2]} and below"),
        Mark("u2", "−", f"{less[1]} and below"),
        Mark("u1", "−", f"{less[0]} and below"),
        Mark("z0", "0", "between"),
        Mark("o1", "+", f"{more[0]} and above"),
        Mark("o2", "+", f"{more[1]} and above"),
        Mark("o3", "+", f"{more[2]} and above"),
        Mark("o4", "+", f"{more[3]} and above"),
        Mark("", _STALE, "stale snapshot"),
        Mark("", _DOCUMENTATION, "from documentation"),
        Mark("", _ASIDE, "in no cross-venue figure"),
        Mark("no", "n/o", "not observable"),
        Mark("nc", ">cap", "venue takes no position this large"),
        Mark("nr", "no ref", "reference says nothing here"),
        Mark("nl", "·", "not listed"),
    )


def statuses() -> tuple[Mark, ...]:
    """Explain the marks of the coverage matrix."""
    return (*_STATUS_MARKS.values(), _UNLISTED_MARK)


def coverage_columns(lookup: Lookup) -> tuple[str, ...]:
    """The underlyings of the coverage matrix: compared ones first."""
    others = sorted({row.underlying for row in lookup.document.coverage} - set(lookup.comparisons))
    return tuple([*lookup.reading_order, *others][:COLUMNS])


def coverage_matrix(lookup: Lookup) -> tuple[MatrixRow, ...]:
    """Show what is known of the underlyings that fit, on every venue that lists one of them."""
    shown = coverage_columns(lookup)
    return tuple(
        MatrixRow(venue, tuple(_status(lookup, venue, name) for name in shown), "")
        for venue in _listing(lookup, shown)
    )


def _listing(lookup: Lookup, shown: Sequence[str]) -> list[str]:
    """The venues that list any of some underlyings."""
    return [
        venue for venue in lookup.venues if any((venue, name) in lookup.coverage for name in shown)
    ]


def _status(lookup: Lookup, venue: str, underlying: str) -> Cell:
    row = lookup.coverage.get((venue, underlying))
    if row is None:
        return Cell(_UNLISTED_MARK.css, _UNLISTED_MARK.mark, "")
    mark = _STATUS_MARKS[row.status]
    return Cell(mark.css, mark.mark, row.reason)


def _heat_map(
    lookup: Lookup, rule_set: RuleSetRow, figure: str, name: str, reference: Reference
) -> HeatMap:
    notional = lookup.document.heat_map_notional
    names = _judged(lookup, rule_set)[:COLUMNS]
    shown = [lookup.comparisons[name] for name in names]
    by_underlying = [_cells(lookup, comparison, rule_set, figure) for comparison in shown]
    rows = tuple(
        MatrixRow(
            venue,
            tuple(cells[venue] for cells in by_underlying),
            _observed(lookup, venue, names),
        )
        for venue in _listing(lookup, names)
    )
    dates = numbers.span(
        min((row.oldest for row in shown), default=None),
        max((row.newest for row in shown), default=None),
    )
    at_notional = numbers.usd(notional)
    return HeatMap(
        f"{name} at {at_notional} against {rule_set.id}",
        f"How far each venue's {name.lower()} at {at_notional} of notional lies below (−) or above"
        f" (+) {rule_set.title}. Dates compared: {dates}.",
        reference,
        tuple(names),
        rows,
    )


def _observed(lookup: Lookup, venue: str, names: Sequence[str]) -> str:
    """The span of dates of a venue's schedules on some underlyings."""
    dates = [
        lookup.coverage[venue, name].observed_at
        for name in names
        if (venue, name) in lookup.coverage
    ]
    return numbers.span(min(dates), max(dates))


def left_out(lookup: Lookup) -> str:
    """Say which compared underlyings the heat-maps do not show."""
    said = []
    for rule_set in lookup.references:
        judged = len(_judged(lookup, rule_set))
        if len(lookup.comparisons) > judged:
            number = numbers.counted(len(lookup.comparisons) - judged, "compared underlying")
            said.append(f"{rule_set.id} says nothing of {number}")
        if judged > COLUMNS:
            said.append(f"{numbers.count(judged - COLUMNS)} more are in the JSON document")
    return "; ".join(said)


def _judged(lookup: Lookup, rule_set: RuleSetRow) -> list[str]:
    """Give the compared underlyings that a rule set speaks of, in reading order."""
    spoken_of = {
        row.underlying
        for row in lookup.document.divergences
        if row.rule_set == rule_set.id and any(point.required is not None for point in row.points)
    }
    return [name for name in lookup.reading_order if name in spoken_of]


def _cells(
    lookup: Lookup, comparison: Comparison, rule_set: RuleSetRow, figure: str
) -> dict[str, Cell]:
    """What each venue asks on one underlying, as a cell."""
    members = {member.venue: member for member in comparison.members}
    cells = {}
    for venue in lookup.venues:
        member = members.get(venue)
        if member is None:
            cells[venue] = _absent(lookup, venue, comparison.underlying)
        else:
            row = lookup.divergence(rule_set.id, figure, member)
            cells[venue] = _cell(row, member, lookup.document.heat_map_notional)
    return cells


def _absent(lookup: Lookup, venue: str, underlying: str) -> Cell:
    row = lookup.coverage.get((venue, underlying))
    if row is None:
        return _NOT_LISTED
    return Cell("no", "n/o", row.reason) if row.reason else _NOT_OBSERVABLE


def _cell(row: DivergenceRow | None, member: Member, notional: float) -> Cell:
    point = at(row, notional)
    if row is None or point is None:
        return Cell("no", "n/o", row.reason) if row and row.reason else _NOT_OBSERVABLE
    if point.deviation is not None:
        marks, reasons = member_marks(member)
        return Cell(_shade(point.deviation), numbers.divergence(point.deviation) + marks, reasons)
    if row.verdict is Verdict.NOT_OBSERVABLE:
        return Cell("no", "n/o", row.reason)
    if point.above_capacity:
        return Cell("nc", ">cap", row.reason)
    if point.margin is None:
        return Cell("no", "n/o", "the schedule was not observed up to this size")
    return Cell("nr", "no ref", row.reason)


def member_marks(member: Member) -> tuple[str, str]:
    """Give the marks on a venue's figures, and the words for them."""
    marked = [
        (_STALE, f"stale: observed {numbers.date(member.observed_at)}", member.stale),
        (_DOCUMENTATION, "from documentation", member.origin == "documentation"),
        (_ASIDE, f"not counted: {member.exclusion_reason}", not member.included),
    ]
    marks = "".join(mark for mark, _, holds in marked if holds)
    return marks, "; ".join(words for _, words, holds in marked if holds)


def _shade(divergence: float) -> str:
    """Give the shade by how many times off, so that half and double weigh the same."""
    if divergence <= -1:
        return "u4"
    off = math.exp(abs(math.log1p(divergence)))
    step = sum(off >= shade * (1 - 1e-12) for shade in _SHADES)
    return "z0" if step == 0 else f"{'u' if divergence < 0 else 'o'}{step}"
