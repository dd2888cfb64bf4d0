"""Changes of nightly runs as finished text for the templates."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

from harmonize.document import Finding
from harmonize.document.change import Change, ChangeKind, MarginChange, NotionalRange, Step
from harmonize.document.night import EndedSignal, Night
from harmonize.text import numbers
from harmonize.text.words import margin_abbreviation
from reports.site.context import ChangeView, FindingView, NightView, StepView, VenueView

_SIGNS = {ChangeKind.TIGHTER: "up", ChangeKind.LOOSER: "down", ChangeKind.MIXED: "both"}
_ORDER = (ChangeKind.TIGHTER, ChangeKind.MIXED, ChangeKind.LOOSER)
_TALLY = (
    (ChangeKind.TIGHTER, "tighter"),
    (ChangeKind.LOOSER, "looser"),
    (ChangeKind.MIXED, "mixed"),
    (ChangeKind.BANDS, "only bands"),
    (ChangeKind.CAPACITY, "only capacity"),
    (ChangeKind.RULE, "only rule"),
    (ChangeKind.LISTED, "listed"),
    (ChangeKind.DELISTED, "delisted"),
)


FINDINGS = 12
"""Largest number of new or worse findings printed per night."""


def night_views(nights: Sequence[Night], up: str) -> tuple[NightView, ...]:
    """Returns nights, newest first, with gaps between them. `up` leads to the folder of the site."""
    views: list[NightView] = []
    for index, night in enumerate(nights):
        views.append(_night_view(night, up))
        if index + 1 < len(nights):
            views += _missing_nights(nights[index + 1].night, night.night)
    return tuple(views)


def _missing_nights(earlier: str, later: str) -> Iterator[NightView]:
    """Yields a note on the nights without a run between two nights."""
    first_run, last_run = (date.fromisoformat(name[:10]) for name in (earlier, later))
    missed = (last_run - first_run).days - 1
    if missed < 1:
        return
    first, last = first_run + timedelta(days=1), last_run - timedelta(days=1)
    dates = f"on {first}" if missed == 1 else f"from {first} to {last}, {missed} nights"
    yield NightView("", "", "", "", (), (), "", (), f"No run {dates}.")


def _night_view(night: Night, up: str) -> NightView:
    findings = sorted(
        night.new_findings,
        key=lambda finding: (_severity(finding), finding.code, finding.venue, finding.symbol),
    )
    omitted = len(findings) - FINDINGS
    return NightView(
        night=night.night,
        title=numbers.date(night.night[:10])
        + (f" ({night.night[11:]})" if night.night[10:] else ""),
        report=f"{up}nights/{night.night}/index.html",
        tally=tally(night.changes) or _no_change_text(night),
        errors=night.errors,
        findings=tuple(map(_finding_view, findings[:FINDINGS])),
        findings_omitted=f"and {numbers.count(omitted)} more in the report" if omitted > 0 else "",
        venues=tuple(_venue_views(night.changes)),
        ended=tuple(map(_ended_view, night.ended_signals)),
    )


def _no_change_text(night: Night) -> str:
    """Returns the text for a night without changes: unchanged, or not observed."""
    is_observed = any(venue.status in {"gathered", "held"} for venue in night.venues)
    return "No changes." if is_observed or not night.venues else "No observations."


def tally(changes: Iterable[Change]) -> str:
    """Returns the number of changes per kind, in words; empty if there are none."""
    counts = Counter(change.kind for change in changes)
    kinds = [(counts.pop(kind, 0), word) for kind, word in _TALLY]
    kinds += [(number, kind.value) for kind, number in sorted(counts.items())]
    return ", ".join(f"{numbers.count(number)} {word}" for number, word in kinds if number)


def _severity(finding: Finding) -> int:
    return ("error", "warning", "info").index(finding.level.value)


def _finding_view(finding: Finding) -> FindingView:
    instrument = " ".join(
        part for part in (finding.venue, finding.symbol or finding.underlying) if part
    )
    return FindingView(
        finding.code, finding.level.value, finding.state or "new", instrument, finding.message
    )


def _ended_view(signal: EndedSignal) -> FindingView:
    message = "the signal is no longer on"
    return FindingView(signal.code, signal.level.value, "ended", signal.underlying, message)


def _venue_views(changes: Sequence[Change]) -> Iterator[VenueView]:
    by_venue = sorted(changes, key=lambda change: change.venue)
    for venue, venue_group in groupby(by_venue, lambda change: change.venue):
        venue_changes = list(venue_group)
        margin_changes = sorted(
            (change for change in venue_changes if change.kind in _ORDER), key=_by_size
        )
        other_changes = sorted(
            (change for change in venue_changes if change.kind not in _ORDER), key=_by_name
        )
        other_texts = [
            (
                kind.value,
                ", ".join(f"{change.symbol}{_values_text(change)}" for change in kind_group),
            )
            for kind, kind_group in groupby(other_changes, lambda change: change.kind)
        ]
        yield VenueView(
            venue, tally(venue_changes), tuple(_merge_alike(margin_changes)), tuple(other_texts)
        )


def _by_size(change: Change) -> tuple[float, float, str, str]:
    largest_rise = max((margin.largest_rise or 0.0 for margin in change.moved), default=0.0)
    largest_fall = min((margin.largest_fall or 0.0 for margin in change.moved), default=0.0)
    return (-largest_rise, largest_fall, change.symbol, change.profile)


def _by_name(change: Change) -> tuple[str, str, str]:
    return (change.kind.value, change.symbol, change.profile)


def _values_text(change: Change) -> str:
    """Returns the values before and after a change of capacity or tier rule."""
    if change.kind is ChangeKind.CAPACITY:
        return f" ({numbers.usd(change.capacity_before)} to {numbers.usd(change.capacity_after)})"
    if change.kind is ChangeKind.RULE:
        return f" ({change.rule_before} to {change.rule_after})"
    return ""


def _merge_alike(changes: Iterable[Change]) -> Iterator[ChangeView]:
    """Yields changes in order; identical changes of several schedules are merged."""
    groups: dict[object, list[Change]] = {}
    for change in changes:
        key = (change.kind, tuple(_facts(change)), change.steps, change.before, change.after)
        groups.setdefault(key, []).append(change)
    for group in groups.values():
        first = group[0]
        yield ChangeView(
            symbols=", ".join(_schedule_name(change) for change in group),
            count=numbers.count_text(len(group), "schedule") if len(group) > 1 else "",
            kind=first.kind.value,
            sign=_SIGNS[first.kind],
            facts=tuple(_facts(first)),
            steps=tuple(_step_view(step) for step in first.steps if _has_margin(step)),
            span=numbers.date_range(first.before, first.after),
        )


def _schedule_name(change: Change) -> str:
    return change.symbol if change.profile == "any" else f"{change.symbol} ({change.profile})"


def _facts(change: Change) -> Iterator[str]:
    for margin in change.moved:
        yield from _margin_facts(margin)
    if change.capacity_before != change.capacity_after:
        yield f"largest position {numbers.usd(change.capacity_before)} → {numbers.usd(change.capacity_after)}"
    if change.rule_before != change.rule_after:
        yield f"tiers {change.rule_before or numbers.NOT_OBSERVABLE} → {change.rule_after or numbers.NOT_OBSERVABLE}"
    if change.price != 1.0:
        yield f"price effect removed: the later price is {change.price:.4g} times the earlier"


def _margin_facts(margin: MarginChange) -> Iterator[str]:
    word = margin_abbreviation(margin.margin_type)
    if margin.largest_rise is not None and margin.tighter:
        notional = numbers.usd(margin.rise_notional)
        largest = numbers.deviation(margin.largest_rise)
        yield f"{word} higher: {_ranges_text(margin.tighter)}; largest change {largest} at {notional}"
    if margin.largest_fall is not None and margin.looser:
        notional = numbers.usd(margin.fall_notional)
        largest = numbers.deviation(margin.largest_fall)
        yield f"{word} lower: {_ranges_text(margin.looser)}; largest change {largest} at {notional}"


def _ranges_text(ranges: Sequence[NotionalRange]) -> str:
    texts = [numbers.notional_range(lower, upper) for lower, upper in ranges]
    if len(texts) > 3:  # noqa: PLR2004 - three ranges fit a line
        texts = [*texts[:2], f"{len(texts) - 3} more", texts[-1]]
    return ", ".join(texts)


def _step_view(step: Step) -> StepView:
    initial = _rate_pair(step.initial_before, step.initial_after, step.notional)
    maintenance = _rate_pair(step.maintenance_before, step.maintenance_after, step.notional)
    return StepView(numbers.usd(step.notional), (*initial, *maintenance))


def _rate_pair(
    before: float | None, after: float | None, notional: float
) -> tuple[tuple[str, bool], tuple[str, bool]]:
    rate_before, rate_after = (
        numbers.rate(None if margin is None else margin / notional) for margin in (before, after)
    )
    return (rate_before, False), (rate_after, rate_after != rate_before)


def _has_margin(step: Step) -> bool:
    margins = (
        step.initial_before,
        step.initial_after,
        step.maintenance_before,
        step.maintenance_after,
    )
    return any(margin is not None for margin in margins)
