"""Section per underlying: margin charts, their numbers, and the lowest margin by notional."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby

from harmonize.document import Comparison, Curve, Member, Spread, SpreadInterval, Status
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.charts.curve_lines import CurveLine, curve_lines
from reports.charts.svg import EMPHASISED, Frame, Svg
from reports.html.emphasis import venue_styles, venues_to_name
from reports.html.heat_map import member_marks
from reports.html.page import GridRow, LowestMarginRow, MarginChart, Reference, UnderlyingSection
from reports.html.references import make_anchor
from reports.lookup import MARGIN_TYPES, Lookup, lower_bound, point_at
from reports.piece_values import margin_at

NOT_OBSERVED = "not observed"
"""Why a curve ends, if margins above its end were not observed."""

_RANGES = 30
_NAMED = 3
_STALE = 8  # largest number of stale venues named in a note; more are counted


def underlying_sections(
    lookup: Lookup, references: dict[str, Reference]
) -> tuple[UnderlyingSection, ...]:
    """Returns a section per underlying with curves, in the order of the document."""
    styles = venue_styles(lookup, lookup.venues)
    captions = {
        (underlying, margin_type): _caption(lookup, underlying, margin_type, name)
        for underlying in lookup.curves
        for margin_type, name in MARGIN_TYPES
    }
    sections = []
    for number, (underlying, curves) in enumerate(lookup.curves.items()):
        charts = tuple(
            MarginChart(
                name,
                _draw(
                    Frame(
                        make_anchor(margin_type, underlying, number),
                        f"{name} on {underlying}",
                        captions[underlying, margin_type],
                    ),
                    [curve for curve in curves if curve.margin_type == margin_type],
                    _named(lookup, underlying, margin_type),
                    styles,
                    _unverified(lookup, underlying, margin_type),
                ),
                captions[underlying, margin_type],
                tuple(numbers.usd(notional) for notional in lookup.document.notional_grid),
                _grid_rows(lookup, underlying, margin_type),
                _lowest_margin_rows(lookup.spreads.get((underlying, margin_type))),
                _dates(lookup.spreads.get((underlying, margin_type))),
            )
            for margin_type, name in MARGIN_TYPES
        )
        sections.append(_section(lookup, underlying, number, charts, references))
    return tuple(sections)


def _named(lookup: Lookup, underlying: str, margin_type: str) -> frozenset[str]:
    """Returns the venues that a chart names; references take a place each."""
    curves = [curve for curve in lookup.curves[underlying] if curve.margin_type == margin_type]
    names = [curve.name for curve in curves if not curve.is_reference]
    notional = lookup.document.heat_map_notional
    comparison = lookup.comparisons.get(underlying)
    compared = []
    for member in comparison.members if comparison else ():
        row = lookup.schedule(member)
        amount = margin_at(row, margin_type, notional).amount if row else None
        if member.included and member.venue in names and amount is not None:
            compared.append((amount, member.venue))
    return venues_to_name(compared, names, EMPHASISED - (len(curves) - len(names)))


def _draw(
    frame: Frame,
    curves: Sequence[Curve],
    named: AbstractSet[str],
    styles: Mapping[str, int],
    unverified: AbstractSet[str],
) -> Svg:
    drawn = sorted(
        (curve for curve in curves if curve.notional),
        key=lambda curve: (not curve.is_reference, curve.name),
    )
    notionals = [notional for curve in drawn for notional in curve.notional] or [1e3, 1e6]
    first, last = min(notionals), max(notionals)
    ends = (first, last) if first < last else (first / 2.0, first * 2.0)
    lines = [_line(curve, named, styles, unverified) for curve in drawn]
    return curve_lines(frame, lines, ends)


def _unverified(lookup: Lookup, underlying: str, margin_type: str) -> frozenset[str]:
    """Returns the venues whose margin no source verifies."""
    comparison = lookup.comparisons.get(underlying)
    venues = set()
    for member in comparison.members if comparison else ():
        row = lookup.schedule(member)
        is_initial = margin_type == "initial"
        status = (row.initial_status if is_initial else row.maintenance_status) if row else None
        if status is Status.UNVERIFIED:
            venues.add(member.venue)
    return frozenset(venues)


def _line(
    curve: Curve,
    named: AbstractSet[str],
    styles: Mapping[str, int],
    unverified: AbstractSet[str],
) -> CurveLine:
    points = tuple(zip(curve.notional, curve.rate, strict=True))
    known = _known_points(curve)
    return CurveLine(
        curve.name,
        points[:known],
        None if curve.is_reference else styles[curve.name],
        curve.is_reference or curve.name in named,
        points[known:],
        is_open=curve.end == NOT_OBSERVED,
        is_aside=not curve.is_reference and not curve.included,
        mark="○" if not curve.is_reference and curve.name in unverified else "",
    )


def _known_points(curve: Curve) -> int:
    """Returns the number of points at which the rate is the venue's, not a lower bound.

    A curve has two points at ``known_up_to``: the end of the known part, and the begin of the other.
    """
    limit = curve.known_up_to
    if limit is None or limit >= curve.notional[-1]:
        return len(curve.notional)
    below = sum(notional < limit for notional in curve.notional)
    return below + 1 if limit in curve.notional else below


def _section(
    lookup: Lookup,
    underlying: str,
    number: int,
    charts: tuple[MarginChart, ...],
    references: dict[str, Reference],
) -> UnderlyingSection:
    comparison = lookup.comparisons.get(underlying)
    reference_names = dict.fromkeys(
        curve.name for curve in lookup.curves[underlying] if curve.is_reference
    )
    return UnderlyingSection(
        underlying,
        make_anchor("on", underlying, number),
        numbers.date_range(comparison.oldest, comparison.newest) if comparison else "",
        _notes(lookup, comparison) if comparison else (),
        tuple(references[name] for name in reference_names if name in references),
        charts,
    )


def _notes(lookup: Lookup, comparison: Comparison) -> tuple[str, ...]:
    reasons: dict[str, list[str]] = {}
    for member in comparison.members:
        if not member.included:
            reasons.setdefault(member.exclusion_reason, []).append(member.venue)
    exclusions = [f"{join_words(venues)} ({reason})" for reason, venues in sorted(reasons.items())]
    notes = (
        [f"Shown, but excluded from cross-venue statistics: {'; '.join(exclusions)}."]
        if exclusions
        else []
    )
    stale = [member.venue for member in comparison.members if member.stale]
    if len(stale) > _STALE:
        venues_text = numbers.count_text(len(comparison.members), "venue")
        notes.append(
            f"Stale: {numbers.count(len(stale))} of {venues_text}, each marked in the table."
        )
    elif stale:
        notes.append(f"Stale: {join_words(stale)}.")
    from_documentation = [
        member.venue for member in comparison.members if member.origin == "documentation"
    ]
    if from_documentation:
        notes.append(f"From documentation, not observed: {join_words(from_documentation)}.")
    schedules = [lookup.schedule(member) for member in comparison.members]
    meanings = Counter(row.maintenance_meaning for row in schedules if row)
    if len(meanings) > 1:
        meanings_text = join_words(
            [f"{meaning} ({meanings[meaning]})" for meaning in sorted(meanings)]
        )
        notes.append(f"The meaning of maintenance margin differs between venues: {meanings_text}.")
    return tuple(notes)


def _caption(lookup: Lookup, underlying: str, margin_type: str, name: str) -> str:
    """Returns the result in a sentence, which is also the description of the chart."""
    document = lookup.document
    point = lookup.spread_point(underlying, margin_type, document.heat_map_notional)
    curves = [
        curve
        for curve in lookup.curves[underlying]
        if curve.margin_type == margin_type and not curve.is_reference
    ]
    notional = numbers.usd(document.heat_map_notional)
    if point:
        lowest = lookup.named(underlying, point.lowest_venues)
        highest = lookup.named(underlying, point.highest_venues)
        lowest_rate, highest_rate = point.lowest / point.notional, point.highest / point.notional
        result = (
            f"at {notional}, the lowest margin of {numbers.count_text(point.venues, 'venue')}"
            f" compared was {numbers.rate(lowest_rate)} ({numbers.leverage_at(lowest_rate)}) at"
            f" {join_words(lowest, _NAMED)}, the highest"
            f" {numbers.rate(highest_rate)} ({numbers.leverage_at(highest_rate)}) at"
            f" {join_words(highest, _NAMED)}"
        )
    elif known := [curve for curve in curves if curve.known_up_to is None]:
        rates = [rate for curve in known for rate in curve.rate]
        result = f"from {numbers.rate(min(rates))} to {numbers.rate(max(rates))} of notional"
    else:
        result = "known only as lower bounds" if curves else "not observable at any venue"
    required = _reference_requirement(lookup, underlying, margin_type)
    dates = _dates(lookup.spreads.get((underlying, margin_type)))
    dates_text = f" Dates compared: {dates}." if dates else ""
    venue_count = numbers.count_text(len(curves), "venue")
    comparison = lookup.comparisons.get(underlying)
    not_drawn = {member.venue for member in comparison.members} if comparison else set()
    not_drawn -= {curve.name for curve in curves}
    not_drawn_text = f", {numbers.count(len(not_drawn))} more in the table" if not_drawn else ""
    grey = len({curve.name for curve in curves} - _named(lookup, underlying, margin_type))
    grey_text = (
        f" {numbers.count(grey)} in grey, named on hover and focus and in the table."
        if grey
        else ""
    )
    return f"{name} on {underlying}, {venue_count} in the chart{not_drawn_text}: {result}.{required}{dates_text}{grey_text}"


def _dates(spread: Spread | None) -> str:
    """Returns the observation dates of the venues in a spread."""
    return numbers.date_range(spread.oldest, spread.newest) if spread else ""


def _reference_requirement(lookup: Lookup, underlying: str, margin_type: str) -> str:
    comparison = lookup.comparisons.get(underlying)
    notional = lookup.document.heat_map_notional
    for rule_set in lookup.references:
        for member in comparison.members if comparison else ():
            point = point_at(lookup.divergence(rule_set.id, margin_type, member), notional)
            if point and point.required is not None:
                return f" {rule_set.id} requires {numbers.rate(point.required / notional)}."
    return ""


def _grid_rows(lookup: Lookup, underlying: str, margin_type: str) -> tuple[GridRow, ...]:
    """Returns the rates at the notional grid: references first, then venues."""
    notional_grid = lookup.document.notional_grid
    comparison = lookup.comparisons.get(underlying)
    members = {member.venue: member for member in comparison.members} if comparison else {}
    curves = [curve for curve in lookup.curves[underlying] if curve.margin_type == margin_type]
    rows = [
        GridRow(
            curve.name,
            "",
            is_reference=True,
            cells=tuple(
                numbers.rate(
                    _required_rate(lookup, curve, margin_type, notional, list(members.values()))
                )
                for notional in notional_grid
            ),
            note="",
        )
        for curve in curves
        if curve.is_reference
    ]
    curves_by_venue = {curve.name: curve for curve in curves if not curve.is_reference}
    for venue in sorted({*members, *curves_by_venue}):
        member = members.get(venue)
        rates = [
            _observed_text(lookup, member, curves_by_venue.get(venue), margin_type, n)
            for n in notional_grid
        ]
        rows.append(
            GridRow(
                venue,
                f"{member.symbol} · {member.profile}" if member else "",
                is_reference=False,
                cells=tuple(rates),
                note=_note(lookup, member, margin_type) if member else "",
            )
        )
    return tuple(rows)


def _observed_text(
    lookup: Lookup, member: Member | None, curve: Curve | None, margin_type: str, notional: float
) -> str:
    """Returns a venue's rate, or ``≥`` with the rate that it requires at least."""
    schedule = lookup.schedule(member) if member else None
    return lower_bound(schedule, margin_type, notional) or numbers.rate(
        _observed_rate(lookup, member, curve, margin_type, notional)
    )


