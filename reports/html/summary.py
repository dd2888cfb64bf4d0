"""The executive summary: sentences that say what was found, each with its numbers."""

from collections import Counter
from collections.abc import Iterator

from harmonize.document import (
    AuditDocument,
    CoverageStatus,
    DivergenceRow,
    Index,
    Level,
    RuleSetRow,
    SpreadPoint,
    Verdict,
)
from harmonize.text import numbers
from harmonize.text.words import listed
from reports.finding_order import level_counts
from reports.html import caps_and_models
from reports.html.page import KeyFigure, Statement
from reports.lookup import Lookup

_JUDGED = (Verdict.COMPLIANT, Verdict.UNDER, Verdict.OVER, Verdict.BREACH)
_NAMED = 3


def summary(lookup: Lookup) -> tuple[Statement, ...]:
    """Say what was read, found, most and least alike, and what could not be observed."""
    return tuple(_statements(lookup))


def key_figures(lookup: Lookup) -> tuple[KeyFigure, ...]:
    """Pick the few numbers that a reader takes away; what the document lacks is left out."""
    document = lookup.document
    figures = []
    for rule_set in lookup.references[:1]:
        verdicts = _verdicts(document, rule_set, "initial")
        share = numbers.share(verdicts[Verdict.UNDER], _judged(verdicts))
        figures.append(KeyFigure(share, f"of judged schedules ask less IM than {rule_set.id}"))
    widest = _widest(lookup, "initial")
    if widest:
        underlying, point = widest
        at = numbers.usd(document.heat_map_notional)
        figures.append(
            KeyFigure(
                numbers.times(point.highest / point.lowest),
                f"the least: what the dearest venue asks as IM on {underlying} at {at}",
            )
        )
    graves = dict(level_counts(document.findings))[Level.ERROR]
    figures.append(KeyFigure(numbers.count(graves), "findings of level error"))
    fresh = sum(row.status is CoverageStatus.OBSERVED for row in document.coverage)
    figures.append(
        KeyFigure(
            numbers.share(fresh, len(document.coverage)),
            "of listed venue–underlying pairs were observed within the last "
            f"{numbers.age(document.stale_after_days)}; the rest is old, documentation or unknown",
        )
    )
    return tuple(figures)


def _statements(lookup: Lookup) -> Iterator[Statement]:
    document = lookup.document
    yield _read(lookup)
    for rule_set in lookup.references:
        yield _against(document, rule_set)
    yield from caps_and_models.statements(document)
    against_all = {row.reference for row in document.indices}
    known = [rule_set.id for rule_set in document.rule_sets if rule_set.id in against_all]
    for standard in [*known, *sorted(against_all.difference(known))]:
        ranked = [
            row
            for row in document.indices
            if row.reference == standard and row.margin_type == "initial"
        ]
        if ranked:
            yield _alike(standard, sorted(ranked, key=lambda row: (-row.value, row.underlying)))
    for figure, name in (("initial", "IM"), ("maintenance", "MM")):
        widest = _widest(lookup, figure)
        if widest:
            yield _spread(lookup, figure, name, widest)
    yield _unseen(document)
    yield _dates(document)


def _read(lookup: Lookup) -> Statement:
    document = lookup.document
    underlyings = len({row.underlying for row in document.schedules})
    levels = [
        numbers.counted(number, level.value, level.value)
        for level, number in level_counts(document.findings)
    ]
    return Statement(
        "What was read",
        f"{numbers.counted(len(document.schedules), 'margin schedule')} on"
        f" {numbers.counted(underlyings, 'underlying')} at"
        f" {numbers.counted(len(lookup.venues), 'venue')}, from"
        f" {numbers.counted(len(document.snapshots), 'snapshot')};"
        f" {numbers.counted(len(document.comparisons), 'underlying')} on two venues or more are"
        f" compared. The checks made {numbers.counted(len(document.findings), 'finding')}:"
        f" {listed(levels)}.",
    )


def _verdicts(document: AuditDocument, rule_set: RuleSetRow, figure: str) -> Counter[Verdict]:
    rows: Iterator[DivergenceRow] = (
        row
        for row in document.divergences
        if row.rule_set == rule_set.id and row.margin_type == figure
    )
    return Counter(row.verdict for row in rows)


def _judged(verdicts: Counter[Verdict]) -> int:
    return sum(verdicts[verdict] for verdict in _JUDGED)


def _against(document: AuditDocument, rule_set: RuleSetRow) -> Statement:
    parts = []
    for figure, name in (("initial", "initial"), ("maintenance", "maintenance")):
        verdicts = _verdicts(document, rule_set, figure)
        judged = _judged(verdicts)
        under, over = verdicts[Verdict.UNDER], verdicts[Verdict.OVER]
        blind = verdicts[Verdict.NOT_OBSERVABLE]
        parts.append(
            f"Of {numbers.counted(judged, 'schedule')} judged on {name} margin,"
            f" {numbers.count(under)} ({numbers.share(under, judged)}) lie below"
            f" {rule_set.title} by more than its tolerance and {numbers.count(over)}"
            f" ({numbers.share(over, judged)}) above; {numbers.count(blind)} more could not be"
            " judged."
        )
    return Statement(f"Against {rule_set.id}", " ".join(parts))


