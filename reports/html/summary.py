"""Executive summary: statements of the results, each with its numbers."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harmonize.document import (
    AuditDocument,
    CoverageStatus,
    Level,
    RuleSetRow,
    Spread,
    SpreadPoint,
    Verdict,
)
from harmonize.text import numbers
from harmonize.text.words import join_words, margin_abbreviation, margin_name
from reports.finding_order import EVALUATED, level_counts
from reports.html import caps_and_models
from reports.html.page import KeyFigure, Statement
from reports.lookup import MARGIN_TYPES, Lookup, age_text, earliest_date

_NAMED = 3


def summary(lookup: Lookup) -> tuple[Statement, ...]:
    """Returns the statements on scope, divergence, harmonization, spreads and data gaps."""
    return tuple(_statements(lookup))


def key_figures(lookup: Lookup) -> tuple[KeyFigure, ...]:
    """Returns the key figures; those without data in the document are absent."""
    document = lookup.document
    key_numbers = []
    for rule_set in lookup.references[:1]:
        counts = _rows_by_group(lookup, rule_set, "initial").representatives
        evaluated = _evaluated_count(counts)
        key_numbers.append(
            KeyFigure(
                numbers.share(counts[Verdict.UNDER], evaluated),
                f"of {numbers.count_text(evaluated, 'evaluated schedule')} that comparisons include,"
                f" one per venue and underlying, required less IM than {rule_set.id}",
            )
        )
    widest = widest_point(lookup, "initial")
    if widest:
        spread, point = widest
        notional = numbers.usd(document.heat_map_notional)
        key_numbers.append(
            KeyFigure(
                numbers.times(point.highest / point.lowest),
                f"highest over lowest IM on {spread.underlying} at {notional}, of"
                f" {numbers.count_text(point.venues, 'venue')} observed"
                f" {numbers.date_range(spread.oldest, spread.newest)}",
            )
        )
    key_numbers += _cap_breaches(document)
    errors = dict(level_counts(document.findings))[Level.ERROR]
    key_numbers.append(KeyFigure(numbers.count(errors), "findings of level error"))
    observed = sum(row.status is CoverageStatus.OBSERVED for row in document.coverage)
    key_numbers.append(
        KeyFigure(
            numbers.share(observed, len(document.coverage)),
            "of recorded venue–underlying pairs were observed within the last "
            f"{numbers.age(document.stale_after_days)}; the others are stale, from documentation or not observable",
        )
    )
    return tuple(key_numbers)


def _cap_breaches(document: AuditDocument) -> Iterator[KeyFigure]:
    """Yields the number of breaches of statutory caps; nothing if none was applied."""
    caps = {row.id for row in document.rule_sets if row.kind == "cap" and row.statutory}
    breaches = [
        finding
        for finding in document.findings
        if finding.verdict is Verdict.BREACH and finding.rule_set in caps
    ]
    contracts = {(finding.venue, finding.symbol) for finding in breaches}
    venues = len({venue for venue, _ in contracts})
    if caps:
        yield KeyFigure(
            numbers.count(len(breaches)),
            "breaches of statutory caps, if offered to retail:"
            f" {numbers.count_text(len(contracts), 'contract')}"
            f" at {numbers.count_text(venues, 'venue')}",
        )


def _statements(lookup: Lookup) -> Iterator[Statement]:
    document = lookup.document
    yield _scope(lookup)
    for rule_set in lookup.references:
        yield _divergence(lookup, rule_set)
    yield from caps_and_models.statements(document)
    index_references = {row.reference for row in document.indices}
    references = [rule_set.id for rule_set in document.rule_sets if rule_set.id in index_references]
    for reference in [*references, *sorted(index_references.difference(references))]:
        yield _harmonization(document, reference)
    for margin_type, _ in MARGIN_TYPES:
        yield _widest_spread(lookup, margin_type)
    yield _data_gaps(lookup)
    yield _compared_dates(document)


def _scope(lookup: Lookup) -> Statement:
    document = lookup.document
    underlyings = len({row.underlying for row in document.schedules})
    levels = [
        numbers.count_text(number, level.value, level.value)
        for level, number in level_counts(document.findings)
    ]
    return Statement(
        "Scope",
        f"{numbers.count_text(len(document.schedules), 'margin schedule')} on"
        f" {numbers.count_text(underlyings, 'underlying')} at"
        f" {numbers.count_text(len(lookup.venues), 'venue')}, from"
        f" {numbers.count_text(len(document.snapshots), 'snapshot')};"
        f" {numbers.count_text(lookup.compared, 'underlying')} on two venues or more are"
        f" compared. The checks produced {numbers.count_text(len(document.findings), 'finding')}:"
        f" {join_words(levels)}.",
    )


@dataclass(frozen=True, slots=True)
class _Groups:
    """Verdicts of the schedules that comparisons include, and of all others."""

    representatives: Counter[Verdict]
    others: Counter[Verdict]


def _rows_by_group(lookup: Lookup, rule_set: RuleSetRow, margin_type: str) -> _Groups:
    """Counts verdicts by whether the schedule represents its venue in comparisons.

    Further profiles of a contract, and schedules that are set aside, would count a venue's one
    decision several times, or a margin that nobody observed.
    """
    groups = _Groups(Counter(), Counter())
    for row in lookup.document.divergences:
        if row.rule_set == rule_set.id and row.margin_type == margin_type:
            is_included = (row.venue, row.symbol, row.profile) in lookup.representatives
            (groups.representatives if is_included else groups.others)[row.verdict] += 1
    return groups


def _evaluated_count(verdicts: Counter[Verdict]) -> int:
    return sum(verdicts[verdict] for verdict in EVALUATED)


def _divergence(lookup: Lookup, rule_set: RuleSetRow) -> Statement:
    sentences = []
    for margin_type, _ in MARGIN_TYPES:
        groups = _rows_by_group(lookup, rule_set, margin_type)
        verdicts, others = groups.representatives, groups.others
        evaluated = _evaluated_count(verdicts)
        under, over = verdicts[Verdict.UNDER], verdicts[Verdict.OVER]
        not_observable = verdicts[Verdict.NOT_OBSERVABLE]
        sentences.append(
            f"Of {numbers.count_text(evaluated, 'schedule')} evaluated on {margin_name(margin_type)}"
            " that comparisons include, one per venue and underlying,"
            f" {numbers.count(under)} ({numbers.share(under, evaluated)}) lay below"
            f" {rule_set.title} by more than its tolerance and {numbers.count(over)}"
            f" ({numbers.share(over, evaluated)}) above; {numbers.count(not_observable)} more could not be"
            f" evaluated. Not counted there: {numbers.count_text(_evaluated_count(others), 'schedule')} of"
            " further contracts or profiles, of underlyings on one venue, or excluded from"
            f" comparisons, of which {numbers.count(others[Verdict.UNDER])} lay below and"
            f" {numbers.count(others[Verdict.OVER])} above."
        )
    return Statement(f"Against {rule_set.id}", " ".join(sentences))


def _harmonization(document: AuditDocument, reference: str) -> Statement:
    """States the underlyings with the highest and lowest index, by observations with exact dates."""
    own = [
        row
        for row in document.headlines.indices
        if row.reference == reference and row.margin_type == "initial"
    ]
    indices = sorted(own, key=lambda row: (-row.value, row.underlying))
    heading = f"Harmonization against {reference_text(reference)}"
    if not indices:
        return Statement(heading, f"None qualifies: {_no_headline(document)}.")
    is_median = "median" in reference
    first, last = indices[:_NAMED], indices[-_NAMED:][::-1]
    highest = join_words([f"{row.underlying} ({numbers.index(row.value)})" for row in first])
    text = f"{_CLOSEST[is_median]}: {highest}"
    if len(indices) > len(first):
        lowest = join_words([f"{row.underlying} ({numbers.index(row.value)})" for row in last])
        text += f"; {_FARTHEST[is_median]}: {lowest}"
    middle = indices[len(indices) // 2]
    dates = numbers.date_range(
        min(index.oldest for index in indices), max(index.newest for index in indices)
    )
    return Statement(
        heading,
        f"{text}. The median of {numbers.count_text(len(indices), 'underlying')} is"
        f" {numbers.index(middle.value)}; {_SCALE[is_median]}, 50 an average factor of two. An index"
        " compares three venues or more."
        f" Dates compared, all exact and within {numbers.count_text(document.headlines.span_days, 'day')}:"
        f" {dates}.",
    )


_CLOSEST = {True: "Venues most alike", False: "Closest to the reference"}
_FARTHEST = {True: "least alike", False: "farthest"}
_SCALE = {True: "100 means identical margins", False: "100 means margins equal to the reference"}
"""Words by whether the reference is the venues' own median: only then does an index compare venues."""