def _observed_rate(
    lookup: Lookup, member: Member | None, curve: Curve | None, margin_type: str, notional: float
) -> float | None:
    """Returns a venue's rate from the document; nothing is evaluated between its points."""
    for rule_set in lookup.references:
        point = (
            point_at(lookup.divergence(rule_set.id, margin_type, member), notional)
            if member
            else None
        )
        if point and point.margin is not None:
            return point.margin / notional
    return _rate_on_curve(curve, notional)


def _required_rate(
    lookup: Lookup, curve: Curve, margin_type: str, notional: float, members: list[Member]
) -> float | None:
    for member in members:
        point = point_at(lookup.divergence(curve.name, margin_type, member), notional)
        if point and point.required is not None:
            return point.required / notional
    return _rate_on_curve(curve, notional)


def _rate_on_curve(curve: Curve | None, notional: float) -> float | None:
    """Returns the rate at a point of the curve; at a jump, the rate of the lower piece."""
    if curve is None or notional not in curve.notional:
        return None
    return curve.rate[curve.notional.index(notional)]


def _note(lookup: Lookup, member: Member, margin_type: str) -> str:
    _, reasons = member_marks(member)
    schedule = lookup.schedule(member)
    if schedule is None:
        return reasons
    notes = [reasons] if reasons else []
    if margin_type == "maintenance":
        notes.append(schedule.maintenance_meaning)
        derivation = schedule.maintenance_note
    else:
        derivation = schedule.initial_note
    if derivation:
        notes.append(derivation)
    return "; ".join(notes)


