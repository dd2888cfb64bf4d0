"""Matrices of venue by underlying: heat map of divergence, and coverage."""

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
from reports.html.page import HeatMap, LegendEntry, MatrixCell, MatrixRow, Reference
from reports.lookup import (
    MARGIN_TYPES,
    Lookup,
    date_text,
    earliest_date,
    lower_bound,
    point_at,
)

COLUMNS = 12
"""Largest number of underlyings per matrix; the page states how many it omits."""

_SHADES = (1.25, 2.0, 4.0, 8.0)
_STALE, _INEXACT, _DOCUMENTATION, _EXCLUDED = "†", "≤", "‡", "°"
_NOT_OBSERVABLE = MatrixCell("no", "n/o", "")
_STATUS_ENTRIES = {
    CoverageStatus.OBSERVED: LegendEntry("ob", "● obs", "observed"),
    CoverageStatus.STALE: LegendEntry("st", "◐ stale", "stale snapshot"),
    CoverageStatus.DOCUMENTATION: LegendEntry("dc", "◇ doc", "from documentation"),
    CoverageStatus.NOT_OBSERVABLE: LegendEntry("no", "✕ n/o", "not observable"),
}
_NOT_LISTED_ENTRY = LegendEntry("nl", "·", "not listed")
_NOT_RECORDED_ENTRY = LegendEntry("ni", "?", "not in this recording")


def heat_maps(lookup: Lookup, references: dict[str, Reference]) -> tuple[HeatMap, ...]:
    """Returns the divergence of all venues from each schedule rule set, IM before MM."""
    return tuple(
        _heat_map(lookup, rule_set, margin_type, name, references[rule_set.id])
        for rule_set in lookup.references
        for margin_type, name in MARGIN_TYPES
    )


def heat_legend() -> tuple[LegendEntry, ...]:
    """Returns the legend of shades and marks."""
    less = [numbers.deviation(1 / shade - 1) for shade in _SHADES]
    more = [numbers.deviation(shade - 1) for shade in _SHADES]
    return (
        LegendEntry("u4", "−", f"{less[3]} and below"),
        LegendEntry("u3", "−", f"{less[2]} and below"),
        LegendEntry("u2", "−", f"{less[1]} and below"),
        LegendEntry("u1", "−", f"{less[0]} and below"),
        LegendEntry("z0", "0", "between"),
        LegendEntry("o1", "+", f"{more[0]} and above"),
        LegendEntry("o2", "+", f"{more[1]} and above"),
        LegendEntry("o3", "+", f"{more[2]} and above"),
        LegendEntry("o4", "+", f"{more[3]} and above"),
        LegendEntry("", _STALE, "stale snapshot"),
        LegendEntry("", _INEXACT, "date not exact"),
        LegendEntry("", _DOCUMENTATION, "from documentation"),
        LegendEntry("", _EXCLUDED, "excluded from cross-venue statistics"),
        LegendEntry("no", "n/o", "not observable"),
        LegendEntry("lb", "≥", "lower bound only: the venue requires at least a rate"),
        LegendEntry("nc", ">cap", "above the capacity of the venue"),
        LegendEntry("nr", "no ref", "no requirement at this notional"),
        _NOT_LISTED_ENTRY,
        _NOT_RECORDED_ENTRY,
    )


def statuses() -> tuple[LegendEntry, ...]:
    """Returns the legend of the coverage matrix."""
    return (*_STATUS_ENTRIES.values(), _NOT_LISTED_ENTRY, _NOT_RECORDED_ENTRY)


def coverage_columns(lookup: Lookup) -> tuple[str, ...]:
    """Underlyings of the coverage matrix; compared underlyings come first."""
    others = sorted({row.underlying for row in lookup.document.coverage} - set(lookup.comparisons))
    return tuple([*lookup.reading_order, *others][:COLUMNS])


def coverage_matrix(lookup: Lookup) -> tuple[MatrixRow, ...]:
    """Returns the coverage status of these underlyings, per venue that lists one of them."""
    underlyings = coverage_columns(lookup)
    return tuple(
        MatrixRow(venue, tuple(_status_cell(lookup, venue, name) for name in underlyings), "")
        for venue in _venues_listing(lookup, underlyings)
    )


def _venues_listing(lookup: Lookup, underlyings: Sequence[str]) -> list[str]:
    """Venues that list at least one of the underlyings."""
    return [
        venue
        for venue in lookup.venues
        if any((venue, name) in lookup.coverage for name in underlyings)
    ]


def _status_cell(lookup: Lookup, venue: str, underlying: str) -> MatrixCell:
    row = lookup.coverage.get((venue, underlying))
    if row is None:
        entry = _absent_entry(lookup, venue)
        return MatrixCell(entry.css, entry.sign, "")
    mark = _STATUS_ENTRIES[row.status]
    return MatrixCell(mark.css, mark.sign, row.reason)


def _absent_entry(lookup: Lookup, venue: str) -> LegendEntry:
    """Returns the mark of an underlying without a schedule: only a complete snapshot proves absence."""
    return _NOT_LISTED_ENTRY if venue in lookup.complete_venues else _NOT_RECORDED_ENTRY


