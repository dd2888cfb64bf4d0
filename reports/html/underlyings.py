"""One underlying across venues: its charts, the numbers in them, and who asks least where."""

from collections import Counter
from itertools import groupby

from harmonize.document import Comparison, Curve, Member, Spread, SpreadInterval
from harmonize.text import numbers
from harmonize.text.words import listed
from reports.charts.margin_curves import Drawing, draw
from reports.html.heat_map import member_marks
from reports.html.page import ChartFigure, ChartSection, CheapestRow, LadderRow, Reference
from reports.html.references import anchor
from reports.lookup import FIGURES, Lookup, at

_RANGES = 30
_NAMED = 3
_STALE = 8  # stale venues that a note names; more are counted


def chart_sections(lookup: Lookup, references: dict[str, Reference]) -> tuple[ChartSection, ...]:
    """Make a section of every underlying that has curves, in the document's order."""
    styles = {venue: number for number, venue in enumerate(lookup.venues)}
    captions = {
        (underlying, figure): _caption(lookup, underlying, figure, name)
        for underlying in lookup.drawn
        for figure, name in FIGURES
    }
    drawings = [
        Drawing(
            anchor(figure, underlying, number),
            f"{name} on {underlying}",
            captions[underlying, figure],
            tuple(curve for curve in curves if curve.margin_type == figure),
            styles,
        )
        for number, (underlying, curves) in enumerate(lookup.drawn.items())
        for figure, name in FIGURES
    ]
    drawn = iter(draw(drawings)) if drawings else iter(())
    sections = []
    for number, underlying in enumerate(lookup.drawn):
        figures = tuple(
            ChartFigure(
                name,
                next(drawn),
                captions[underlying, figure],
                tuple(numbers.usd(notional) for notional in lookup.document.notional_grid),
                _ladder(lookup, underlying, figure),
                _cheapest(lookup.gaps.get((underlying, figure))),
                _dates(lookup.gaps.get((underlying, figure))),
            )
            for figure, name in FIGURES
        )
        sections.append(_section(lookup, underlying, number, figures, references))
    return tuple(sections)


def _section(
    lookup: Lookup,
    underlying: str,
    number: int,
    figures: tuple[ChartFigure, ...],
    references: dict[str, Reference],
) -> ChartSection:
    comparison = lookup.comparisons.get(underlying)
    drawn = dict.fromkeys(curve.name for curve in lookup.drawn[underlying] if curve.is_reference)
    return ChartSection(
        underlying,
        anchor("on", underlying, number),
        numbers.span(comparison.oldest, comparison.newest) if comparison else "",
        _notes(lookup, comparison) if comparison else (),
        tuple(references[name] for name in drawn if name in references),
        figures,
    )


def _notes(lookup: Lookup, comparison: Comparison) -> tuple[str, ...]:
    reasons: dict[str, list[str]] = {}
    for member in comparison.members:
        if not member.included:
            reasons.setdefault(member.exclusion_reason, []).append(member.venue)
    grouped = [f"{listed(venues)} ({reason})" for reason, venues in sorted(reasons.items())]
    notes = [f"Shown, but in no cross-venue figure: {'; '.join(grouped)}."] if grouped else []
    stale = [member.venue for member in comparison.members if member.stale]
    if len(stale) > _STALE:
        of = numbers.counted(len(comparison.members), "venue")
        notes.append(
            f"Stale: {numbers.count(len(stale))} of {of}, each marked in the numbers below."
        )
    elif stale:
        notes.append(f"Stale: {listed(stale)}.")
    documented = [m.venue for m in comparison.members if m.origin == "documentation"]
    if documented:
        notes.append(f"From documentation, not observed: {listed(documented)}.")
    schedules = [lookup.schedule(member) for member in comparison.members]
    meanings = Counter(row.maintenance_meaning for row in schedules if row)
    if len(meanings) > 1:
        kinds = listed([f"{meaning} ({meanings[meaning]})" for meaning in sorted(meanings)])
        notes.append(f"Maintenance margin does not mean the same at every venue: {kinds}.")
    return tuple(notes)


def _caption(lookup: Lookup, underlying: str, figure: str, name: str) -> str:
    """State the result in a sentence; it is the drawing's description too."""
    document = lookup.document
    point = lookup.spread(underlying, figure, document.heat_map_notional)
    curves = [c for c in lookup.drawn[underlying] if c.margin_type == figure and not c.is_reference]
    where = numbers.usd(document.heat_map_notional)
    if point:
        low, high = point.lowest / point.notional, point.highest / point.notional
        result = (
            f"at {where}, of {numbers.counted(point.venues, 'venue')} compared,"
            f" {listed(point.lowest_venues, _NAMED)}"
            f" {'asks' if len(point.lowest_venues) == 1 else 'ask'} least,"
            f" {numbers.rate(low)} ({numbers.leverage(low)}), and"
            f" {listed(point.highest_venues, _NAMED)} most,"
            f" {numbers.rate(high)} ({numbers.leverage(high)})"
        )
    elif curves:
        rates = [rate for curve in curves for rate in curve.rate]
        result = f"from {numbers.rate(min(rates))} to {numbers.rate(max(rates))} of notional"
    else:
        result = "not observable at any venue"
    asked = _asked_by_reference(lookup, underlying, figure)
    dates = _dates(lookup.gaps.get((underlying, figure)))
    dated = f" Dates compared: {dates}." if dates else ""
    venues = numbers.counted(len(curves), "venue")
    comparison = lookup.comparisons.get(underlying)
    undrawn = {member.venue for member in comparison.members} if comparison else set()
    undrawn -= {curve.name for curve in curves}
    more = f", {numbers.count(len(undrawn))} more in the numbers below" if undrawn else ""
    return f"{name} on {underlying}, {venues} drawn{more}: {result}.{asked}{dated}"