def _alike(against: str, ranked: list[Index]) -> Statement:
    first, last = ranked[:_NAMED], ranked[-_NAMED:][::-1]
    best = listed([f"{row.underlying} ({numbers.index(row.value)})" for row in first])
    text = f"Most alike are {best}"
    if len(ranked) > len(first):
        worst = listed([f"{row.underlying} ({numbers.index(row.value)})" for row in last])
        text += f"; least, {worst}"
    middle = ranked[len(ranked) // 2]
    spans = numbers.span(min(r.oldest for r in ranked), max(r.newest for r in ranked))
    return Statement(
        f"Harmonization against {against_words(against)}",
        f"{text}. The middle of {numbers.counted(len(ranked), 'underlying')} stands at"
        f" {numbers.index(middle.value)}; 100 is identical, 50 a factor of two apart on average."
        f" Dates compared: {spans}.",
    )


def against_words(against: str) -> str:
    """Name what an index is measured against."""
    return "the cross-venue median" if "median" in against else against


def _widest(lookup: Lookup, figure: str) -> tuple[str, SpreadPoint] | None:
    """Find the underlying whose dearest venue asks the most times what its cheapest asks.

    Where references name underlyings, only among those: other tickers may be two coins.
    """
    heat = lookup.document.heat_map_notional
    named = {row.underlying for row in lookup.document.indices if "median" not in row.reference}
    points = [
        (gap.underlying, point)
        for gap in lookup.document.spreads
        if gap.margin_type == figure and (not named or gap.underlying in named)
        for point in gap.points
        if point.notional == heat and point.lowest > 0
    ]
    return max(points, key=lambda pair: pair[1].highest / pair[1].lowest, default=None)


def _spread(lookup: Lookup, figure: str, name: str, widest: tuple[str, SpreadPoint]) -> Statement:
    underlying, point = widest
    gap = lookup.gaps[underlying, figure]
    return Statement(
        f"Widest {name} spread",
        f"{underlying} at {numbers.usd(point.notional)}: {listed(point.lowest_venues, 2)}"
        f" {'asks' if len(point.lowest_venues) == 1 else 'ask'} {_asked(point.lowest, point.notional)},"
        f" {listed(point.highest_venues, 2)} {_asked(point.highest, point.notional)} —"
        f" {numbers.usd(point.spread)} or {numbers.times(point.highest / point.lowest)} apart, over"
        f" {numbers.counted(point.venues, 'venue')}, dates"
        f" {numbers.span(gap.oldest, gap.newest)}.",
    )


def _asked(margin: float, notional: float) -> str:
    rate = margin / notional
    return f"{numbers.usd(margin)} ({numbers.rate(rate)}, {numbers.leverage(rate)})"


def _unseen(document: AuditDocument) -> Statement:
    tally = Counter(row.status for row in document.coverage)
    whole = len(document.coverage)
    blind = [row for row in document.coverage if row.status is CoverageStatus.NOT_OBSERVABLE]
    reasons = Counter(row.reason for row in blind if row.reason).most_common(_NAMED)
    text = (
        f"{numbers.count(len(blind))} of {numbers.counted(whole, 'listed venue–underlying pair')}"
        f" ({numbers.share(len(blind), whole)})"
    )
    if reasons:
        named = [
            f"{reason} ({numbers.count(number)})"
            for reason, number in sorted(reasons, key=lambda pair: (-pair[1], pair[0]))
        ]
        text += f"; mostly because: {'; '.join(named)}"
    return Statement(
        "What could not be observed",
        f"{text}. Another {numbers.count(tally[CoverageStatus.STALE])} rest on stale snapshots and"
        f" {numbers.count(tally[CoverageStatus.DOCUMENTATION])} on documentation;"
        f" {numbers.counted(len(document.defects), 'entry', 'entries')} that venues sent could not"
        " be read. What could not be observed is never counted as compliant.",
    )


def _dates(document: AuditDocument) -> Statement:
    stale = [row for row in document.snapshots if row.stale]
    compared = numbers.span(
        min((row.oldest for row in document.spreads), default=None),
        max((row.newest for row in document.spreads), default=None),
    )
    oldest = max((row.age_days for row in document.snapshots), default=None)
    return Statement(
        "Dates compared",
        f"Cross-venue figures compare {compared}. The oldest of"
        f" {numbers.counted(len(document.snapshots), 'snapshot')} is {numbers.age(oldest)} old;"
        f" {numbers.count(len(stale))} passed the limit of"
        f" {numbers.age(document.stale_after_days)} and {'is' if len(stale) == 1 else 'are'}"
        " marked stale.",
    )