def reference_text(reference: str) -> str:
    """Returns the name of what an index is measured against."""
    return "the cross-venue median" if "median" in reference else reference


def widest_point(lookup: Lookup, margin_type: str) -> tuple[Spread, SpreadPoint] | None:
    """Returns the headline spread with the largest ratio of highest to lowest margin.

    Headlines compare exact dates that are close together. If references name underlyings, only those
    qualify: other tickers may denote two coins.
    """
    notional = lookup.document.heat_map_notional
    reference_underlyings = {
        row.underlying for row in lookup.document.indices if "median" not in row.reference
    }
    points = [
        (spread, point)
        for spread in lookup.document.headlines.spreads
        if spread.margin_type == margin_type
        and (not reference_underlyings or spread.underlying in reference_underlyings)
        for point in spread.points
        if point.notional == notional and point.lowest > 0
    ]
    return max(points, key=lambda pair: pair[1].highest / pair[1].lowest, default=None)


def _widest_spread(lookup: Lookup, margin_type: str) -> Statement:
    heading = f"Widest {margin_abbreviation(margin_type)} spread"
    widest = widest_point(lookup, margin_type)
    if widest is None:
        return Statement(heading, f"None qualifies: {_no_headline(lookup.document)}.")
    spread, point = widest
    lowest = lookup.named(spread.underlying, point.lowest_venues)
    highest = lookup.named(spread.underlying, point.highest_venues)
    return Statement(
        heading,
        f"{spread.underlying} at {numbers.usd(point.notional)}: {join_words(lowest, 2)}"
        f" required {_margin_text(point.lowest, point.notional)},"
        f" {join_words(highest, 2)} {_margin_text(point.highest, point.notional)}:"
        f" a spread of {numbers.usd(point.spread)} over {numbers.count_text(point.venues, 'venue')},"
        f" the highest {numbers.times(point.highest / point.lowest)} the lowest. Dates compared, all"
        f" exact and within {numbers.count_text(lookup.document.headlines.span_days, 'day')}: {numbers.date_range(spread.oldest, spread.newest)}.",
    )