def _lowest_margin_rows(spread: Spread | None) -> tuple[LowestMarginRow, ...]:
    """Lists the venues with the lowest margin; adjacent ranges with the same venues are merged."""
    if spread is None:
        return ()
    runs = [tuple(run) for _, run in groupby(spread.intervals, key=lambda part: part.lowest_venues)]
    rows = [_lowest_margin_row(run) for run in runs]
    if len(rows) <= _RANGES:
        return tuple(rows)
    omitted = numbers.count(len(rows) - _RANGES)
    return (
        *rows[:_RANGES],
        LowestMarginRow(f"{omitted} more ranges in the JSON document", "", "", ""),
    )


def _lowest_margin_row(run: tuple[SpreadInterval, ...]) -> LowestMarginRow:
    first, last = run[0], run[-1]
    highest_venues = list(dict.fromkeys(venue for part in run for venue in part.highest_venues))
    start, end = numbers.usd(first.spread_lower), numbers.usd(last.spread_upper)
    return LowestMarginRow(
        numbers.notional_range(first.lower, last.upper),
        join_words(first.lowest_venues),
        join_words(highest_venues),
        _spread_text(start, end if last.spread_upper is not None else ""),
    )


def _spread_text(start: str, end: str) -> str:
    """Returns a spread at both ends of its range; an open-ended range has no second end."""
    if not end:
        return f"from {start}"
    return start if start == end else f"{start} – {end}"
