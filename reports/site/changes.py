"""What the pages of a site's changes print: texts ready to be set, and no figure left to work out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

from harmonize.document import Finding
from harmonize.document.change import Change, ChangeKind, MarginChange, Range, Step
from harmonize.document.night import Night
from harmonize.text import numbers
from reports.site.context import ChangeView, FindingView, NightView, StepView, VenueView

_WORDS = {"initial": "IM", "maintenance": "MM"}
_MARKS = {ChangeKind.TIGHTER: "up", ChangeKind.LOOSER: "down", ChangeKind.MIXED: "both"}
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
"""How many of a night's new or worse findings are printed."""


def night_views(nights: Sequence[Night], up: str) -> tuple[NightView, ...]:
    """Nights, newest first, with what is missing between them. ``up`` leads to the site's folder."""
    found: list[NightView] = []
    for place, night in enumerate(nights):
        found.append(_night(night, up))
        if place + 1 < len(nights):
            found += _gap(nights[place + 1].night, night.night)
    return tuple(found)


def _gap(earlier: str, later: str) -> Iterator[NightView]:
    """The nights between two that were not run."""
    begun, ended = (date.fromisoformat(one[:10]) for one in (earlier, later))
    missed = (ended - begun).days - 1
    if missed < 1:
        return
    first, last = begun + timedelta(days=1), ended - timedelta(days=1)
    said = f"on {first}" if missed == 1 else f"from {first} to {last}, {missed} nights"
    yield NightView("", "", "", "", (), (), "", (), f"No run {said}.")


def _night(night: Night, up: str) -> NightView:
    fresh = sorted(
        night.new_findings, key=lambda one: (_gravity(one), one.code, one.venue, one.symbol)
    )
    left = len(fresh) - FINDINGS
    return NightView(
        night=night.night,
        title=numbers.date(night.night[:10])
        + (f" ({night.night[11:]})" if night.night[10:] else ""),
        report=f"{up}nights/{night.night}/index.html",
        tally=tally(night.changes) or _still(night),
        errors=night.errors,
        findings=tuple(map(_finding, fresh[:FINDINGS])),
        findings_left=f"and {numbers.count(left)} more in the report" if left > 0 else "",
        venues=tuple(_venues(night.changes)),
    )


def _still(night: Night) -> str:
    """What is said where nothing changed: that, or that nothing was seen."""
    seen = any(one.status in {"gathered", "held"} for one in night.venues)
    return "Nothing changed." if seen or not night.venues else "Nothing was observed."


def tally(changes: Iterable[Change]) -> str:
    """How many changes there are of each kind, in words; empty where there is none."""
    counts = Counter(one.kind for one in changes)
    named = [(counts.pop(kind, 0), word) for kind, word in _TALLY]
    named += [(number, kind.value) for kind, number in sorted(counts.items())]
    return ", ".join(f"{numbers.count(number)} {word}" for number, word in named if number)


def _gravity(finding: Finding) -> int:
    return ("error", "warning", "info").index(finding.level.value)


def _finding(one: Finding) -> FindingView:
    whose = " ".join(part for part in (one.venue, one.symbol or one.underlying) if part)
    return FindingView(one.code, one.level.value, one.state or "new", whose, one.message)


def _venues(changes: Sequence[Change]) -> Iterator[VenueView]:
    for venue, held in groupby(sorted(changes, key=lambda one: one.venue), lambda one: one.venue):
        own = list(held)
        moved = sorted((one for one in own if one.kind in _ORDER), key=_weight)
        others = sorted((one for one in own if one.kind not in _ORDER), key=_named)
        rest = [
            (kind.value, ", ".join(f"{one.symbol}{_aside(one)}" for one in group))
            for kind, group in groupby(others, lambda one: one.kind)
        ]
        yield VenueView(venue, tally(own), tuple(_alike(moved)), tuple(rest))


def _weight(one: Change) -> tuple[float, float, str, str]:
    rise = max((moved.largest_rise or 0.0 for moved in one.moved), default=0.0)
    fall = min((moved.largest_fall or 0.0 for moved in one.moved), default=0.0)
    return (-rise, fall, one.symbol, one.profile)


def _named(one: Change) -> tuple[str, str, str]:
    return (one.kind.value, one.symbol, one.profile)


def _aside(one: Change) -> str:
    """What a change of capacity or rule came to."""
    if one.kind is ChangeKind.CAPACITY:
        return f" ({numbers.usd(one.capacity_before)} to {numbers.usd(one.capacity_after)})"
    if one.kind is ChangeKind.RULE:
        return f" ({one.rule_before} to {one.rule_after})"
    return ""


def _alike(changes: Iterable[Change]) -> Iterator[ChangeView]:
    """Changes in their order; those that say the same of several schedules once."""
    found: dict[object, list[Change]] = {}
    for one in changes:
        found.setdefault(
            (one.kind, tuple(_facts(one)), one.steps, one.before, one.after), []
        ).append(one)
    for held in found.values():
        one = held[0]
        yield ChangeView(
            symbols=", ".join(_called(each) for each in held),
            count=numbers.counted(len(held), "schedule") if len(held) > 1 else "",
            kind=one.kind.value,
            mark=_MARKS[one.kind],
            facts=tuple(_facts(one)),
            steps=tuple(_step(step) for step in one.steps if _known(step)),
            span=numbers.span(one.before, one.after),
        )


def _called(one: Change) -> str:
    return one.symbol if one.profile == "any" else f"{one.symbol} ({one.profile})"


def _facts(one: Change) -> Iterator[str]:
    for moved in one.moved:
        yield from _moved(moved)
    if one.capacity_before != one.capacity_after:
        yield f"largest position {numbers.usd(one.capacity_before)} → {numbers.usd(one.capacity_after)}"
    if one.rule_before != one.rule_after:
        yield f"tiers {one.rule_before or numbers.NOT_OBSERVABLE} → {one.rule_after or numbers.NOT_OBSERVABLE}"
    if one.price != 1.0:
        yield f"prices taken out: the later is {one.price:.4g} times the earlier"


def _moved(moved: MarginChange) -> Iterator[str]:
    word = _WORDS[moved.margin_type]
    if moved.largest_rise is not None and moved.tighter:
        at = numbers.usd(moved.rise_notional)
        most = numbers.divergence(moved.largest_rise)
        yield f"{word} higher: {_ranges(moved.tighter)}; most {most} at {at}"
    if moved.largest_fall is not None and moved.looser:
        at = numbers.usd(moved.fall_notional)
        most = numbers.divergence(moved.largest_fall)
        yield f"{word} lower: {_ranges(moved.looser)}; most {most} at {at}"


def _ranges(ranges: Sequence[Range]) -> str:
    said = [numbers.interval(lower, upper) for lower, upper in ranges]
    if len(said) > 3:  # noqa: PLR2004 - as said
        said = [*said[:2], f"{len(said) - 3} more", said[-1]]
    return ", ".join(said)


def _step(step: Step) -> StepView:
    initial = _pair(step.initial_before, step.initial_after, step.notional)
    maintenance = _pair(step.maintenance_before, step.maintenance_after, step.notional)
    return StepView(numbers.usd(step.notional), (*initial, *maintenance))


def _pair(
    before: float | None, after: float | None, size: float
) -> tuple[tuple[str, bool], tuple[str, bool]]:
    then, now = (numbers.rate(None if one is None else one / size) for one in (before, after))
    return (then, False), (now, now != then)


def _known(step: Step) -> bool:
    margins = (
        step.initial_before,
        step.initial_after,
        step.maintenance_before,
        step.maintenance_after,
    )
    return any(one is not None for one in margins)