def _no_headline(document: AuditDocument) -> str:
    return (
        "no underlying has enough venues with exact dates within"
        f" {numbers.count_text(document.headlines.span_days, 'day')}"
    )


def _margin_text(margin: float, notional: float) -> str:
    rate = margin / notional
    return f"{numbers.usd(margin)} ({numbers.rate(rate)}, {numbers.leverage_at(rate)})"


def _data_gaps(lookup: Lookup) -> Statement:
    document = lookup.document
    tally = Counter(row.status for row in document.coverage)
    total = len(document.coverage)
    not_observable = [
        row for row in document.coverage if row.status is CoverageStatus.NOT_OBSERVABLE
    ]
    reasons = Counter(row.reason for row in not_observable if row.reason).most_common(_NAMED)
    text = (
        f"{numbers.count(len(not_observable))} of {numbers.count_text(total, 'recorded venue–underlying pair')}"
        f" ({numbers.share(len(not_observable), total)}) are not observable"
    )
    if reasons:
        causes = [
            f"{reason} ({numbers.count(number)})"
            for reason, number in sorted(reasons, key=lambda pair: (-pair[1], pair[0]))
        ]
        text += f", mainly for these reasons: {'; '.join(causes)}"
    return Statement(
        "Data gaps",
        f"{text}. {_not_recorded(lookup, len(not_observable))}Another {numbers.count(tally[CoverageStatus.STALE])} rest on stale snapshots and"
        f" {numbers.count(tally[CoverageStatus.DOCUMENTATION])} on documentation;"
        f" {numbers.count_text(len(document.defects), 'entry', 'entries')} from venues could not be read."
        " Missing data never counts as compliant.",
    )


def _not_recorded(lookup: Lookup, not_observable: int) -> str:
    """States the pairs of which a recording that is not complete says nothing; empty if there are none."""
    missing = lookup.not_recorded
    if not missing:
        return ""
    venues = {row.venue for row in lookup.document.coverage} - lookup.complete_venues
    whole = len(lookup.document.coverage) + missing
    return (
        f"{numbers.count(missing)} further pairs, at"
        f" {numbers.count_text(len(venues), 'venue')} without a complete recording, are not in this"
        " recording: whether they were listed is not known. Of all these pairs,"
        f" {numbers.share(missing + not_observable, whole)} are not known. "
    )


def _oldest(document: AuditDocument) -> str:
    """States the age of the oldest snapshot, and of how many it has no bound."""
    count = numbers.count_text(len(document.snapshots), "snapshot")
    unbounded = sum(not earliest_date(row) for row in document.snapshots)
    known = [row for row in document.snapshots if earliest_date(row)]
    oldest = max(known, key=lambda row: row.age_days, default=None)
    age = age_text(oldest) if oldest else numbers.NOT_OBSERVABLE
    if not unbounded:
        return f"The oldest of {count} was {age} old"
    return f"Of {count}, {numbers.count(unbounded)} have no earliest date; the oldest other one was {age} old"


def _compared_dates(document: AuditDocument) -> Statement:
    stale = [row for row in document.snapshots if row.stale]
    compared = numbers.date_range(
        min((row.oldest for row in document.spreads), default=None),
        max((row.newest for row in document.spreads), default=None),
    )
    inexact = sum(row.date_kind != "exact" for row in document.snapshots)
    return Statement(
        "Dates compared",
        f"Cross-venue statistics compare observations of {compared}. {_oldest(document)} on"
        f" {numbers.date(document.as_of)}; {numbers.count(inexact)} have no exact date;"
        f" {numbers.count(len(stale))} exceeded the limit of"
        f" {numbers.age(document.stale_after_days)} and {'is' if len(stale) == 1 else 'are'}"
        " marked stale.",
    )