def _dates(gap: Spread | None) -> str:
    """Give the dates of the venues that count in a spread."""
    return numbers.span(gap.oldest, gap.newest) if gap else ""


def _asked_by_reference(lookup: Lookup, underlying: str, figure: str) -> str:
    comparison = lookup.comparisons.get(underlying)
    notional = lookup.document.heat_map_notional
    for rule_set in lookup.references:
        for member in comparison.members if comparison else ():
            point = at(lookup.divergence(rule_set.id, figure, member), notional)
            if point and point.required is not None:
                return f" {rule_set.id} asks {numbers.rate(point.required / notional)}."
    return ""


def _ladder(lookup: Lookup, underlying: str, figure: str) -> tuple[LadderRow, ...]:
    """Give the rates at the ladder: the references first, then the venues."""
    ladder = lookup.document.notional_grid
    comparison = lookup.comparisons.get(underlying)
    members = {member.venue: member for member in comparison.members} if comparison else {}
    curves = [curve for curve in lookup.drawn[underlying] if curve.margin_type == figure]
    rows = [
        LadderRow(
            curve.name,
            "",
            reference=True,
            cells=tuple(
                numbers.rate(_required(lookup, curve, figure, notional, list(members.values())))
                for notional in ladder
            ),
            note="",
        )
        for curve in curves
        if curve.is_reference
    ]
    drawn = {curve.name: curve for curve in curves if not curve.is_reference}
    for venue in sorted({*members, *drawn}):
        member = members.get(venue)
        rates = [_observed(lookup, member, drawn.get(venue), figure, n) for n in ladder]
        rows.append(
            LadderRow(
                venue,
                f"{member.symbol} · {member.profile}" if member else "",
                reference=False,
                cells=tuple(numbers.rate(rate) for rate in rates),
                note=_note(lookup, member, figure) if member else "",
            )
        )
    return tuple(rows)


def _observed(
    lookup: Lookup, member: Member | None, curve: Curve | None, figure: str, notional: float
) -> float | None:
    """Read a venue's rate off the document: nothing is evaluated between its points."""
    for rule_set in lookup.references:
        point = at(lookup.divergence(rule_set.id, figure, member), notional) if member else None
        if point and point.margin is not None:
            return point.margin / notional
    return _read_off(curve, notional)


def _required(
    lookup: Lookup, curve: Curve, figure: str, notional: float, members: list[Member]
) -> float | None:
    for member in members:
        point = at(lookup.divergence(curve.name, figure, member), notional)
        if point and point.required is not None:
            return point.required / notional
    return _read_off(curve, notional)


def _read_off(curve: Curve | None, notional: float) -> float | None:
    """Find the rate where the curve has a point; of a jump, the rate of the lower piece."""
    if curve is None or notional not in curve.notional:
        return None
    return curve.rate[curve.notional.index(notional)]


def _note(lookup: Lookup, member: Member, figure: str) -> str:
    _, reasons = member_marks(member)
    schedule = lookup.schedule(member)
    if schedule is None:
        return reasons
    notes = [reasons] if reasons else []
    if figure == "maintenance":
        notes.append(schedule.maintenance_meaning)
        derivation = schedule.maintenance_note
    else:
        derivation = schedule.initial_note
    if derivation:
        notes.append(derivation)
    return "; ".join(notes)


def _cheapest(gap: Spread | None) -> tuple[CheapestRow, ...]:
    """List who asks least; neighbours with the same cheapest venues make one range."""
    if gap is None:
        return ()
    runs = [tuple(run) for _, run in groupby(gap.intervals, key=lambda part: part.lowest_venues)]
    rows = [_range(run) for run in runs]
    if len(rows) <= _RANGES:
        return tuple(rows)
    left = numbers.count(len(rows) - _RANGES)
    return (*rows[:_RANGES], CheapestRow(f"{left} more ranges in the JSON document", "", "", ""))


def _range(run: tuple[SpreadInterval, ...]) -> CheapestRow:
    first, last = run[0], run[-1]
    dearest = list(dict.fromkeys(venue for part in run for venue in part.highest_venues))
    start, end = numbers.usd(first.spread_lower), numbers.usd(last.spread_upper)
    return CheapestRow(
        numbers.interval(first.lower, last.upper),
        listed(first.lowest_venues),
        listed(dearest),
        _between(start, end if last.spread_upper is not None else ""),
    )


def _between(start: str, end: str) -> str:
    """Write a spread at both ends of its range; one that is open-ended has no second end."""
    if not end:
        return f"from {start}"
    return start if start == end else f"{start} – {end}"