def _heat_map(
    lookup: Lookup, rule_set: RuleSetRow, margin_type: str, name: str, reference: Reference
) -> HeatMap:
    notional = lookup.document.heat_map_notional
    names = _covered_underlyings(lookup, rule_set)[:COLUMNS]
    comparisons = [lookup.comparisons[name] for name in names]
    by_underlying = [
        _cells(lookup, comparison, rule_set, margin_type) for comparison in comparisons
    ]
    rows = tuple(
        MatrixRow(
            venue,
            tuple(cells[venue] for cells in by_underlying),
            _observed_dates(lookup, venue, names),
        )
        for venue in _venues_listing(lookup, names)
    )
    dates = numbers.date_range(
        min((row.oldest for row in comparisons), default=None),
        max((row.newest for row in comparisons), default=None),
    )
    at_notional = numbers.usd(notional)
    return HeatMap(
        f"{name} at {at_notional} against {rule_set.id}",
        f"Deviation of each venue's {name.lower()} at {at_notional} of notional from"
        f" {rule_set.title}: below (−) or above (+). Dates compared: {dates}.",
        reference,
        tuple(names),
        rows,
    )


def _observed_dates(lookup: Lookup, venue: str, names: Sequence[str]) -> str:
    """Returns the observation dates of a venue's schedules on some underlyings."""
    dates = [lookup.coverage[venue, name] for name in names if (venue, name) in lookup.coverage]
    if len({date_text(row) for row in dates}) == 1:
        return date_text(dates[0])
    newest = max(row.observed_at for row in dates)
    return numbers.date_range(min(map(earliest_date, dates)), newest)


def omitted_underlyings(lookup: Lookup) -> str:
    """States how many compared underlyings the heat maps omit; empty if none."""
    sentences = []
    for rule_set in lookup.references:
        covered = len(_covered_underlyings(lookup, rule_set))
        if len(lookup.comparisons) > covered:
            number = numbers.count_text(len(lookup.comparisons) - covered, "compared underlying")
            sentences.append(f"{rule_set.id} does not cover {number}")
        if covered > COLUMNS:
            sentences.append(f"{numbers.count(covered - COLUMNS)} more are in the JSON document")
    return "; ".join(sentences)


def _covered_underlyings(lookup: Lookup, rule_set: RuleSetRow) -> list[str]:
    """Returns the compared underlyings that a rule set covers, in reading order."""
    covered = {
        row.underlying
        for row in lookup.document.divergences
        if row.rule_set == rule_set.id and any(point.required is not None for point in row.points)
    }
    return [name for name in lookup.reading_order if name in covered]


def _cells(
    lookup: Lookup, comparison: Comparison, rule_set: RuleSetRow, margin_type: str
) -> dict[str, MatrixCell]:
    """Returns the cell of each venue for one underlying."""
    members = {member.venue: member for member in comparison.members}
    cells = {}
    for venue in lookup.venues:
        member = members.get(venue)
        if member is None:
            cells[venue] = _absent_cell(lookup, venue, comparison.underlying)
        else:
            row = lookup.divergence(rule_set.id, margin_type, member)
            notional = lookup.document.heat_map_notional
            least = lower_bound(lookup.schedule(member), margin_type, notional)
            cells[venue] = _bound_cell(member, least) if least else _cell(row, member, notional)
    return cells


def _absent_cell(lookup: Lookup, venue: str, underlying: str) -> MatrixCell:
    row = lookup.coverage.get((venue, underlying))
    if row is None:
        entry = _absent_entry(lookup, venue)
        return MatrixCell(entry.css, entry.sign, "")
    return MatrixCell("no", "n/o", row.reason) if row.reason else _NOT_OBSERVABLE


def _bound_cell(member: Member, least: str) -> MatrixCell:
    """Returns the cell of a venue whose margin at the notional is a lower bound."""
    reason = f": {member.exclusion_reason}" if member.exclusion_reason else ""
    return MatrixCell("lb", "≥", f"requires {least}{reason}")


def _cell(row: DivergenceRow | None, member: Member, notional: float) -> MatrixCell:
    point = point_at(row, notional)
    if row is None or point is None:
        return MatrixCell("no", "n/o", row.reason) if row and row.reason else _NOT_OBSERVABLE
    if point.deviation is not None:
        marks, reasons = member_marks(member)
        return MatrixCell(
            _shade(point.deviation), numbers.deviation(point.deviation) + marks, reasons
        )
    if row.verdict is Verdict.NOT_OBSERVABLE:
        return MatrixCell("no", "n/o", row.reason)
    if point.above_capacity:
        return MatrixCell("nc", ">cap", row.reason)
    if point.margin is None:
        return MatrixCell("no", "n/o", "the schedule was not observed up to this notional")
    return MatrixCell("nr", "no ref", row.reason)


def member_marks(member: Member) -> tuple[str, str]:
    """Returns the marks on a venue's margins, and their meaning."""
    conditions = [
        (_STALE, f"stale: observed {date_text(member)}", member.stale),
        (_INEXACT, f"date not exact: {date_text(member)}", member.date_kind != "exact"),
        (_DOCUMENTATION, "from documentation", member.origin == "documentation"),
        (_EXCLUDED, f"excluded: {member.exclusion_reason}", not member.included),
    ]
    marks = "".join(mark for mark, _, applies in conditions if applies)
    return marks, "; ".join(meaning for _, meaning, applies in conditions if applies)


def _shade(deviation: float) -> str:
    """Returns the shade of a deviation, by its ratio: half and double have the same depth."""
    if deviation <= -1:
        return "u4"
    ratio = math.exp(abs(math.log1p(deviation)))
    step = sum(ratio >= shade * (1 - 1e-12) for shade in _SHADES)
    return "z0" if step == 0 else f"{'u' if deviation < 0 else 'o'}{step}"
